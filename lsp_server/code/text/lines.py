"""Lines of a snapshot as byte ranges, found from where one stands: nothing here reads the whole file."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsp_server.types import Region

_LONE_RETURN = re.compile(rb"\r(?!\n)")


def rows(source: bytes) -> bytes:
    r"""`source` with each `\r` that ends a line alone as `\n`, all else at the same offsets.

    Editors end lines there, grammars do not: what looks at rows looks at this. `\r\n` stays as it is.
    """
    returns = source.count(b"\r")
    return _LONE_RETURN.sub(b"\n", source) if returns and returns != source.count(b"\r\n") else source


class Lines:
    """Neighbouring lines of `source`. A line here includes its line end."""

    def __init__(self, source: bytes) -> None:
        self.source = rows(source)

    def start_of(self, offset: int) -> int:
        """Start of the line that holds the byte at `offset`."""
        return self.source.rfind(b"\n", 0, offset) + 1

    def end_of(self, offset: int) -> int:
        """End of the line that holds the byte at `offset`, its line end included."""
        return (self.source.find(b"\n", offset) + 1) or len(self.source)

    def before(self, offset: int, limit: int = 0) -> Iterator[Region]:
        """The lines above the line start `offset`, nearest first, none starting before `limit`."""
        while offset > limit:
            start = self.start_of(offset - 1)
            if start < limit:
                return
            yield Region(start, offset)
            offset = start

    def after(self, offset: int, limit: int | None = None) -> Iterator[Region]:
        """The lines from the line start `offset` on, none starting at or after `limit`."""
        limit = len(self.source) if limit is None else limit
        while offset < limit:
            end = self.end_of(offset)
            yield Region(offset, end)
            offset = end

    def covering(self, start: int, end: int) -> Iterator[Region]:
        """The lines that hold bytes `start` to `end`; the line of `start` if that is empty."""
        return self.after(self.start_of(start), max(end, start + 1))

    def bytes(self, line: Region) -> bytes:
        """What stands in the line, with its line end."""
        return self.source[line.start : line.end]

    def indent(self, line: Region) -> int | None:
        """Columns of white space before the line's text, a tab as 8; None for a blank line."""
        text = self.bytes(line)
        stripped = text.lstrip(b" \t")
        if not stripped.strip():
            return None
        return len(text[: len(text) - len(stripped)].expandtabs(8))
