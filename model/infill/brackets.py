"""Brackets of a text: where a fill is complete, and what it leaves open.

A fill is complete behind the bracket that closes what it opened, or before one that it did not open.
"""

from __future__ import annotations

import re

from model.pairs import CLOSER_OF, LONG_QUOTES, OPENER_OF

NEAR_CHARACTERS = 4000
"""Brackets are counted so far to both sides of a hole."""
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
        if piece.group() in CLOSER_OF:
            depth += 1
        elif piece.group() in OPENER_OF:
            depth -= 1
            if depth < 0:
                return piece.start()
            if depth == 0:
                return piece.end()
    return None


def own_text(text: str, behind: str) -> str | None:
    """What of `text` is a hole's own, if `behind` is what `shut_by` says of it: it ends before it says that again.

    All of it if it closes no bracket of the hole's surroundings; None if it closes one, and says something else before.
    """
    closer = _first_unopened(text)
    if closer is None:
        return text
    said, wanted = text[: closer + 1], "".join(behind.split())
    for start in range(closer, -1, -1):
        if "".join(said[start:].split()) == wanted:
            return said[:start].rstrip()
    return None


def shut_by(before: str, after: str) -> str:
    """What stands behind a hole, up to the bracket that closes the one in which it stands; "" if its line has none.

    "" as well where brackets do not pair without the hole: its text may close one then.
    """
    rest = after.split("\n", 1)[0]
    closer = _first_unopened(rest)
    if closer is None:
        return ""
    opened, closing = unmatched(before[-NEAR_CHARACTERS:])[1], unmatched(after[:NEAR_CHARACTERS])[0]
    pairs = all(CLOSER_OF[left] == right for left, right in zip(reversed(opened), closing, strict=False))
    beyond = opened[: max(0, len(opened) - len(closing))]
    # Braces are closed far below, beyond what is looked at; any other bracket is the hole's to close.
    return rest[: closer + 1] if opened and pairs and not beyond.strip("{") else ""


def _first_unopened(text: str) -> int | None:
    """Index of the first closing bracket in `text` that it did not open; None if there is none."""
    depth = 0
    for piece in _PIECES.finditer(text):
        depth += (piece.group() in CLOSER_OF) - (piece.group() in OPENER_OF)
        if depth < 0:
            return piece.start()
    return None


def unmatched(text: str) -> tuple[str, str]:
    """(closing brackets without an opening one, opening brackets without a closing one), in order; see `balanced_end`."""
    closing, opening = [], list[str]()
    for piece in _PIECES.finditer(text):
        if piece.group() in CLOSER_OF:
            opening.append(piece.group())
        elif piece.group() in OPENER_OF:
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
