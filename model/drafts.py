"""Drafts: what stands elsewhere between surroundings like the hole's, found by the longest two-sided match.

A hole that begins a line is compared without indentation, and the draft gets that of its new place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from model.echoes import BARRIER, MATCH_LIMIT_CHARS, Place, places

_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_WORD = re.compile(r"\w+")
NEIGHBOURHOOD_CHARS = 120


LEFT, RIGHT, WORDS_BEFORE, WORDS_AFTER, WORDS_INSIDE, TRIVIAL = 1.65, 1.75, 1.9, 1.0, 2.1, -0.8
"""Fitted on 3,410 lines of 31 packages (softmax over each line's places); `TRIVIAL` is less than fitted (-1.7),
since those lines were chosen not to be trivial."""
TRIVIAL_CHARS = 6


@dataclass(frozen=True, kw_only=True)
class Draft:
    """`text` for the hole, and how many characters around its source recur left and right of the hole.

    likeness: what orders drafts (log-odds up to a constant). source: index of the piece it stands in, or
    number of pieces + index of the extra context. sources: how many of the best places give this same text.
    """

    text: str
    left_match_chars: int
    right_match_chars: int
    likeness: float
    source: int
    sources: int = 1


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
    likeness = _likeness(searched, left, right)
    best: dict[str, tuple[float, Place, int]] = {}
    for place in places(searched, left[-MATCH_LIMIT_CHARS:], right[:MATCH_LIMIT_CHARS], max_lines=max_lines):
        text = searched[place.start : place.end]
        if text.strip():
            other = best.get(text, (-math.inf, place, 0))
            value = likeness(place)
            best[text] = (*((value, place) if value > other[0] else other[:2]), other[2] + 1)
    lines = original.split("\n") if whole_lines else []
    order = sorted(best.items(), key=lambda item: (-item[1][0], len(item[0]), item[1][1].start))
    return [
        Draft(
            text=_indented(text, place, lines, searched, before, after) if whole_lines else text,
            left_match_chars=place.left,
            right_match_chars=place.right,
            likeness=value,
            source=searched.count(BARRIER, 0, place.start),
            sources=times,
        )
        for text, (value, place, times) in order[:limit]
    ]


def _likeness(searched: str, left: str, right: str) -> Callable[[Place], float]:
    """How much a place's surroundings are like those of the hole between `left` and `right`."""
    before, after = _words(left[-NEIGHBOURHOOD_CHARS:]), _words(right[:NEIGHBOURHOOD_CHARS])

    def likeness(place: Place) -> float:
        there_before = _words(searched[max(0, place.start - NEIGHBOURHOOD_CHARS) : place.start])
        there_after = _words(searched[place.end : place.end + NEIGHBOURHOOD_CHARS])
        text = searched[place.start : place.end]
        inside = _words(text)
        return (
            LEFT * math.log1p(place.left)
            + RIGHT * math.log1p(place.right)
            + WORDS_BEFORE * _overlap(there_before, before)
            + WORDS_AFTER * _overlap(there_after, after)
            + WORDS_INSIDE * len(inside & (before | after)) / (len(inside) + 1)
            + TRIVIAL * (len("".join(text.split())) < TRIVIAL_CHARS)
        )

    return likeness


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text))


def _overlap(some: set[str], others: set[str]) -> float:
    """Shared words by all words (Jaccard, with 1 added below)."""
    return len(some & others) / (len(some | others) + 1)


def _indented(text: str, place: Place, lines: Sequence[str], searched: str, before: str, after: str) -> str:
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
