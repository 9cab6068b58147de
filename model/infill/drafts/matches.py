"""Drafts: what stands elsewhere between surroundings like the hole's, found by the longest two-sided match.

A hole that begins a line is compared without indentation, and the draft gets that of its new place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

from model.infill.drafts.echoes import BARRIER, MATCH_LIMIT_CHARS, MatchedMiddle, places
from model.infill.drafts.renaming import neighbours, renamed

_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_WORD = re.compile(r"\w+")
NEIGHBOURHOOD_CHARS = 120


LEFT, RIGHT, WORDS_BEFORE, WORDS_AFTER, WORDS_INSIDE, TRIVIAL = 1.65, 1.75, 1.9, 1.0, 2.1, -0.8
"""Fitted on 3,410 lines of 31 packages (softmax over each line's places); `TRIVIAL` is less than fitted (-1.7),
since those lines were chosen not to be trivial."""
TRIVIAL_CHARS = 6
NEIGHBOUR_LINES = 3
"""So far around a draft's source and the hole lines are compared for what they name differently."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """`text` for the hole, and how many characters around its source recur left and right of the hole.

    likeness: what orders drafts (log-odds up to a constant). source: index of the piece it stands in, or
    number of pieces + index of the extra context; of the other file if it is from `elsewhere`.
    sources: how many of the best places give this same text. rank: its place among the drafts of the own file, or
    of the others. renamed: it is in the names of its new place, its source in others.
    """

    text: str
    left_match_chars: int
    right_match_chars: int
    likeness: float
    source: int
    sources: int = 1
    rank: int = 0
    renamed: bool = False
    elsewhere: bool = False


@dataclass(frozen=True, kw_only=True)
class _Search:
    """A hole, and the texts that it is compared with.

    original: all texts, with barriers between them; searched: the same, without indentation if the hole begins a line.
    elsewhere: they are of other files.
    """

    before: str
    after: str
    original: str
    searched: str
    whole_lines: bool
    elsewhere: bool

    @classmethod
    def of(cls, pieces: Sequence[str], hole_index: int, texts: Sequence[str], *, elsewhere: bool) -> _Search:
        before, after = pieces[hole_index], pieces[hole_index + 1]
        whole_lines = not before or before.endswith("\n")
        original = BARRIER.join(texts)
        searched = _INDENT.sub("", original) if whole_lines else original
        return cls(
            before=before,
            after=after,
            original=original,
            searched=searched,
            whole_lines=whole_lines,
            elsewhere=elsewhere,
        )

    @cached_property
    def lines(self) -> list[str]:
        return self.original.split("\n")

    @cached_property
    def sides(self) -> tuple[str, str]:
        """What stands close before and after the hole, as it is searched for."""
        left, right = self.before[-4 * MATCH_LIMIT_CHARS :], self.after[: 4 * MATCH_LIMIT_CHARS]
        if self.whole_lines:
            left, right = _INDENT.sub("", left), _INDENT.sub("", right)
        return left, right

    def text_of(self, place: MatchedMiddle) -> str:
        """What stands at the place, indented as the hole wants it."""
        text = self.searched[place.start : place.end]
        return _indented(text, place, self.lines, self.searched, self.before, self.after) if self.whole_lines else text

    def neighbours(self, place: MatchedMiddle) -> list[tuple[str, str]]:
        """Lines around the place and around the hole that correspond; what shares a line with them comes first."""
        first = self.searched.count("\n", 0, place.start)
        count = self.searched.count("\n", place.start, place.end) + 1
        *above, line_start = self.before[-MATCH_LIMIT_CHARS * 4 :].split("\n")
        line_end, *below = self.after[: MATCH_LIMIT_CHARS * 4].split("\n")
        pairs = neighbours(self.lines, first, count, above, below, NEIGHBOUR_LINES)
        if line_end.strip():
            end = self.searched.find("\n", place.end)
            pairs.insert(0, (self.searched[place.end : end if end >= 0 else None], line_end))
        if line_start.strip():
            start = self.searched.rfind("\n", 0, place.start) + 1
            pairs.insert(0, (self.searched[start : place.start], line_start))
        return [(source, hole) for source, hole in pairs if BARRIER not in source]


def drafts_for(
    pieces: Sequence[str],
    hole_index: int,
    extra_context: Sequence[str],
    limit: int,
    *,
    max_lines: int | None = None,
    renamings: int = 0,
) -> list[Draft]:
    """The `limit` best drafts for the hole between `pieces[hole_index]` and the next piece, best first.

    Behind them come up to `renamings` of them in the names of their new place, where these differ. A draft is
    never blank, has at most `max_lines` lines, and reaches across no hole.
    """
    search = _Search.of(pieces, hole_index, (*pieces, *extra_context), elsewhere=False)
    return _found(search, limit, max_lines=max_lines, renamings=renamings)


def drafts_from(
    other_files: Sequence[str],
    pieces: Sequence[str],
    hole_index: int,
    limit: int,
    *,
    max_lines: int | None = None,
    renamings: int = 0,
) -> list[Draft]:
    """Likewise the best drafts that text of other files has for the hole."""
    search = _Search.of(pieces, hole_index, other_files, elsewhere=True)
    return _found(search, limit, max_lines=max_lines, renamings=renamings)


def _found(search: _Search, limit: int, *, max_lines: int | None, renamings: int) -> list[Draft]:
    left, right = search.sides
    likeness = _likeness(search.searched, left, right)
    best: dict[str, tuple[float, MatchedMiddle, int]] = {}
    for place in places(search.searched, left[-MATCH_LIMIT_CHARS:], right[:MATCH_LIMIT_CHARS], max_lines=max_lines):
        text = search.searched[place.start : place.end]
        if text.strip():
            other = best.get(text, (-math.inf, place, 0))
            value = likeness(place)
            best[text] = (*((value, place) if value > other[0] else other[:2]), other[2] + 1)
    order = sorted(best.items(), key=lambda item: (-item[1][0], len(item[0]), item[1][1].start))[:limit]
    copies = [
        Draft(
            text=search.text_of(place),
            left_match_chars=place.left,
            right_match_chars=place.right,
            likeness=value,
            source=search.searched.count(BARRIER, 0, place.start),
            sources=times,
            rank=rank,
            elsewhere=search.elsewhere,
        )
        for rank, (_, (value, place, times)) in enumerate(order)
    ]
    return copies + _renamed(copies, [place for _, (_, place, _) in order], search, most=renamings)


def _renamed(copies: Sequence[Draft], found: Sequence[MatchedMiddle], search: _Search, *, most: int) -> list[Draft]:
    """The `copies` that read differently in the names of their new place, each text once."""
    texts = {copy.text for copy in copies}
    made: list[Draft] = []
    for copy, place in zip(copies, found, strict=True):
        if len(made) == most:
            break
        text = renamed(copy.text, search.neighbours(place))
        if text is not None and text.strip() and text not in texts:
            texts.add(text)
            made.append(replace(copy, text=text, sources=1, renamed=True))
    return made


def _likeness(searched: str, left: str, right: str) -> Callable[[MatchedMiddle], float]:
    """How much a place's surroundings are like those of the hole between `left` and `right`."""
    before, after = _words(left[-NEIGHBOURHOOD_CHARS:]), _words(right[:NEIGHBOURHOOD_CHARS])

    around = before | after

    @cache  # many places end alike
    def like_after(end: int) -> float:
        return _overlap(_words(searched[end : end + NEIGHBOURHOOD_CHARS]), after)

    def likeness(place: MatchedMiddle) -> float:
        text = searched[place.start : place.end]
        there_before, inside = searched[max(0, place.start - NEIGHBOURHOOD_CHARS) : place.start], _words(text)
        return (
            LEFT * math.log1p(place.left)
            + RIGHT * math.log1p(place.right)
            + WORDS_BEFORE * _overlap(_words(there_before), before)
            + WORDS_AFTER * like_after(place.end)
            + WORDS_INSIDE * len(inside & around) / (len(inside) + 1)
            + TRIVIAL * (len("".join(text.split())) < TRIVIAL_CHARS)
        )

    return likeness


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text))


def _overlap(some: set[str], others: set[str]) -> float:
    """Shared words by all words (Jaccard, with 1 added below)."""
    shared = len(some & others)
    return shared / (len(some) + len(others) - shared + 1)


def _indented(text: str, place: MatchedMiddle, lines: Sequence[str], searched: str, before: str, after: str) -> str:
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
