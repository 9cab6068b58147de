"""Server-sent events: the `data` of each (HTML standard, section 9.2). Lines end with LF or CR LF here."""

from __future__ import annotations

from collections.abc import AsyncIterator


async def event_data(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """The data of every event in the stream. Comments (pings), names and ids are passed over.

    Raises UnicodeDecodeError where it is not UTF-8.
    """
    lines: list[str] = []
    waiting = bytearray()
    async for chunk in chunks:
        waiting += chunk
        # Split on LF alone: JSON may hold U+2028 and the like, which `splitlines` would take for line ends.
        *complete, rest = waiting.split(b"\n")
        waiting = bytearray(rest)
        for raw in complete:
            line = raw.removesuffix(b"\r").decode("utf-8")
            if line.startswith("data:"):
                lines.append(line[5:].removeprefix(" "))
            elif not line and lines:
                yield "\n".join(lines)
                lines.clear()
    last = waiting.decode("utf-8")
    if last.startswith("data:"):  # the standard drops an event without an empty line behind it; some servers end so
        lines.append(last[5:].removeprefix(" ").removesuffix("\r"))
    if lines:
        yield "\n".join(lines)
