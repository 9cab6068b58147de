"""The rest of the cursor's line, said although it stands there."""

from __future__ import annotations

from lsp_server.filters.around import Around, says_a_word

_NO_ACCIDENT_CHARS = 6


def without_line_rest(text: str, around: Around) -> str:
    """Drops the rest of the line from the text's end, if that rest is long enough to be no accident."""
    rest = around.rest.strip()
    said = text.rstrip().endswith(rest) and not around.old.endswith(rest)
    if len(rest) < _NO_ACCIDENT_CHARS or not says_a_word(rest) or not said:
        return text
    shorter = text.rstrip().removesuffix(rest)
    return shorter.rstrip(" ") if around.rest[:1] == " " else shorter
