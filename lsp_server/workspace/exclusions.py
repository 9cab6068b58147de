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
from lsp_server.workspace.git import Git, Stamps
from lsp_server.workspace.ignore_files import IgnoreFiles, Line
from lsp_server.workspace.secrets import secret_pattern
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
        self._own, self._gits, self._git = IgnoreFiles(OWN_FILE), IgnoreFiles(".gitignore"), Git()
        self._tops: dict[str, str] = {}

    def excluded(self, place: Path | str, *, opened: bool = True, for_context: bool = False) -> Rule | None:
        """The rule that keeps models from the file at a path or uri; None if it may be filled or read.

        `opened`: somebody opened or named just this file. Otherwise it has to lie in the workspace. `for_context`:
        it is to be read for the sake of another one, so what git ignores stays out, too. Links are followed: a
        link to a secret is one.
        """
        return self.each_excluded([place], opened=opened, for_context=for_context)[0]

    def each_excluded(
        self, places: Sequence[Path | str], *, opened: bool = True, for_context: bool = False
    ) -> tuple[Rule | None, ...]:
        """What `excluded` says of each place; git is asked about all of them at once."""
        found = {place: self._excluded(place, opened=opened) for place in places}
        if for_context:
            stamps = Stamps()
            for place in [place for place, rule in found.items() if rule is None]:
                if any(f"{os.sep}.git{os.sep}" in path for path in _paths(place)):
                    found[place] = Rule(".git/*", "built in")
            wanted = {place: self._asked(place, stamps) for place, rule in found.items() if rule is None}
            said = self._said([asked for paths in wanted.values() for asked in paths], stamps)
            for place, paths in wanted.items():
                found[place] = next(filter(None, (said[asked] for asked in paths)), None)
        return tuple(found[place] for place in places)

    def _excluded(self, place: Path | str, *, opened: bool) -> Rule | None:
        """What the rules say that hold for every use of a file."""
        paths = _paths(place)
        rule = next(filter(None, map(self._rule, paths)), None)
        if rule is not None or not paths:
            return rule
        inside = any(paths[-1].startswith(root.rstrip(os.sep) + os.sep) for root in self._roots)
        return None if opened or inside else Rule("outside the workspace", "")

    def _asked(self, place: Path | str, stamps: Stamps) -> list[_Asked]:
        """What to ask git about a place: the file in its repository, and that one's folder in those around it."""
        asked = []
        for path in filter(os.path.isabs, _paths(place)):
            folders, inner = self._folders(path), path
            for folder in reversed(folders):
                if stamps.of(f"{folder}{os.sep}.git") is not None:
                    asked.append(_Asked(root=folder, path=_up_to_link(inner, folder)))
                    inner = folder
            if inner is path:
                asked.append(_Asked(root="", path=path))
        return asked

    def _said(self, asked: Sequence[_Asked], stamps: Stamps) -> dict[_Asked, Rule | None]:
        """The rule by which git ignores each path; by hand outside of a repository, and where git cannot be asked."""
        said: dict[_Asked, Rule | None] = {}
        for root in dict.fromkeys(one.root for one in asked):
            ones = list(dict.fromkeys(one for one in asked if one.root == root))
            known = self._git.ignored(root, [one.path for one in ones], stamps) if root else None
            for one in ones:
                if known is None:
                    said[one] = self._by_hand(one, stamps)
                elif (ignored := known[one.path]) is not None:
                    said[one] = Rule(ignored.pattern, f"{ignored.file}:{ignored.number}")
                else:
                    said[one] = None
        return said

    def _by_hand(self, asked: _Asked, stamps: Stamps) -> Rule | None:
        folders = self._folders(asked.path)
        if asked.root:
            folders = [folder for folder in folders if len(folder) >= len(asked.root)]
        beside = [(asked.root, file) for file in self._git.beside(asked.root, stamps)] if asked.root else []
        line = self._gits.deciding(asked.path, folders, beside=beside)
        return _as_rule(line, folders[0]) if line is not None and line.excludes else None

    def check(self, place: Path | str) -> None:
        """Raises Excluded if the file at a path or uri is not to be filled; it says by which rule, and the remedy."""
        rule = self.excluded(place)
        if rule is not None:
            path = path_in(place) if isinstance(place, str) else place
            assert path is not None, "a rule is about a path"
            raise Excluded(f"{path.name}: excluded by {rule}; {rule.remedy(path.name)}", rule=str(rule))

    def _rule(self, path: str) -> Rule | None:
        name = os.path.basename(path)  # noqa: PTH119
        folders = self._folders(path) if os.path.isabs(path) else []  # noqa: PTH117
        line = self._own.deciding(path, folders)
        if line is not None and line.excludes:
            return _as_rule(line, folders[0])
        pattern = secret_pattern(Path(path))
        if pattern is not None and not (line is not None and _names(line, name)):
            return Rule(pattern, "built in")
        return None

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


@dataclass(frozen=True)
class _Asked:
    """Whether git ignores `path`, a file or folder of the repository at `root`; "": it lies in none."""

    root: str
    path: str


def _paths(place: Path | str) -> tuple[str, ...]:
    """The path that a place names, and at last the one that links lead to; empty if it names none."""
    path = path_in(place) if isinstance(place, str) else place
    if path is None:
        return ()
    named = _plain(os.path.normpath(path))
    real = _plain(os.path.realpath(path)) if path.is_absolute() else named  # one without a place has a name only
    return tuple(dict.fromkeys((named, real)))


def _up_to_link(path: str, root: str) -> str:
    """The path, or the link on its way from the root: git knows nothing of what lies beyond one."""
    if os.path.realpath(os.path.dirname(path)) == os.path.dirname(path):  # noqa: PTH120
        return path
    at = root
    for part in path[len(root) + 1 :].split(os.sep):  # noqa: PTH206
        at = f"{at}{os.sep}{part}"
        if os.path.islink(at):  # noqa: PTH114
            return at
    return path


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
