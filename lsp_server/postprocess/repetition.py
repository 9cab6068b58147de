"""Extreme repetition: what small models fall into when they do not know how to end."""

from __future__ import annotations

import re

from lsp_server.postprocess.around import Around, filled, stands_at, telling

_REPEATS = 4
_WITHIN_LINE = re.compile(r"(\S[^\n]{0,30}?)\1{5,}")
_WORD = re.compile(r"[^\W_]")


def without_repeated_lines(text: str, around: Around) -> str:
    """Keeps one of a few lines that come again and again, four times or more in a row."""
    lines = text.split("\n")
    for period in range(1, 4):
        for start in range(len(lines) - period * _REPEATS + 1):
            block = lines[start : start + period]
            again = all(stands_at(lines, start + period * n, block) for n in range(1, _REPEATS))
            if again and telling(block) and not around.may_repeat(filled(block)):
                return "\n".join(lines[: start + period])
    return text


def unless_it_goes_round(text: str, around: Around) -> str:
    """Drops a text of which most is one stretch within a line, six times or more in a row.

    Runs of one sign (a rule in a comment) and what the file itself does nearby (rows of a table) are let through.
    """
    for found in _WITHIN_LINE.finditer(text):
        unit = found.group(1)
        mostly = len(found.group()) * 2 > len(text.strip())
        if mostly and _WORD.search(unit) and unit * 3 not in around.before + around.after + around.old:
            return ""
    return text
