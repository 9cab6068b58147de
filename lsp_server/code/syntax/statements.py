"""Statements around a place, told by indentation alone: what still holds in a file that no longer parses.

A bracket or a string that is open far above turns the tree of all that follows into one error; lines keep their
indentation. The statement of a level begins with the nearest line above that is indented by just so much and goes on
with nothing (`else:`, a closing bracket), and ends where the next one begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsp_server.types import Region

_MOST_BYTES = 20_000
_GOES_ON = re.compile(
    rb"[)\]}>,.]|</|(?:else|elif|elsif|elseif|except|finally|catch|rescue|ensure|when|then|do|end|fi|done|esac|in|until)\b"
)
_OUTER = re.compile(rb"[A-Za-z_@\\$<]|#\[")


def around(source: bytes, region: Region) -> Iterator[tuple[Region, int]]:
    """(whole lines, their indentation in bytes) of each statement that holds `region`, the outermost first.

    Without those that reach more than `_MOST_BYTES` beyond it.
    """
    floor, ceiling = max(0, region.start - _MOST_BYTES), min(len(source), region.end + _MOST_BYTES)
    for level, start in reversed(_levels(source, region, floor)):
        end = _end(source, region, level, ceiling)
        if end is not None:
            yield Region(start, end), level


def indent_of(line: bytes) -> int:
    """Bytes of white space at the line's start."""
    return len(line) - len(line.lstrip(b" \t"))


def line_start(source: bytes, at: int) -> int:
    """Where the line that holds byte `at` begins."""
    return source.rfind(b"\n", 0, at) + 1


def line_end(source: bytes, at: int) -> int:
    """Behind the line end of the line that holds byte `at`, or the source's end."""
    return source.find(b"\n", at) + 1 or len(source)


def _levels(source: bytes, region: Region, floor: int) -> list[tuple[int, int]]:
    """(indentation, start) of the statements around that begin behind `floor`, the innermost first."""
    begin = line_start(source, region.start)
    prefix = source[begin : region.start]
    levels: list[tuple[int, int]] = []
    level = indent_of(prefix) if prefix.strip() else _level_at(source, region)
    starts_here = bool(prefix.strip()) and _begins(source[begin : line_end(source, begin)], level)
    if starts_here:
        levels.append((level, begin))
    pending = level - 1 if starts_here else level
    at = begin
    while at > floor:
        at, below = line_start(source, at - 1), at
        line = source[at:below]
        if not line.strip():
            continue
        indent = indent_of(line)
        if indent <= pending and _begins(line, indent):
            levels.append((indent, at))
            pending = indent - 1  # from here on only what is indented by less
        elif indent < pending:
            pending = indent  # `else:`, or a bracket's end: what it belongs to begins further above
        if pending < 0:
            break
    return [(indent, _with_decorators(source, start, indent, floor)) for indent, start in levels]


def _level_at(source: bytes, region: Region) -> int:
    """The indentation of what is to stand at the region, whose line has no text before it."""
    begin = line_start(source, region.start)
    own = len(source[begin : region.start])
    text = source[region.start : line_end(source, region.start)]
    return own + indent_of(text) if text.strip() else max(own, _neighbour(source, begin))


def _neighbour(source: bytes, begin: int) -> int:
    above = source[:begin].rstrip()
    return indent_of(source[line_start(source, len(above)) : len(above)]) if above else 0


def _begins(line: bytes, indent: int) -> bool:
    text = line[indent:]
    return not _GOES_ON.match(text) and (indent > 0 or _OUTER.match(text) is not None)


def _with_decorators(source: bytes, start: int, indent: int, floor: int) -> int:
    while start > floor:
        above = line_start(source, start - 1)
        line = source[above:start]
        if indent_of(line) != indent or (line[indent : indent + 1] != b"@" and not line.startswith(b"#[")):
            return start
        start = above
    return start


def _end(source: bytes, region: Region, level: int, ceiling: int) -> int | None:
    """Where the statement of that level ends; None if that is out of reach."""
    at = line_end(source, region.end)
    # A region of whole lines ends at the start of the next one, which is not its own.
    if region.end > region.start and source[region.end - 1 : region.end] == b"\n":
        at = region.end
    while at < len(source):
        if at > ceiling:
            return None
        end = line_end(source, at)
        line = source[at:end]
        if line.strip():
            indent = indent_of(line)
            if indent < level or (indent == level and _begins(line, indent)):
                break
        at = end
    return at
