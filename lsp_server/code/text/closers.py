"""Closing brackets and quotes in plain text: which of them the text itself opened, and which the file has already."""

from __future__ import annotations

import re
from collections.abc import Iterator

from model.pairs import CLOSER_OF, LONG_QUOTES, OPENER_OF

_QUOTES = frozenset(('"', "'", "`", *LONG_QUOTES))
_SEPARATORS = ",;:"
CLOSERS = "".join(OPENER_OF) + ">\"'`" + _SEPARATORS
"""What may stand behind a cursor without being what the user writes on: editors put most of these there themselves."""
_TOKEN = re.compile(r"""\\.|\"{3}|'{3}|.""", re.DOTALL)


def inserted_closers(before: str, behind: str) -> str:
    """The beginning of `behind` that closes what the line opened in `before`: what an editor may have put there itself.

    "" where more than closers follow: then somebody wrote it.
    """
    if behind.strip(CLOSERS + " \t"):
        return ""
    opened, end = _opened(before), 0
    for token in _TOKEN.finditer(behind):
        if opened and token.group() == opened[-1]:
            opened.pop()
        elif token.group() not in _SEPARATORS and not token.group().isspace():
            break
        end = token.end()
    return behind[:end].rstrip()


def said_again(text: str, closers: str) -> int:
    """How many characters of `closers`, which stand behind the gap, `text` says itself, in their order.

    These an edit replaces, instead of standing before them: `x) + 1` in `f(‸)`. What the text opens and closes
    itself is no such closer, nor what closes that which the text leaves open: `x) + (y` there replaces nothing.
    Where `closers` begins with a quote, the text begins inside a string.
    """
    wanted = [(token.group(), token.end()) for token in _TOKEN.finditer(closers) if not token.group().isspace()]
    opened: list[str] = []
    said = 0
    for token in _tokens(text):
        inside = opened[-1] if opened else wanted[said][0] if said < len(wanted) else ""
        if token == inside and opened:
            opened.pop()
        elif token == inside:
            said += 1
        elif inside in _QUOTES:
            continue  # brackets in a string are no brackets
        elif token in CLOSER_OF or token in _QUOTES:
            opened.append(CLOSER_OF.get(token, token))
        elif token in OPENER_OF:
            break
    # A comma that the text says before it goes on is not the one that stands behind the gap.
    while said and wanted[said - 1][0] in _SEPARATORS and not text.rstrip().endswith(wanted[said - 1][0]):
        said -= 1
    if opened and [token for token, _ in wanted[:said]][-len(opened) :] == opened[::-1]:
        said -= len(opened)
    return wanted[said - 1][1] if said else 0


def unmatched_closer(text: str, closers: str = "") -> int | None:
    """Index of the first closing bracket that has no opener in `text` and is none of those that `said_again` counts."""
    opened: list[str] = []
    left = [char for char in closers[: said_again(text, closers)] if char in OPENER_OF]
    for index, char in enumerate(text):
        if char in CLOSER_OF:
            opened.append(char)
        elif char in OPENER_OF:
            if opened:
                opened.pop()
            elif left and left[0] == char:
                del left[0]
            else:
                return index
    return None


def _opened(line: str) -> list[str]:
    """The closers that `line` still lacks, the next one last. Inside a string nothing else counts."""
    opened: list[str] = []
    for token in _tokens(line):
        inside = opened[-1] if opened else ""
        if token == inside:
            opened.pop()
        elif inside not in _QUOTES and (token in CLOSER_OF or token in _QUOTES):
            opened.append(CLOSER_OF.get(token, token))
    return opened


def _tokens(text: str) -> Iterator[str]:
    """Characters; three quotes in a row are one token, and so is what is escaped."""
    return (found.group() for found in _TOKEN.finditer(text))
