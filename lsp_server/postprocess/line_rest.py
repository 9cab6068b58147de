"""The rest of the cursor's line, said although it stands there."""

from __future__ import annotations

from lsp_server.postprocess.around import Around

_NO_ACCIDENT_CHARS = 4
"""In 30,000 lines of other people's code a stretch ends with what follows it, if that is so long and holds a letter, in one
of 48,000 places; with one character less in one of 600 (`n * m * n * n`)."""


def without_line_rest(text: str, around: Around) -> str:
    """Drops the rest of the line from the text's end, if that rest is long enough to be no accident."""
    rest = around.rest.strip()
    said = text.rstrip().endswith(rest) and not around.old.endswith(rest)
    if len(rest) < _NO_ACCIDENT_CHARS or not any(map(str.isalpha, rest)) or not said:
        return text
    shorter = text.rstrip().removesuffix(rest)
    return shorter.rstrip(" ") if around.rest[:1] == " " else shorter
