"""A completion is one hole at the cursor."""

from __future__ import annotations

from lsp_server.code.text.closers import inserted_closers
from lsp_server.code.text.positions import line_around
from lsp_server.types import Gap, Region, Snapshot
from model.types import Hole

_LINES_ON_EMPTY_LINE = 8  # more is rarely right, and a suggestion that long is rarely read


def complete(snapshot: Snapshot, offset: int) -> Gap:
    """A hole at byte `offset`: the rest of the line where the line has text, else a few lines."""
    line = line_around(snapshot.source, offset)
    before = snapshot.source[line.start : offset].decode("utf-8")
    rest = snapshot.source[offset : line.end].decode("utf-8").rstrip()
    return Gap(
        region=Region(offset, offset),
        hole=Hole(max_lines=1 if before.strip() or rest else _LINES_ON_EMPTY_LINE),
        closers=inserted_closers(before, rest),
    )
