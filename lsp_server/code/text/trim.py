"""Cuts what stands on the very lines of the gaps, where even that exceeds the budget (minified code, data)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_MOST_CHARS_PER_TOKEN = 32
_BOUNDARY_CHARS = 60
_SPACE = re.compile(r"(?<=\s)(?=\S)|(?<=\S)(?=\s)")
_BOUNDARY = re.compile(r"(?<=[\s,;(){}\[\]])(?=[^\s])|(?<=\w)(?=[^\w\s])|(?<=[^\w\s])(?=\w)")


def trim_line(
    edges: Sequence[tuple[str, str]], budget_tokens: int, count_tokens: Callable[[str], int]
) -> list[tuple[str, str]]:
    """The edges as they are if they fit the budget, else each cut at its far end to a fair share of it.

    `edges` holds, per piece between gaps, the text after the gap above and the text before the gap below.
    Short ones stay whole; text before a gap weighs 60 %, text after it 40 %. Cuts fall between words.
    """
    # A text of far more characters than the budget could hold is not counted at all: it may be megabytes.
    countable = sum(len(head) + len(tail) for head, tail in edges) <= budget_tokens * _MOST_CHARS_PER_TOKEN
    if countable and sum(count_tokens(head) + count_tokens(tail) for head, tail in edges) <= budget_tokens:
        return list(edges)
    sides = [(piece, side) for piece in range(len(edges)) for side in (0, 1) if edges[piece][side]]
    weights = {(piece, side): 0.6 if side else 0.4 for piece, side in sides}
    kept = [list(edge) for edge in edges]
    left = budget_tokens
    for piece, side in sorted(sides, key=lambda at: len(edges[at[0]][at[1]]) / weights[at]):
        share = int(left * weights[piece, side] / sum(weights.values()))
        del weights[piece, side]
        cut = _tail if side else _head
        kept[piece][side] = cut(edges[piece][side], share, count_tokens)
        left -= count_tokens(kept[piece][side])
    return [(head, tail) for head, tail in kept]


def _head(text: str, tokens: int, count: Callable[[str], int]) -> str:
    """The longest start of `text` that fits, cut between words."""
    length = _fitting(lambda n: text[:n], len(text), tokens, count)
    if length == len(text):
        return text
    first = max(length - _BOUNDARY_CHARS, 1)
    for pattern in (_SPACE, _BOUNDARY):
        if found := [m.start() for m in pattern.finditer(text, first, length + 1) if m.start() <= length]:
            return text[: found[-1]]
    return text[:length]


def _tail(text: str, tokens: int, count: Callable[[str], int]) -> str:
    """The longest end of `text` that fits, cut between words."""
    length = _fitting(lambda n: text[len(text) - n :], len(text), tokens, count)
    if length == len(text):
        return text
    start = len(text) - length
    for pattern in (_SPACE, _BOUNDARY):
        if found := pattern.search(text, start, min(start + _BOUNDARY_CHARS, len(text))):
            return text[found.start() :]
    return text[start:]


def _fitting(part: Callable[[int], str], length: int, tokens: int, count: Callable[[str], int]) -> int:
    """The most characters n so that `part(n)` has at most `tokens` tokens, by bisection."""
    low, high = 0, min(length, tokens * _MOST_CHARS_PER_TOKEN)
    while low < high:
        middle = (low + high + 1) // 2
        if count(part(middle)) <= tokens:
            low = middle
        else:
            high = middle - 1
    return low
