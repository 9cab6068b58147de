"""The arguments of `dlm.fill`, and the data of code actions, read with care: plain JSON that any client may send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lsp_server.code.text.positions import Encoding, LineIndex
from lsp_server.documents.history import Position
from lsp_server.errors import InputError
from lsp_server.types import Region, Snapshot

_USAGE = "dlm.fill takes {uri, ranges: [{start: {line, character}, end: {line, character}}], version, strength}"


@dataclass(frozen=True, kw_only=True)
class FillArguments:
    """`ranges` as (start, end), each a line and a column from 0, in the connection's encoding.

    `strength` in (0, 1]: which share of what stands there is written anew.
    """

    uri: str
    ranges: tuple[tuple[Position, Position], ...]
    version: int | None
    strength: float = 1.0


def read(arguments: Sequence[Any]) -> FillArguments:
    """The arguments, given as one object or by position. Raises InputError naming what is missing."""
    if len(arguments) == 1 and isinstance(arguments[0], Mapping):
        given = dict(arguments[0])
    elif 2 <= len(arguments) <= 3:
        given = dict(zip(("uri", "ranges", "version"), arguments, strict=False))
    else:
        raise InputError(f"{_USAGE}, as one object or by position")
    if unknown := sorted(str(key) for key in given.keys() - {"uri", "ranges", "version", "strength"}):
        raise InputError(f"{_USAGE}; it does not know {', '.join(unknown)}")
    uri, ranges, version = given.get("uri"), given.get("ranges"), given.get("version")
    if not isinstance(uri, str):
        raise InputError(f"{_USAGE}; uri must be a string")
    if not isinstance(ranges, Sequence) or isinstance(ranges, str) or not ranges:
        raise InputError(f"{_USAGE}; ranges must be a list of at least one range")
    if version is not None and not _is_count(version):
        raise InputError(f"{_USAGE}; version must be a whole number or null")
    strength = given.get("strength", 1.0)
    if not isinstance(strength, int | float) or isinstance(strength, bool) or not 0 < strength <= 1:
        raise InputError(f"{_USAGE}; strength must be a number above 0 and at most 1")
    return FillArguments(uri=uri, ranges=tuple(_range(r) for r in ranges), version=version, strength=float(strength))


def document_of(arguments: Sequence[Any]) -> str | None:
    """The document of `dlm.nextCandidate`, as `{uri}` or by position; None if none is named. Raises InputError."""
    given = arguments[0] if arguments else None
    uri = given.get("uri") if isinstance(given, Mapping) else given
    if len(arguments) > 1 or not (uri is None or isinstance(uri, str)):
        raise InputError("dlm.nextCandidate and dlm.previousCandidate take {uri}, or nothing")
    return uri


def regions_of(snapshot: Snapshot, wanted: FillArguments, encoding: Encoding) -> tuple[Region, ...]:
    """The ranges as regions. Raises InputError for a range that lies beyond the document's end or is reversed."""
    index = LineIndex(snapshot.source)
    return tuple(_region(index, start, end, encoding) for start, end in wanted.ranges)


def _region(index: LineIndex, start: Position, end: Position, encoding: Encoding) -> Region:
    if start > end:
        raise InputError(f"the range from line {start[0] + 1} to line {end[0] + 1} is reversed: give its start first")
    # The start of the line after the last: how some editors name a whole last line without a line end.
    beyond = end[0] >= index.line_count and end != (index.line_count, 0)
    if beyond or start[0] >= index.line_count:
        asked = max(start[0], end[0]) + 1
        raise InputError(f"no such line: the document has {index.line_count} lines, you asked for line {asked}")
    return Region(index.offset(*start, encoding), index.offset(*end, encoding))


def _range(raw: object) -> tuple[Position, Position]:
    if isinstance(raw, Mapping):
        return _position(raw.get("start")), _position(raw.get("end"))
    raise InputError(f"{_USAGE}; a range must be an object")


def _position(raw: object) -> Position:
    if isinstance(raw, Mapping):
        line, character = raw.get("line"), raw.get("character")
        if _is_count(line) and _is_count(character):
            return int(str(line)), int(str(character))
    raise InputError(f"{_USAGE}; a position must be {{line, character}}, whole numbers from 0")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
