"""LSP ranges of byte regions."""

from __future__ import annotations

from lsprotocol.types import Position, Range

from lsp_server.code.text.positions import Encoding, LineIndex
from lsp_server.types import Region


def to_lsp(index: LineIndex, region: Region, encoding: Encoding) -> Range:
    """The range of `region`, its columns in `encoding`."""
    start, end = index.position(region.start, encoding), index.position(region.end, encoding)
    return Range(start=Position(line=start[0], character=start[1]), end=Position(line=end[0], character=end[1]))
