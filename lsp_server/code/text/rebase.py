"""Places in a document that is being edited: where they are by now, or that an edit touched them."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from lsp_server.types import Region

_MOST_LINES = 4000
"""More lines between the first and the last difference of two texts are not compared line by line: it would take seconds."""


def moved(region: Region, edit: Region, length: int) -> Region | None:
    """Where `region` is once the bytes of `edit` have become `length` bytes; None if the edit touches it.

    What stands right beside the region touches it: nobody can tell whether it was meant to be inside.
    """
    if edit.start > region.end:
        return region
    if edit.end < region.start:
        by = length - (edit.end - edit.start)
        return Region(region.start + by, region.end + by)
    return None


class Places:
    """Regions that follow the edits of their document. `now` is None once an edit has touched one of them."""

    def __init__(self, regions: Sequence[Region]) -> None:
        self.now: tuple[Region, ...] | None = tuple(regions)

    def edited(self, edit: Region | None, text: str) -> bool:
        """Whether none was touched by an edit that put `text` in place of a region (None: of everything)."""
        if self.now is None or edit is None:
            self.now = None
            return False
        length = len(text.encode("utf-8", "replace"))
        found = [moved(region, edit, length) for region in self.now]
        kept = tuple(region for region in found if region is not None)
        self.now = kept if len(kept) == len(found) else None
        return self.now is not None


def carried(old: bytes, new: bytes, regions: Sequence[Region], *, beside: bool = False) -> tuple[Region, ...] | None:
    """Where `regions` of `old` stand in `new`, as the difference between the texts tells; None if it touches one.

    `beside`: what stands right beside a region does not touch it.
    """
    found: list[Region] = list(regions)
    for edit, length in reversed(_differences(old, new)):
        for index, region in enumerate(found):
            place = moved_beside(region, edit, length) if beside else moved(region, edit, length)
            if place is None:
                return None
            found[index] = place
    return tuple(found)


def moved_beside(region: Region, edit: Region, length: int) -> Region | None:
    """As `moved`, but an edit right beside the region does not touch it."""
    if edit.start >= region.end:
        return region
    if edit.end <= region.start:
        by = length - (edit.end - edit.start)
        return Region(region.start + by, region.end + by)
    return None


def _differences(old: bytes, new: bytes) -> list[tuple[Region, int]]:
    """The regions of `old` that are not in `new`, in order, and how many bytes stand there instead."""
    start = _alike(old, new)
    end = _alike(old[start:][::-1], new[start:][::-1])
    middle, new_middle = old[start : len(old) - end], new[start : len(new) - end]
    if not middle and not new_middle:
        return []
    lines, new_lines = middle.splitlines(keepends=True), new_middle.splitlines(keepends=True)
    if max(len(lines), len(new_lines)) > _MOST_LINES:
        return [(Region(start, len(old) - end), len(new_middle))]
    found, at = [], start
    for tag, a, b, c, d in SequenceMatcher(None, lines, new_lines, autojunk=False).get_opcodes():
        was, now = b"".join(lines[a:b]), b"".join(new_lines[c:d])
        if tag != "equal":
            head = _alike(was, now)
            tail = _alike(was[head:][::-1], now[head:][::-1])
            found.append((Region(at + head, at + len(was) - tail), len(now) - head - tail))
        at += len(was)
    return found


def _alike(one: bytes, other: bytes) -> int:
    """How many bytes two texts have in common from their start."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low
