r"""Offsets to lines and columns and back, in the three encodings that LSP clients may choose.

A line ends at `\n`, `\r\n` or `\r` and nowhere else: form feeds and Unicode separators are ordinary
characters here, as in the LSP specification (and unlike in `str.splitlines`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Literal, TypeAlias

from lsp_server.types import Region

Encoding: TypeAlias = Literal["utf-8", "utf-16", "utf-32"]

_BLOCK_BYTES = 1 << 14
_LINE_END = re.compile(rb"\r\n|\n|\r")


class LineIndex:
    """Lines of `source` (UTF-8). Made in microseconds; a first question counts line ends once, per block of bytes.

    Lines and columns are 0-based. Columns are bytes, UTF-16 code units or code points.
    """

    def __init__(self, source: bytes) -> None:
        self._source = source

    def after(self, source: bytes, edit: Region, new_end: int) -> LineIndex:
        """The index of `source`, in which bytes `edit` of this one's became `edit.start` to `new_end`.

        Counts near the edit only: in a file of 100,000 lines, counting all of them is most of a keystroke.
        """
        index = LineIndex(source)
        if "_lines_before" not in vars(self):
            return index  # nothing was asked of this one, so there is nothing to keep
        moved = new_end - edit.end
        starts, before = self._blocks, self._lines_before
        # From the block that holds the byte before the edit to the one that holds the byte after it: a `\r\n` that the
        # edit made or parted lies inside.
        first = bisect_right(starts, max(edit.start - 1, 0)) - 1
        last = bisect_right(starts, edit.end) - 1
        end = starts[last + 1] + moved if last + 1 < len(starts) else len(source)
        index._has_returns = self._has_returns or b"\r" in source[edit.start : new_end]
        laid = index._laid(starts[first], end)
        counts = [index._count(a, b) for a, b in pairwise([*laid, end])]
        counted = list(accumulate(counts, initial=before[first]))
        more = counted[-1] - before[last + 1]
        index._blocks = [*starts[:first], *laid, *(start + moved for start in starts[last + 1 :])]
        index._lines_before = [*before[:first], *counted, *(lines + more for lines in before[last + 2 :])]
        return index

    @property
    def line_count(self) -> int:
        """Number of lines; text after the last line end counts as a line, even when it is empty."""
        return self._lines_before[-1] + 1

    def offset(self, line: int, column: int, encoding: Encoding) -> int:
        """Byte offset of a position. Clamps: beyond the line to its end, beyond the file to its end, into a character to its start."""
        if line < 0:
            return 0
        if line >= self.line_count:
            return len(self._source)
        region = self.line_region(line)
        return region.start + _bytes_of(self._source[region.start : region.end], max(column, 0), encoding)

    def position(self, offset: int, encoding: Encoding) -> tuple[int, int]:
        r"""Line and column of a byte offset. Clamps as `offset` does; between `\r` and `\n` is the end of the line."""
        offset = min(max(offset, 0), len(self._source))
        line = self.line_at(offset)
        region = self.line_region(line)
        piece = self._source[region.start : min(offset, region.end)]
        return line, _columns_of(piece, encoding)

    def line_at(self, offset: int) -> int:
        """The line that holds the byte at `offset`; a line's end belongs to that line."""
        offset = min(max(offset, 0), len(self._source))
        block = bisect_right(self._blocks, offset) - 1
        start = self._blocks[block]
        line = self._lines_before[block] + self._count(start, offset)
        inside_crlf = offset > 0 and self._source[offset - 1 : offset + 1] == b"\r\n"
        return line - 1 if inside_crlf else line

    def line_start(self, line: int) -> int:
        """Byte offset of the line's first character. The line must exist."""
        if not 0 <= line < self.line_count:
            raise IndexError(f"line {line} of {self.line_count}")
        block = bisect_right(self._lines_before, line) - 1
        # The line starts after the n-th line end of the blocks before; blocks without line ends repeat a count.
        while block and self._lines_before[block] == line:
            block -= 1
        missing = line - self._lines_before[block]
        if missing == 0:
            return self._blocks[block]
        for found in _LINE_END.finditer(self._source, self._blocks[block]):
            missing -= 1
            if missing == 0:
                return found.end()
        raise AssertionError("line ends were miscounted")

    def line_region(self, line: int) -> Region:
        """The bytes of the line without its line end. The line must exist."""
        start = self.line_start(line)
        found = _LINE_END.search(self._source, start)
        return Region(start, found.start() if found else len(self._source))

    def next_line_start(self, line: int) -> int:
        """Byte offset just behind the line's end; the file's length for the last line."""
        found = _LINE_END.search(self._source, self.line_start(line))
        return found.end() if found else len(self._source)

    @cached_property
    def _has_returns(self) -> bool:
        return b"\r" in self._source

    @cached_property
    def _blocks(self) -> list[int]:
        return self._laid(0, len(self._source))

    def _laid(self, start: int, end: int) -> list[int]:
        r"""Starts of blocks from `start` to `end`, none between `\r` and `\n`.

        What is no longer than two blocks is one: else each keystroke in a full block would make one more.
        """
        starts = list(range(start, end, _BLOCK_BYTES)) if end - start > 2 * _BLOCK_BYTES else [start]
        if self._has_returns:
            return [s + 1 if s > start and self._source[s - 1 : s + 1] == b"\r\n" else s for s in starts]
        return starts

    @cached_property
    def _lines_before(self) -> list[int]:
        """Line ends before each block, and before the end of the file: one more than blocks."""
        ends = [*self._blocks[1:], len(self._source)]
        counts = (self._count(a, b) for a, b in zip(self._blocks, ends, strict=True))
        return list(accumulate(counts, initial=0))

    def _count(self, start: int, end: int) -> int:
        r"""Line ends in a range; a `\r\n` that the end splits counts as one."""
        count = self._source.count
        if not self._has_returns:
            return count(b"\n", start, end)
        return count(b"\n", start, end) + count(b"\r", start, end) - count(b"\r\n", start, end)


def line_around(source: bytes, offset: int) -> Region:
    r"""The line that holds `offset`, without its line end: found from there, without counting lines.

    Between `\r` and `\n` is the end of the line.
    """
    if offset > 0 and source[offset - 1 : offset + 1] == b"\r\n":
        offset -= 1
    start = max(source.rfind(b"\n", 0, offset), source.rfind(b"\r", 0, offset)) + 1
    found = _LINE_END.search(source, offset)
    return Region(start, found.start() if found else len(source))


def _bytes_of(line: bytes, column: int, encoding: Encoding) -> int:
    if line.isascii():
        return min(column, len(line))
    if encoding == "utf-8":
        end = min(column, len(line))
        while 0 < end < len(line) and line[end] & 0xC0 == 0x80:
            end -= 1
        return end
    text = line.decode("utf-8")
    if encoding == "utf-16":
        return len(text.encode("utf-16-le")[: 2 * column].decode("utf-16-le", "ignore").encode("utf-8"))
    return len(text[:column].encode("utf-8"))


def _columns_of(piece: bytes, encoding: Encoding) -> int:
    if encoding == "utf-8" or piece.isascii():
        return len(piece)
    text = piece.decode("utf-8", "ignore")
    return len(text) if encoding == "utf-32" else len(text.encode("utf-16-le")) // 2
