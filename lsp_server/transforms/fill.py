"""Named regions become holes: the transform behind `dlm-fill FILE:A-B` and the editor's "fill here"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from lsp_server.code.text.lines import rows
from lsp_server.code.text.positions import LineIndex
from lsp_server.errors import InputError
from lsp_server.types import Gap, Region, Snapshot
from model.types import Hole

_LINE_END = re.compile(rb"\r\n|\n|\r")


def fill_regions(snapshot: Snapshot, regions: Sequence[Region]) -> tuple[Gap, ...]:
    """One hole in place of each region, in the order of the file.

    Whole lines keep their last line end, and the blank lines around them, however far a selection of them reaches: see
    `content_of`. A hole within a line, with text before or after it on that line, stays on that line.
    Raises InputError when two regions overlap.
    """
    index = LineIndex(snapshot.source)
    return in_order(_gap(snapshot, index, region) for region in regions)


def insert_lines(snapshot: Snapshot, line: int) -> Gap:
    """A hole that becomes new lines above `line` (0-based; the number of lines: at the file's end).

    The new lines get their line break on the side where the file has one to share, so that a missing
    final newline stays missing.
    """
    index = LineIndex(snapshot.source)
    start = index.line_region(line).start if line < index.line_count else len(snapshot.source)
    place = Region(start, start)
    if start == 0 or snapshot.source[start - 1 : start] in (b"\n", b"\r"):
        return Gap(region=place, hole=Hole(), after="\n")
    return Gap(region=place, hole=Hole(), before="\n")


def in_order(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """The gaps in the order of the file. Raises InputError when two of them overlap or stand at one place."""
    ordered = tuple(sorted(gaps, key=lambda gap: gap.region))
    for earlier, later in pairwise(ordered):
        if later.region.start < earlier.region.end or later.region == earlier.region:
            raise InputError("ranges overlap: join them into one range, or leave text between them")
    return ordered


def content_of(snapshot: Snapshot, region: Region) -> Region:
    r"""The part of `region` that is content: without the line ends that a selection of whole lines begins or ends with.

    Lines are mostly selected up to column 0 of the next one, some up to its first word, some from the end of the line
    above, blank lines along with them: all that belongs to what stands around. Of blank lines alone only the last line end
    is left out, so that the others are replaced.
    """
    text = snapshot.source[region.start : region.end]
    inner = text.strip()
    if not inner:
        return Region(region.start, region.start + _before_line_end(text, last=True))
    start = text.index(inner)
    end = start + len(inner)
    above, below = rows(text[:start]), text[end:]
    return Region(region.start + above.rfind(b"\n") + 1, region.start + end + _before_line_end(below, last=False))


def _before_line_end(blank: bytes, *, last: bool) -> int:
    """Where the first or `last` line end begins in white space; its length if it holds none."""
    found = [match.start() for match in _LINE_END.finditer(blank)]
    return found[-1 if last else 0] if found else len(blank)


def _gap(snapshot: Snapshot, index: LineIndex, region: Region) -> Gap:
    region = content_of(snapshot, region)
    first, _ = index.position(region.start, "utf-8")
    line = index.line_region(first)
    within = region.end <= line.end and (
        snapshot.source[line.start : region.start].strip() or snapshot.source[region.end : line.end].strip()
    )
    return Gap(region=region, hole=Hole(old_text=snapshot.text(region), max_lines=1 if within else None))
