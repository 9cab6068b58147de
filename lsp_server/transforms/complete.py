"""A completion is one hole at the cursor."""

from __future__ import annotations

from lsp_server.source.positions import LineIndex
from lsp_server.types import Gap, Region, Snapshot
from model.types import Hole

_CLOSERS = ")]}>\"'`;:,"
_LINES_ON_EMPTY_LINE = 8  # more is rarely right, and a suggestion that long is rarely read


def complete(snapshot: Snapshot, offset: int) -> Gap:
    """A hole at byte `offset`: the rest of the line where the line has text, else a few lines."""
    index = LineIndex(snapshot.source)
    line = index.line_region(index.position(offset, "utf-8")[0])
    before = snapshot.source[line.start : offset].decode("utf-8").strip()
    after = snapshot.source[offset : line.end].decode("utf-8").strip().strip(_CLOSERS)
    return Gap(
        region=Region(offset, offset),
        hole=Hole(max_lines=1 if before or after else _LINES_ON_EMPTY_LINE),
    )
