"""Which files are left alone: secrets, what a .dlmignore names, and for context what git ignores or lies elsewhere.

The one gate: `pipeline.run` and whoever collects context ask here, so no text of an excluded file reaches a filler,
local or remote.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from lsp_server.errors import Excluded
from lsp_server.source.ignore_files import IgnoreFiles, Line
from lsp_server.source.secrets import secret_pattern
from lsp_server.workspace.uris import path_in

OWN_FILE = ".dlmignore"
_UNREADABLE = "cannot be read"


@dataclass(frozen=True)
class Rule:
    """Why a file is left alone: `pattern` as it is written, `origin` where ("built in", or a file and line)."""

    pattern: str
    origin: str

    def __str__(self) -> str:
        return f"{self.pattern} ({self.origin})" if self.origin else self.pattern

    def remedy(self, name: str) -> str:
        """What to do to have the file called `name` filled all the same."""
        if self.origin == "built in":
            return f"it may hold secrets; to fill it all the same, write the line !{name} into a {OWN_FILE} beside it"
        if self.pattern.endswith(_UNREADABLE):
            return "make that file readable"
        return "change that line to have the file filled"


class Exclusions:
    """The rules of one workspace. `folders` are its roots; without any, only what somebody names is inside.

    Asking costs a few `stat`s: one per folder between root and file, and the file's own links.
    """

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._roots = tuple(dict.fromkeys(p for f in folders for p in (os.path.normpath(f), os.path.realpath(f))))
        self._own, self._gits = IgnoreFiles(OWN_FILE), IgnoreFiles(".gitignore")
        self._tops: dict[str, str] = {}

    def excluded(self, place: Path | str, *, opened: bool = True, for_context: bool = False) -> Rule | None:
        """The rule that keeps models from the file at a path or uri; None if it may be filled or read.

        `opened`: somebody opened or named just this file. Otherwise it has to lie in the workspace. `for_context`:
        it is to be read for the sake of another one, so what git ignores stays out, too. Links are followed: a
        link to a secret is one.
        """
        path = path_in(place) if isinstance(place, str) else place
        if path is None:
            return None
        named = _plain(os.path.normpath(path))
        real = _plain(os.path.realpath(path)) if path.is_absolute() else named  # one without a place has a name only
        for one in dict.fromkeys((named, real)):
            rule = self._rule(one, for_context=for_context)
            if rule is not None:
                return rule
        inside = any(real.startswith(root.rstrip(os.sep) + os.sep) for root in self._roots)
        return None if opened or inside else Rule("outside the workspace", "")

    def check(self, place: Path | str) -> None:
        """Raises Excluded if the file at a path or uri is not to be filled; it says by which rule, and the remedy."""
        rule = self.excluded(place)
        if rule is not None:
            path = path_in(place) if isinstance(place, str) else place
            assert path is not None, "a rule is about a path"
            raise Excluded(f"{path.name}: excluded by {rule}; {rule.remedy(path.name)}", rule=str(rule))

    def _rule(self, path: str, *, for_context: bool) -> Rule | None:
        name = os.path.basename(path)  # noqa: PTH119
        folders = self._folders(path) if os.path.isabs(path) else []  # noqa: PTH117
        line = self._own.deciding(path, folders)
        if line is not None and line.excludes:
            return _as_rule(line, folders[0])
        pattern = secret_pattern(Path(path))
        if pattern is not None and not (line is not None and _names(line, name)):
            return Rule(pattern, "built in")
        if not for_context:
            return None
        if f"{os.sep}.git{os.sep}" in path:
            return Rule(".git/*", "built in")
        line = self._gits.deciding(path, folders)
        return _as_rule(line, folders[0]) if line is not None and line.excludes else None

    def _folders(self, path: str) -> list[str]:
        """The folders above `path` whose rules hold for it, outermost first."""
        folder = os.path.dirname(path)  # noqa: PTH120
        top = self._tops.get(folder)
        if top is None:
            top = self._tops[folder] = self._top(Path(folder))
        folders = [folder]
        while folder != top and (above := os.path.dirname(folder)) != folder:  # noqa: PTH120
            folder = above
            folders.append(folder)
        return folders[::-1]

    def _top(self, folder: Path) -> str:
        """Where rules begin: the repository around the workspace's root, else that root, else the disk's."""
        above = (folder, *folder.parents)
        root = next((place for place in reversed(above) if str(place) in self._roots), None)
        start = root or folder
        repository = next((place for place in (start, *start.parents) if (place / ".git").exists()), None)
        return str(repository or root or folder.anchor)


def _plain(path: str) -> str:
    """The path without a second slash at its start, which POSIX lets mean something and no system of today does."""
    return path[1:] if os.name == "posix" and path.startswith("//") else path


def _as_rule(line: Line, top: str) -> Rule:
    where = os.path.relpath(line.file, top)
    return Rule(line.text, f"{where}:{line.number}") if line.number else Rule(f"{where} {_UNREADABLE}", "")


def _names(line: Line, name: str) -> bool:
    """Whether a negation means this very file: `!*` or `!config/` bring no secret back."""
    last = line.text.removeprefix("!").rstrip().rsplit("/", 1)[-1]
    return bool(last.strip("*")) and fnmatchcase(name, last)
