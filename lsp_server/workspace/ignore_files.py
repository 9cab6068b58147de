""".dlmignore and .gitignore: what their lines say of a path (gitignore's syntax, nested files, negation)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_Signature: TypeAlias = tuple[int, int, int]
_REMEMBERED = 5_000
"""Paths per file and version: matching one takes longer than all else about it."""


@dataclass(frozen=True)
class Line:
    """The line that decides: `number` from 1 in the file at `file`. `excludes`: False for a negation.

    Number 0: the file cannot be read, so what it says is taken for "nothing below my folder".
    """

    text: str
    file: str
    number: int
    excludes: bool


@dataclass(frozen=True)
class _IgnoreFile:
    path: str
    lines: tuple[tuple[int, str], ...]
    spec: GitIgnoreSpec | None
    said: dict[str, Line | None] = field(default_factory=dict)

    def says(self, relative: str) -> Line | None:
        if relative not in self.said:
            if len(self.said) >= _REMEMBERED:
                self.said.clear()
            self.said[relative] = self._line(relative)
        return self.said[relative]

    def _line(self, relative: str) -> Line | None:
        if self.spec is None:
            return Line(text="", file=self.path, number=0, excludes=True)
        said = self.spec.check_file(relative)
        if said.include is None or said.index is None:
            return None
        number, text = self.lines[said.index]
        return Line(text=text, file=self.path, number=number, excludes=said.include)


class IgnoreFiles:
    """The ignore files called `name`. Each is read again when it changed, which costs one `stat` per folder asked for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._known: dict[str, tuple[_Signature, _IgnoreFile]] = {}

    def deciding(self, path: str, folders: Sequence[str], *, beside: Sequence[tuple[str, str]] = ()) -> Line | None:
        """The line that says whether `path` is excluded; None if none says anything.

        `folders` are those above it, outermost first. `beside`: files of another name, each with the folder for which it
        holds; they count less than those in folders, the last one most. As for git, a deeper file outweighs one above, a later line an
        earlier one, and what lies in an excluded folder cannot be brought back.
        """
        places = (*beside, *((folder, os.path.join(folder, self._name)) for folder in folders))  # noqa: PTH118
        files = [(folder, found) for folder, place in places if (found := self._at(place)) is not None]
        if not files:
            return None
        for part in (*folders[1:], path):
            line = next(self._lines(part, files, is_folder=part is not path), None)
            if line is not None and (line.excludes or part is path):
                return line
        return None

    def _lines(self, part: str, files: Sequence[tuple[str, _IgnoreFile]], *, is_folder: bool) -> Iterator[Line]:
        for folder, file in reversed(files):
            below = folder.rstrip(os.sep) + os.sep
            if part.startswith(below):
                relative = part[len(below) :].replace(os.sep, "/") + "/" * is_folder
                if (line := file.says(relative)) is not None:
                    yield line

    def _at(self, path: str) -> _IgnoreFile | None:
        """The file at `path`, as it is now. What cannot be read excludes all: better too much than a secret."""
        try:
            now = os.stat(path)  # noqa: PTH116  a Path costs more than the look at the disk
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            return _IgnoreFile(path, (), None)
        if not stat.S_ISREG(now.st_mode):
            return None
        signature = (now.st_mtime_ns, now.st_size, now.st_ino)
        known = self._known.get(path)
        if known is None or known[0] != signature:
            known = self._known[path] = (signature, _read(path))
        return known[1]


def _read(path: str) -> _IgnoreFile:
    from pathspec import GitIgnoreSpec  # few folders have such a file

    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:  # noqa: PTH123
            text = file.read()
    except OSError:
        return _IgnoreFile(path, (), None)
    lines = []
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.removesuffix("\r")
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:  # means nothing to git either
            continue
        if line.strip() and not line.startswith("#"):
            lines.append((number, line))
    return _IgnoreFile(path, tuple(lines), GitIgnoreSpec.from_lines([line for _, line in lines]))
