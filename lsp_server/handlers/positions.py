"""LSP ranges from and to byte regions."""

from __future__ import annotations

from lsprotocol.types import Position, Range

from lsp_server.source.positions import Encoding, LineIndex
from lsp_server.types import Region


def to_lsp(index: LineIndex, region: Region, encoding: Encoding) -> Range:
    """The range of `region`, its columns in `encoding`."""
    start, end = index.position(region.start, encoding), index.position(region.end, encoding)
    return Range(start=Position(line=start[0], character=start[1]), end=Position(line=end[0], character=end[1]))


def to_region(index: LineIndex, span: Range, encoding: Encoding) -> Region:
    """The region of `span`; what lies beyond a line or the text is clamped to it."""
    start = index.offset(span.start.line, span.start.character, encoding)
    end = index.offset(span.end.line, span.end.character, encoding)
    return Region(min(start, end), max(start, end))
