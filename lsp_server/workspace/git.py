"""What git ignores: git itself is asked where it is installed, for nobody else knows all of its rules.

One call tells of all paths of a scan. Answers hold until a file changes that git would read for them.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import TypeAlias

Stamp: TypeAlias = tuple[int, int, int] | None

_PATIENCE_S = 5.0
_MOST_ANSWERS = 20_000
# Nothing of the repository's is run, locked or fetched for an answer, and no other repository is meant.
_OPTIONS = ("-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false")
_SETTINGS = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
_OTHERS = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
)
_SECTION = re.compile(r"^\s*\[\s*(\w+)\s*\]", re.MULTILINE)
_EXCLUDES_FILE = re.compile(r"^\s*excludesfile\s*=\s*\"?([^\"\n]*?)\"?\s*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Ignored:
    """The line by which git ignores a file: `pattern`, in line `number` of `file` (relative to the repository's root)."""

    pattern: str
    file: str
    number: str


class Stamps:
    """What tells versions of files apart, each looked at once: for the answers of one scan."""

    def __init__(self) -> None:
        self._seen: dict[str, Stamp] = {}

    def of(self, path: str) -> Stamp:
        """Of the file at `path`; None if there is none that can be seen."""
        if path not in self._seen:
            try:
                now = os.stat(path)  # noqa: PTH116  a Path costs more than the look at the disk
                self._seen[path] = (now.st_mtime_ns, now.st_size, now.st_ino)
            except OSError:
                self._seen[path] = None
        return self._seen[path]


class Git:
    """Asks git which files it ignores. One thread at a time. `command`: git's own, None for a machine without."""

    def __init__(self, command: str | None = None) -> None:
        self._command = command if command is not None else which("git")
        self._answers: dict[tuple[str, str], tuple[object, Ignored | None]] = {}
        self._places: dict[str, tuple[object, tuple[str, ...]]] = {}

    def ignored(self, root: str, paths: Sequence[str], stamps: Stamps) -> Mapping[str, Ignored | None] | None:
        """By which line git ignores each of `paths`, files or folders below the root of a repository; None: it is not.

        A file that is tracked is not. None if git cannot be asked.
        """
        if self._command is None:
            return None
        own, beside = git_directory(root, common=False), self.beside(root, stamps)
        everywhere = (stamps.of(f"{own}{os.sep}index"), tuple((place, stamps.of(place)) for place in beside))
        signatures = {path: (everywhere, _ignore_files(root, path, stamps)) for path in paths}
        unknown = [path for path in paths if self._answers.get((root, path), (None,))[0] != signatures[path]]
        if unknown:
            told = self._ask(root, unknown)
            if told is None:
                return None
            if len(self._answers) > _MOST_ANSWERS:
                self._answers.clear()
            self._answers.update({(root, path): (signatures[path], told.get(path)) for path in unknown})
        return {path: self._answers[root, path][1] for path in paths}

    def beside(self, root: str, stamps: Stamps) -> tuple[str, ...]:
        """The files with rules for the whole repository that lie in no folder of it, those that count least first."""
        directory = git_directory(root)
        configurations = (*_configurations(), f"{directory}{os.sep}config")
        signature = tuple(stamps.of(path) for path in configurations)
        known = self._places.get(root)
        if known is None or known[0] != signature:
            excludes = next(filter(None, map(_excludes_file, reversed(configurations))), None) or _usual_excludes_file()
            places = (*([excludes] if excludes else ()), f"{directory}{os.sep}info{os.sep}exclude")
            known = self._places[root] = signature, places
        return known[1]

    def _ask(self, root: str, paths: Sequence[str]) -> dict[str, Ignored] | None:
        assert self._command is not None
        relative = {os.path.relpath(path, root): path for path in paths}
        environment = {name: value for name, value in os.environ.items() if name not in _OTHERS} | _SETTINGS
        try:
            done = subprocess.run(
                [self._command, "-C", root, *_OPTIONS, "check-ignore", "-z", "-v", "-n", "--stdin"],
                input=b"".join(os.fsencode(path) + b"\0" for path in relative),
                capture_output=True,
                timeout=_PATIENCE_S,
                env=environment,
                check=False,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return None
        if done.returncode not in (0, 1):  # no repository after all, another's, or a path that it refuses
            return None
        fields = [os.fsdecode(field) for field in done.stdout.split(b"\0")]
        rows = list(zip(*(fields[start::4] for start in range(4)), strict=False))
        if {path for *_, path in rows} != set(relative):
            return None  # no answer that we know how to read
        return {
            relative[path]: Ignored(pattern, file, number)
            for file, number, pattern, path in rows
            if pattern and not pattern.startswith("!")
        }


def _ignore_files(root: str, path: str, stamps: Stamps) -> tuple[Stamp, ...]:
    """What tells versions of the `.gitignore` files apart that git reads for `path`."""
    folder, found = root, [stamps.of(f"{root}{os.sep}.gitignore")]
    for part in path[len(root) + 1 :].split(os.sep)[:-1]:  # noqa: PTH206
        folder = f"{folder}{os.sep}{part}"
        found.append(stamps.of(f"{folder}{os.sep}.gitignore"))
    return tuple(found)


def git_directory(root: str, *, common: bool = True) -> str:
    """Where the repository at `root` keeps what is git's; of a worktree that of all (`common`), or its own."""
    directory = f"{root}{os.sep}.git"
    if Path(directory).is_file():
        directory = os.path.join(root, _first_line(directory).removeprefix("gitdir:").strip())  # noqa: PTH118
    shared = _first_line(f"{directory}{os.sep}commondir") if common else ""
    return os.path.normpath(os.path.join(directory, shared))  # noqa: PTH118


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
            return file.readline().strip()
    except OSError:
        return ""


def _home() -> str | None:
    home = os.path.expanduser("~")  # noqa: PTH111  Path.home() raises where there is none
    return home if os.path.isabs(home) else None  # noqa: PTH117


def _below_home(name: str) -> Iterable[str]:
    """The file of that name in git's folder of the user's configuration; none without a home."""
    settings, home = os.environ.get("XDG_CONFIG_HOME"), _home()
    if settings or home:
        yield os.path.join(settings or f"{home}{os.sep}.config", "git", name)  # noqa: PTH118


def _configurations() -> tuple[str, ...]:
    """Git's configuration files of this machine and user, those that count least first."""
    home = _home()
    return ("/etc/gitconfig", *_below_home("config"), *([f"{home}{os.sep}.gitconfig"] if home else ()))


def _usual_excludes_file() -> str | None:
    return next(iter(_below_home("ignore")), None)


def _excludes_file(configuration: str) -> str | None:
    """The core.excludesFile that a configuration file names last; None if it names none."""
    try:
        text = Path(configuration).read_text("utf-8", errors="surrogateescape")
    except OSError:
        return None
    parts = _SECTION.split(text)
    core = [body for name, body in zip(parts[1::2], parts[2::2], strict=True) if name.lower() == "core"]
    named = [found for body in core for found in _EXCLUDES_FILE.findall(body)]
    return os.path.expanduser(named[-1]) if named and named[-1] else None  # noqa: PTH111
