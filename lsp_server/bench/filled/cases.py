"""Cases: a file with something taken out, where to refactor it, and what is right."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax.parse import parse
from lsp_server.types import Region, Snapshot

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_LARGEST_BYTES = 60_000


@dataclass(frozen=True, kw_only=True)
class File:
    """A Python file, its text and its tree."""

    path: Path
    text: str
    tree: ast.Module

    def offset(self, line: int, column_bytes: int) -> int:
        """The byte at a place as `ast` counts it: lines from 1, columns in bytes."""
        lines = self.text.encode().split(b"\n")
        return sum(len(one) + 1 for one in lines[: line - 1]) + column_bytes


def files(roots: Sequence[Path], rng: random.Random) -> list[File]:
    """The readable files below the roots, shuffled; tests and what is generated are left out."""
    found = sorted({f for root in roots for f in ([root] if root.is_file() else root.rglob("*.py"))})
    rng.shuffle(found)
    opened = []
    for path in found:
        text = path.read_text("utf-8", errors="replace")
        if len(text) > _LARGEST_BYTES or "test" in path.name or "\r" in text:
            continue
        try:
            opened.append(File(path=path, text=text, tree=ast.parse(text)))
        except (SyntaxError, ValueError):
            continue
    return opened


def drawn(among: Sequence[File], rng: random.Random) -> Iterator[tuple[File, Function]]:
    """(file, function) in a drawn order, one of each file in turn."""
    waiting = []
    for file in among:
        own = [node for node in ast.walk(file.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        rng.shuffle(own)
        waiting.append((file, own))
    while any(own for _, own in waiting):
        for file, own in waiting:
            if own:
                yield file, own.pop()


def snapshot_of(source: str, path: Path) -> Snapshot:
    """The text as a document."""
    language = by_name("python")
    data = source.encode()
    return Snapshot(uri=path.as_uri(), version=None, source=data, language=language, tree=parse(data, language))


def at(source: str, offset: int) -> Region:
    """The cursor at a byte."""
    assert offset <= len(source.encode())
    return Region(offset, offset)


def without(source: str, cuts: Sequence[tuple[int, int, str]]) -> str:
    """The source with bytes replaced: (start, end, what stands there instead)."""
    data = source.encode()
    for start, end, text in sorted(cuts, reverse=True):
        data = data[:start] + text.encode() + data[end:]
    return data.decode()


def named(source: str, name: str, line: int) -> Function | None:
    """The function of that name whose line is nearest."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    found = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name == name]
    return min(found, key=lambda node: abs(node.lineno - line), default=None)


def arguments(function: Function) -> list[ast.arg]:
    """Its parameters in the order of the file, the object itself apart."""
    own = function.args
    every = [*own.posonlyargs, *own.args, own.vararg, *own.kwonlyargs, own.kwarg]
    return sorted((a for a in every if a and a.arg not in ("self", "cls")), key=lambda a: (a.lineno, a.col_offset))
