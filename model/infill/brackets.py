"""Brackets of a text: where a fill is complete, and what it leaves open.

A fill is complete behind the bracket that closes what it opened, or before one that it did not open.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

CLOSERS: Final = MappingProxyType({"(": ")", "[": "]", "{": "}"})
LONG_QUOTES: Final = ('"""', "'''")
_PIECES = re.compile(
    r"\"\"\".*?(?:\"\"\"|\Z)|'''.*?(?:'''|\Z)|\"(?:\\.|[^\"\\\n])*(?:\"|$)|'(?:\\.|[^'\\\n])*(?:'|$)|[()\[\]{}]",
    re.DOTALL | re.MULTILINE,
)


def balanced_end(text: str) -> int | None:
    """Number of characters of `text` up to where its brackets are balanced, None if they are not yet.

    Brackets in strings do not count; a quote that is not closed on its line is taken to end with it.
    """
    depth = 0
    for piece in _PIECES.finditer(text):
        if piece.group() in CLOSERS:
            depth += 1
        elif piece.group() in CLOSERS.values():
            depth -= 1
            if depth < 0:
                return piece.start()
            if depth == 0:
                return piece.end()
    return None


def unmatched(text: str) -> tuple[str, str]:
    """(closing brackets without an opening one, opening brackets without a closing one), in order; see `balanced_end`."""
    closing, opening = [], list[str]()
    for piece in _PIECES.finditer(text):
        if piece.group() in CLOSERS:
            opening.append(piece.group())
        elif piece.group() in CLOSERS.values():
            if opening:
                opening.pop()
            else:
                closing.append(piece.group())
    return "".join(closing), "".join(opening)


def shape(text: str) -> tuple[str, str, int, int, str, bool]:
    """What of a text decides how it may go on: brackets, whether it stands in a long string, the indentation of its last
    line, what those of its lines begin with that are indented less than the first, whether it ends with a colon.
    """
    lines = text.split("\n")
    indents = [len(line) - len(line.lstrip()) for line in lines]
    first = next((indent for indent, line in zip(indents, lines, strict=True) if line.strip()), 0)
    outdented = [
        line.split(maxsplit=1)[0]
        for indent, line in zip(indents, lines, strict=True)
        if line.strip() and indent < first
    ]
    quotes = sum(text.count(quotes) % 2 for quotes in LONG_QUOTES)
    indent = indents[-1] if len(lines) > 1 else 0
    return (*unmatched(text), quotes, indent, " ".join(outdented), text.rstrip().endswith(":"))
