"""Echoes: the places of a text whose left and right neighbourhoods recur a hole's, all places compared at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BARRIER = "\0"
"""Stands between texts, and where a hole is: no echo reaches across it."""
MATCH_LIMIT_CHARS = 160
SIDE_CAP_CHARS = 40
"""Beyond this a longer match on one side says less than any on the other."""
MIDDLE_LIMIT_CHARS = 1500
WIDE_SEARCHES = 48
"""How many of the best matched places on each side are paired with every place within reach, not just the nearest."""
SHORTLIST = 64


@dataclass(frozen=True, kw_only=True)
class Place:
    """A middle `start:end` of the searched text, and the match lengths around it, in characters."""

    start: int
    end: int
    left: int
    right: int


def places(searched: str, before: str, after: str, *, max_lines: int | None) -> list[Place]:
    """The most promising middles of `searched` between an echo of `before`'s end and one of `after`'s start."""
    codes = _codes(searched)
    left = _match_lengths(codes[::-1], _codes(before)[::-1])[::-1]
    right = _match_lengths(codes, _codes(after))
    starts = np.flatnonzero(left if before else _line_starts(codes))
    ends = np.flatnonzero(right if after else _line_ends(codes))
    if not len(starts) or not len(ends):
        return []
    reach = _reach(codes, starts, max_lines=max_lines)
    nearest = np.searchsorted(ends, starts, side="right")
    has_end = nearest < len(ends)
    close_by = ends[np.minimum(nearest, len(ends) - 1)]
    fits = has_end & (close_by <= reach)
    pairs = np.stack([starts[fits], close_by[fits]], axis=1)
    sides = np.minimum(left[pairs[:, 0]], SIDE_CAP_CHARS) + np.minimum(right[pairs[:, 1]], SIDE_CAP_CHARS)
    chosen = {(int(p), int(q)) for p, q in pairs[np.argsort(-sides, kind="stable")[:SHORTLIST]]}
    chosen |= _wide_pairs(starts, ends, reach, left, right)
    return [Place(start=p, end=q, left=int(left[p]), right=int(right[q])) for p, q in chosen]


def _wide_pairs(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    reach: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
) -> set[tuple[int, int]]:
    """The best partner of each of the best starts and ends: the longest matched within reach, the nearest of equals."""
    chosen = set()
    for i in np.argsort(-left[starts], kind="stable")[:WIDE_SEARCHES]:
        p = int(starts[i])
        within = ends[np.searchsorted(ends, p, side="right") : np.searchsorted(ends, reach[i], side="right")]
        if len(within):
            chosen.add((p, int(within[right[within].argmax()])))
    for q in ends[np.argsort(-right[ends], kind="stable")[:WIDE_SEARCHES]]:
        lo, hi = np.searchsorted(starts, (q - MIDDLE_LIMIT_CHARS, q))
        within = starts[lo:hi][reach[lo:hi] >= q][::-1]
        if len(within):
            chosen.add((int(within[left[within].argmax()]), int(q)))
    return chosen


def _reach(codes: NDArray[np.uint32], starts: NDArray[np.int64], *, max_lines: int | None) -> NDArray[np.int64]:
    """int64 [len(starts)]: how far a middle from each start may go: size, number of lines, the next hole."""
    barriers = np.append(np.flatnonzero(codes == ord(BARRIER)), len(codes))
    reach = np.minimum(starts + MIDDLE_LIMIT_CHARS, barriers[np.searchsorted(barriers, starts)])
    if max_lines is not None:
        breaks = np.append(np.flatnonzero(codes == ord("\n")), np.full(max_lines, len(codes)))
        reach = np.minimum(reach, breaks[np.searchsorted(breaks, starts) + max_lines - 1])
    return np.asarray(reach, dtype=np.int64)


def _match_lengths(codes: NDArray[np.uint32], pattern: NDArray[np.uint32]) -> NDArray[np.int64]:
    """int64 [n + 1]: how many codes from each place on equal the pattern's first ones."""
    lengths = np.zeros(len(codes) + 1, dtype=np.int64)
    if not len(pattern):
        return lengths
    padded = np.concatenate([codes, np.zeros(len(pattern), dtype=codes.dtype)])
    alive = np.flatnonzero(codes == pattern[0])
    for k, code in enumerate(pattern):
        alive = alive[padded[alive + k] == code]
        if not len(alive):
            break
        lengths[alive] = k + 1
    return lengths


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def _line_starts(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Bool [n + 1], for a hole at the very start of a file: every line may echo it."""
    return np.append([True], codes == ord("\n"))


def _line_ends(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    return np.append(codes == ord("\n"), [True])
