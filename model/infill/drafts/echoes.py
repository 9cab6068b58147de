"""Echoes: the places of a text whose left and right neighbourhoods recur a hole's, all places compared at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Codes: TypeAlias = NDArray[np.uint8] | NDArray[np.uint32]
BARRIER = "\0"
"""Stands between texts, and where a hole is: no echo reaches across it."""
MATCH_LIMIT_CHARS = 160
SIDE_CAP_CHARS = 40
"""Beyond this a longer match on one side says less than any on the other."""
MIDDLE_LIMIT_CHARS = 1500
WIDE_SEARCHES = 48
"""How many of the best matched places on each side are paired with every place within reach, not just the nearest."""
SHORTLIST = 64
AT_ONCE = 32
"""So few places, such as the hole's own, are compared with all of the pattern instead of character by character."""
PAST_ALL = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True)
class MatchedMiddle:
    """A middle `start:end` of the searched text, and the match lengths around it, in characters."""

    start: int
    end: int
    left: int
    right: int


@dataclass(frozen=True, eq=False)
class _Echoes:
    """Where one side of the hole recurs: int64 [n], the places in order; int16 [n], how many characters match there."""

    at: NDArray[np.int64]
    lengths: NDArray[np.int16]

    @classmethod
    def none(cls, at: NDArray[np.int64]) -> _Echoes:
        """Places without a match."""
        return cls(at, np.zeros(len(at), dtype=np.int16))

    def best(self, count: int) -> NDArray[np.int64]:
        """int64 [count]: indices of the longest matched, the first of equals first."""
        return np.argsort(-self.lengths, kind="stable")[:count]

    def lengths_at(self, places: Sequence[int]) -> list[int]:
        found: list[int] = self.lengths[np.searchsorted(self.at, places)].tolist()
        return found


def places(searched: str, before: str, after: str, *, max_lines: int | None) -> list[MatchedMiddle]:
    """The most promising middles of `searched` between an echo of `before`'s end and one of `after`'s start."""
    codes, codes_before, codes_after = _codes(searched, before, after)
    left = _matches(codes, codes_before, step=-1) if before else _Echoes.none(_line_starts(codes))
    right = _matches(codes, codes_after, step=1) if after else _Echoes.none(_line_ends(codes))
    if not len(left.at) or not len(right.at):
        return []
    reach = _reach(codes, left.at, max_lines=max_lines)
    nearest = np.searchsorted(right.at, left.at, side="right")
    fits = np.append(right.at, PAST_ALL)[nearest] <= reach
    starts, nearest = left.at[fits], nearest[fits]
    sides = np.minimum(left.lengths[fits], SIDE_CAP_CHARS) + np.minimum(right.lengths[nearest], SIDE_CAP_CHARS)
    best = np.argsort(-sides, kind="stable")[:SHORTLIST]
    chosen = set(zip(starts[best].tolist(), right.at[nearest[best]].tolist(), strict=True))
    chosen |= _wide_pairs(left, right, reach)
    pairs = list(chosen)
    lefts, rights = left.lengths_at([p for p, _ in pairs]), right.lengths_at([q for _, q in pairs])
    return [MatchedMiddle(start=p, end=q, left=m, right=n) for (p, q), m, n in zip(pairs, lefts, rights, strict=True)]


def _wide_pairs(left: _Echoes, right: _Echoes, reach: NDArray[np.int64]) -> set[tuple[int, int]]:
    """The best partner of each of the best starts and ends: the longest matched within reach, the nearest of equals."""
    chosen = set()
    best = left.best(WIDE_SEARCHES)
    starts = left.at[best]
    first, last = (np.searchsorted(right.at, bound, side="right").tolist() for bound in (starts, reach[best]))
    for p, lo, hi in zip(starts.tolist(), first, last, strict=True):
        if lo < hi:
            chosen.add((p, int(right.at[lo + right.lengths[lo:hi].argmax()])))
    ends = right.at[right.best(WIDE_SEARCHES)]
    # What lies further on reaches further: so all starts from the first on that reaches an end do.
    first, last = np.searchsorted(reach, ends).tolist(), np.searchsorted(left.at, ends).tolist()
    for q, lo, hi in zip(ends.tolist(), first, last, strict=True):
        if lo < hi:
            chosen.add((int(left.at[hi - 1 - left.lengths[lo:hi][::-1].argmax()]), q))
    return chosen


def _reach(codes: Codes, starts: NDArray[np.int64], *, max_lines: int | None) -> NDArray[np.int64]:
    """int64 [len(starts)]: how far a middle from each start may go: size, number of lines, the next hole."""
    barriers = np.append(np.flatnonzero(codes == ord(BARRIER)), len(codes))
    reach = np.minimum(starts + MIDDLE_LIMIT_CHARS, barriers[np.searchsorted(barriers, starts)])
    if max_lines is not None:
        breaks = np.append(np.flatnonzero(codes == ord("\n")), np.full(max_lines, len(codes)))
        reach = np.minimum(reach, breaks[np.searchsorted(breaks, starts) + max_lines - 1])
    return np.asarray(reach, dtype=np.int64)


def _matches(codes: Codes, pattern: Codes, *, step: int) -> _Echoes:
    """Where the codes from a place on equal the pattern's first ones (step -1: those before it its last ones)."""
    pattern = pattern[::step]
    padding = np.zeros(len(pattern), dtype=codes.dtype)
    padded = np.concatenate([padding, codes, padding])
    at = np.flatnonzero(codes == pattern[0])
    lengths = np.ones(len(at), dtype=np.int16)
    alive, k = np.arange(len(at)), 1
    while k < len(pattern) and len(alive) > AT_ONCE:
        alive = alive[padded[at[alive] + (len(pattern) + step * k)] == pattern[k]]
        k += 1
        lengths[alive] = k
    if k < len(pattern) and len(alive):
        following = at[alive][:, None] + (len(pattern) + step * np.arange(k, len(pattern)))
        lengths[alive] = k + np.logical_and.accumulate(padded[following] == pattern[k:], axis=1).sum(axis=1)
    return _Echoes(at if step > 0 else at + 1, lengths)


def _codes(*texts: str) -> list[Codes]:
    """A number for each character, the same in all `texts`: of one byte where that is enough, since it is much faster."""
    if all(text.isascii() for text in texts):
        return [np.frombuffer(text.encode("ascii"), dtype=np.uint8) for text in texts]
    return [np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32) for text in texts]


def _line_starts(codes: Codes) -> NDArray[np.int64]:
    """For a hole at the very start of a file: every line may echo it."""
    return np.append(0, np.flatnonzero(codes == ord("\n")) + 1)


def _line_ends(codes: Codes) -> NDArray[np.int64]:
    return np.append(np.flatnonzero(codes == ord("\n")), len(codes))
