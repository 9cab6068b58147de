"""The scope analysis of Python says what Python's own `symtable` says, name by name, on real files."""

from __future__ import annotations

import asyncio
import email
import json
from pathlib import Path

import pytest

from lsp_server.bench.refactor.meaning import meanings
from lsp_server.code.languages.table import by_name
from lsp_server.code.scopes.python import PythonWalk
from lsp_server.code.syntax.parse import parse

STANDARD = [Path(p.__path__[0]) for p in (asyncio, email, json)]
FILES = [
    *(f for folder in STANDARD for f in sorted(folder.glob("*.py"))[:7]),
    Path(json.__file__).parents[1] / "enum.py",
]
TRICKY = """
import a.b, c as d
from e import f as g, h
x: int = 1
def deco(x, /, y: x = x, *args, z=(lambda y: y + x), **kw) -> x:
    global gx
    gx = x
    nonlocal_free = [x for x in x if (w := x)]
    class K(x, metaclass=kw):
        x = x
        y = [x for _ in x]
        def m(self, x=x):
            def inner():
                nonlocal x
                x += y
                return w, nonlocal_free, gx, K
            return __class__, inner
    try:
        del args, z[0]
    except (A, y) as exc:
        print(f"{exc!r:>{w}} {y}")
    with y as (p, *q), x as y.z:
        for p, q[0] in {p: q for p, q in p}: pass
    match x:
        case K(x=px, y=[1, *rest]) | {"a": px, **rest}: return px, rest
        case d.E | None: pass
        case _ as other if other: pass
    return lambda *args, w=w: (args, w, gx)
async def k():
    return [i async for i in x if await i]
def loop():
    return w, gx, deco
"""


def same(source: str) -> tuple[int, list[object]]:
    """(how many names were compared, those of which the two say different things)."""
    data = source.encode()
    starts = [0]
    for line in data.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    tree = parse(data, by_name("python"))
    assert tree is not None
    names = PythonWalk(tree.root_node).names
    ours = {o.node.start_byte: (o.name, names.binding_of(o)) for o in names.occurrences}
    theirs, mine, where = [], [], []
    for m in meanings(source):
        found = ours.get(starts[m.line - 1] + m.column)
        if found is not None and found[0] == m.name:
            theirs.append((m.name, m.scope))
            mine.append((m.name, id(found[1]) if found[1] is not None else None))
            where.append(m)
    pairs = zip(_numbered(theirs), _numbered(mine), where, strict=True)
    return len(where), [place for a, b, place in pairs if a != b]


def _numbered(found: list[tuple[str, int | None]]) -> list[object]:
    first: dict[object, int] = {}
    return [name if scope is None else first.setdefault((name, scope), n) for n, (name, scope) in enumerate(found)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_real_files(path: Path) -> None:
    compared, different = same(path.read_text("utf-8"))
    assert different == []
    assert compared > 50 or path.stat().st_size < 3000


def test_every_way_to_bind_a_name() -> None:
    compared, different = same(TRICKY)
    assert different == []
    assert compared > 80
