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
    line, what that begins with where it is indented less than the first, whether it ends with a colon.
    """
    first, *_, last = ("", *text.split("\n")) if "\n" in text else ("", "")
    indent = len(last) - len(last.lstrip())
    first = text.lstrip("\n").partition("\n")[0]
    outdented = indent < len(first) - len(first.lstrip())
    word = last.split(maxsplit=1)[0] if outdented and last.strip() else ""
    return (
        *unmatched(text),
        sum(text.count(quotes) % 2 for quotes in LONG_QUOTES),
        indent,
        word,
        text.rstrip().endswith(":"),
    )
