"""`FILE:A-B` and its sisters: what the user names, read from the right so that a file's name may hold colons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from lsp_server.errors import InputError

HOW = "FILE:A-B (lines), FILE:A+ (new lines after line A) or FILE:A:C-B:D (columns)"


@dataclass(frozen=True)
class LineRange:
    """LineRange `first` to `last`, 1-based, inclusive."""

    first: int
    last: int


@dataclass(frozen=True)
class After:
    """New lines after line `line`, 1-based; 0 means above the first."""

    line: int


@dataclass(frozen=True)
class Columns:
    """From `start` to `end`: (line, column), 1-based, columns in code points, end exclusive."""

    start: tuple[int, int]
    end: tuple[int, int]


Range: TypeAlias = LineRange | After | Columns


@dataclass(frozen=True, kw_only=True)
class Target:
    """One range of one file ("-": standard input); `spelled` is how the user wrote it."""

    file: str
    range: Range
    spelled: str


_FORMS = (
    re.compile(r"(?P<file>.+):(?P<a>[0-9]+):(?P<c>[0-9]+)-(?P<b>[0-9]+):(?P<d>[0-9]+)", re.DOTALL),
    re.compile(r"(?P<file>.+):(?P<a>[0-9]+)-(?P<b>[0-9]+)", re.DOTALL),
    re.compile(r"(?P<file>.+):(?P<a>[0-9]+)(?P<plus>\+)", re.DOTALL),
    re.compile(r"(?P<file>.+):(?P<a>[0-9]+)", re.DOTALL),
)
_PLACE = re.compile(r"(?P<file>.+):(?P<a>[0-9]+):(?P<c>[0-9]+)", re.DOTALL)
_HALF_COLUMNS = re.compile(r"(?P<file>.+):(?P<a>[0-9]+)", re.DOTALL)


def parse_target(spelled: str) -> Target:
    """The target that `spelled` names. Raises InputError, naming the remedy."""
    for form in _FORMS:
        if found := form.fullmatch(spelled):
            group = found.groupdict()
            _mind_half_columns(spelled, group["file"])
            return Target(file=group["file"], range=_range(spelled, group), spelled=spelled)
    name = spelled or "FILE"
    raise InputError(f"{name}: which lines? Write {HOW}, for example {name}:3-5")


def parse_place(spelled: str) -> Target:
    """The target of a command that takes one place or range: `FILE:LINE:COLUMN` is a place. Raises InputError."""
    if (found := _PLACE.fullmatch(spelled)) and not Path(f"{found['file']}:{found['a']}").exists():
        line, column = int(found["a"]), int(found["c"])
        if not line or not column:
            raise InputError(f"{spelled}: lines and columns are counted from 1")
        return Target(file=found["file"], range=Columns((line, column), (line, column)), spelled=spelled)
    return parse_target(spelled)


def _range(spelled: str, group: dict[str, str]) -> Range:
    first = int(group["a"])
    if "plus" in group:
        return After(first)
    last = int(group.get("b", first))
    if not first or not last:
        raise InputError(f"{spelled}: lines are counted from 1; write {group['file']}:0+ for new lines above the first")
    if "c" in group:
        start, end = (first, int(group["c"])), (last, int(group["d"]))
        if not start[1] or not end[1]:
            raise InputError(f"{spelled}: columns are counted from 1")
        if end < start:
            turned = f"{last}:{end[1]}-{first}:{start[1]}"
            raise InputError(f"{spelled}: the range is reversed; write {group['file']}:{turned}")
        return Columns(start, end)
    if last < first:
        raise InputError(f"{spelled}: the range is reversed; write {group['file']}:{last}-{first}")
    return LineRange(first, last)


def _mind_half_columns(spelled: str, file: str) -> None:
    """`FILE:3:5` would be line 5 of a file `FILE:3`: where there is none but a FILE, columns were meant."""
    if (half := _HALF_COLUMNS.fullmatch(file)) and not Path(file).exists() and Path(half["file"]).exists():
        line, column = half["a"], spelled[len(file) + 1 :]
        raise InputError(
            f"{spelled}: no such file: {file}; a place in line {line} is written "
            f"{half['file']}:{line}:C-{line}:D, with columns C to D (you wrote {column})"
        )
