"""Ranges as the user counts (lines and code points from 1) become gaps in a snapshot, and back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lsp_server.cli.targets.files import shown
from lsp_server.cli.targets.targets import After, Columns, LineRange, Range, Target
from lsp_server.code.text.positions import LineIndex
from lsp_server.errors import InputError
from lsp_server.transforms.fill import fill_regions, insert_lines
from lsp_server.types import Gap, Region, Snapshot


def gaps_of(snapshot: Snapshot, targets: Sequence[Target]) -> tuple[Gap, ...]:
    """The gaps that `targets` (all of this file) name, in the order of the file.

    Raises InputError for a line or column that does not exist, and for ranges that overlap.
    """
    index = LineIndex(snapshot.source)
    lines = _line_count(snapshot.source, index)
    gaps = [(_gap(snapshot, index, lines, target), target) for target in targets]
    taken = sorted((_taken(index, gap, target.range), target.spelled) for gap, target in gaps)
    for (earlier, first), (later, second) in pairwise(taken):
        if later.start < earlier.end or later == earlier:
            raise InputError(f"{second}: the range overlaps {first}; join them into one, or move them apart")
    return tuple(sorted((gap for gap, _ in gaps), key=lambda gap: gap.region))


def counted_from_1(index: LineIndex, region: Region) -> dict[str, list[int]]:
    """{"start": [line, column], "end": [line, column]}: 1-based, columns in code points, end exclusive."""
    start, end = (index.position(offset, "utf-32") for offset in (region.start, region.end))
    return {"start": [start[0] + 1, start[1] + 1], "end": [end[0] + 1, end[1] + 1]}


def _taken(index: LineIndex, gap: Gap, wanted: Range) -> Region:
    """What no other range may touch: of whole lines their line ends too, so that an empty line is something."""
    if isinstance(wanted, LineRange):
        return Region(index.line_start(wanted.first - 1), index.next_line_start(wanted.last - 1))
    return gap.region


def region_of(snapshot: Snapshot, target: Target) -> Region:
    """The bytes that a target names which is no place for new lines. Raises InputError for a line or column that does not exist."""
    index = LineIndex(snapshot.source)
    return _region(snapshot, index, _line_count(snapshot.source, index), target)


def _gap(snapshot: Snapshot, index: LineIndex, lines: int, target: Target) -> Gap:
    wanted = target.range
    if isinstance(wanted, After):
        if wanted.line > lines:
            raise _no_such_line(target, lines, str(wanted.line))
        return insert_lines(snapshot, wanted.line)
    return fill_regions(snapshot, [_region(snapshot, index, lines, target)])[0]


def _region(snapshot: Snapshot, index: LineIndex, lines: int, target: Target) -> Region:
    wanted = target.range
    if isinstance(wanted, After):
        raise InputError(f"{target.spelled}: names a place for new lines; name lines, or FILE:LINE:COLUMN")
    if isinstance(wanted, LineRange):
        last = wanted.last
        first = wanted.first
    else:
        (first, _), (last, _) = wanted.start, wanted.end
    if not lines:
        raise InputError(
            f"{shown(target.file)}: is empty, so there is no line to replace; write {target.file}:0+ for new lines"
        )
    if last > lines:
        raise _no_such_line(target, lines, str(last) if first == last else f"{first}–{last}")
    if isinstance(wanted, LineRange):
        return Region(index.line_region(first - 1).start, index.line_region(last - 1).end)
    return _columns(snapshot, index, target, wanted)


def _columns(snapshot: Snapshot, index: LineIndex, target: Target, wanted: Columns) -> Region:
    for line, column in (wanted.start, wanted.end):
        width = len(snapshot.text(index.line_region(line - 1)))
        if column > width + 1:
            raise InputError(
                f"{shown(target.file)}: no such column: line {line} has {width} columns, you asked for {column}; "
                f"the end of the line is column {width + 1}"
            )
    start, end = (index.offset(line - 1, column - 1, "utf-32") for line, column in (wanted.start, wanted.end))
    return Region(start, end)


def _line_count(source: bytes, index: LineIndex) -> int:
    """Lines as an editor numbers them: what stands after the last line break counts only if there is something."""
    return index.line_count - (not source or source[-1:] in (b"\n", b"\r"))


def _no_such_line(target: Target, lines: int, asked: str) -> InputError:
    return InputError(
        f"{shown(target.file)}: no such line: the file has {lines} line{'s' * (lines != 1)}, you asked for {asked}; "
        f"write {target.file}:{lines}+ to add lines at its end"
    )
