"""Lines of a snapshot as byte ranges, found from where one stands: nothing here reads the whole file."""

from __future__ import annotations

from collections.abc import Iterator

from lsp_server.types import Region


class Lines:
    r"""Neighbouring lines of `source`. A line here includes its line end.

    Lines end at `\n`; in a file without any, at `\r`.
    """

    def __init__(self, source: bytes) -> None:
        self.source = source
        self._end = b"\r" if b"\n" not in source and b"\r" in source else b"\n"

    def start_of(self, offset: int) -> int:
        """Start of the line that holds the byte at `offset`."""
        return self.source.rfind(self._end, 0, offset) + 1

    def end_of(self, offset: int) -> int:
        """End of the line that holds the byte at `offset`, its line end included."""
        return (self.source.find(self._end, offset) + 1) or len(self.source)

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
