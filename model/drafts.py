"""Drafts: what stands elsewhere between surroundings like the hole's, found by the longest two-sided match.

Every place of the context is compared with the text that ends at the hole and the text that begins behind
it, character by character and all places at once. A hole that begins a line is compared without
indentation, and the draft gets the indentation of its new place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BARRIER = "\0"
MATCH_LIMIT_CHARS = 160
SIDE_CAP_CHARS = 40
"""Beyond this a longer match on one side says less than any on the other."""
MIDDLE_LIMIT_CHARS = 1500
WIDE_SEARCHES = 48
"""How many of the best matched places on each side are paired with every place within reach, not just the nearest."""
SHORTLIST = 64
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """`text` for the hole, and how many characters around its source recur left and right of the hole.

    source: index of the piece it stands in, or number of pieces + index of the extra context.
    sources: how many of the best places give this same text.
    """

    text: str
    left_match_chars: int
    right_match_chars: int
    source: int
    sources: int = 1


@dataclass(frozen=True, kw_only=True)
class _Place:
    """A middle `start:end` of the searched text, and the match lengths around it, in characters."""

    start: int
    end: int
    left: int
    right: int

    @property
    def rank(self) -> tuple[int, int, int]:
        sides = min(self.left, SIDE_CAP_CHARS) + min(self.right, SIDE_CAP_CHARS)
        return sides, self.left + self.right, self.start - self.end


def drafts_for(
    pieces: Sequence[str], hole_index: int, extra_context: Sequence[str], limit: int, *, max_lines: int | None = None
) -> list[Draft]:
    """The `limit` best drafts for the hole between `pieces[hole_index]` and the next piece, best first.

    A draft is never blank, has at most `max_lines` lines, and reaches across no hole.
    """
    before, after = pieces[hole_index], pieces[hole_index + 1]
    whole_lines = not before or before.endswith("\n")
    original = BARRIER.join((*pieces, *extra_context))
    searched = _INDENT.sub("", original) if whole_lines else original
    left, right = before[-4 * MATCH_LIMIT_CHARS :], after[: 4 * MATCH_LIMIT_CHARS]
    if whole_lines:
        left, right = _INDENT.sub("", left), _INDENT.sub("", right)
    places = _places(searched, left[-MATCH_LIMIT_CHARS:], right[:MATCH_LIMIT_CHARS], max_lines=max_lines)
    best: dict[str, tuple[_Place, int]] = {}
    for place in sorted(places, key=lambda p: p.rank, reverse=True):
        text = searched[place.start : place.end]
        if text.strip():
            first, times = best.get(text, (place, 0))
            best[text] = first, times + 1
    lines = original.split("\n") if whole_lines else []
    return [
        Draft(
            text=_indented(text, place, lines, searched, before, after) if whole_lines else text,
            left_match_chars=place.left,
            right_match_chars=place.right,
            source=searched.count(BARRIER, 0, place.start),
            sources=times,
        )
        for text, (place, times) in list(best.items())[:limit]
    ]


def _places(searched: str, before: str, after: str, *, max_lines: int | None) -> list[_Place]:
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
    return [_Place(start=p, end=q, left=int(left[p]), right=int(right[q])) for p, q in chosen]


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


def _indented(text: str, place: _Place, lines: Sequence[str], searched: str, before: str, after: str) -> str:
    """`text` with its source's indentation, shifted as the line beside the hole is shifted against its echo."""
    at = searched.count("\n", 0, place.start)
    count = text.count("\n") + 1
    if place.left >= place.right:
        echo, anchor = _nearest_line(reversed(lines[max(0, at - 20) : at])), _nearest_line(reversed(before.split("\n")))
    else:
        echo = _nearest_line(iter(lines[at + count : at + count + 20]))
        anchor = _nearest_line(iter(after.split("\n", 20)))
    old, new = _indent_of(echo), _indent_of(anchor)
    shifted = []
    for line, source in zip(text.split("\n"), lines[at : at + count], strict=True):
        shifted.append(_shift(_indent_of(source), old=old, new=new) + line if line else line)
    return "\n".join(shifted)


def _nearest_line(lines: Iterator[str]) -> str:
    """The first line that is not blank; "" if all are."""
    return next((line for line in lines if line.strip() and BARRIER not in line), "")


def _indent_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _shift(indent: str, *, old: str, new: str) -> str:
    """`indent` moved as far as `new` is from `old`."""
    if indent.startswith(old):
        return new + indent[len(old) :]
    inward = old[len(indent) :]
    return new.removesuffix(inward) if new.endswith(inward) else ""
