"""What else a file says of a function: who calls it, and how its namesakes in other classes are written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsp_server.code.definitions.bodies import missing_body
from lsp_server.code.definitions.functions import Function, functions
from lsp_server.types import Snapshot

_MOST_CALLS = 4
_MOST_SIBLING_LINES = 16
_NEAR_LINES = 30
"""What stands so near is in the context in any case."""


def evidence(snapshot: Snapshot, function: Function) -> Iterator[str]:
    """Lines of the file, far from the function, that say what it has to do."""
    if not function.name:
        return
    lines = snapshot.source.decode("utf-8", "replace").split("\n")
    first = snapshot.source.count(b"\n", 0, function.outer.start_byte)
    last = snapshot.source.count(b"\n", 0, function.outer.end_byte)
    calls = re.compile(rf"\b{re.escape(function.name.rpartition('::')[2])}\s*\(")
    far = [n for n in range(len(lines)) if n < first - _NEAR_LINES or n > last + _NEAR_LINES]
    defined = re.compile(r"\s*(?:async\s+)?(?:def|function|func|fn|class)\b")
    called = [lines[n].strip() for n in far if calls.search(lines[n]) and not defined.match(lines[n])]
    for line in list(dict.fromkeys(called))[:_MOST_CALLS]:
        yield f"called as: {line}"
    for sibling in functions(snapshot) if function.is_method else ():
        same = sibling.name == function.name and sibling.node.id != function.node.id
        row = snapshot.source.count(b"\n", 0, sibling.outer.start_byte)
        if same and abs(row - first) > _NEAR_LINES and missing_body(sibling) is None:
            yield "the same method of another class:"
            yield from (sibling.node.text or b"").decode("utf-8", "replace").split("\n")[:_MOST_SIBLING_LINES]
            return
