"""What stands above the hunks of a diff: the file's name as `git apply` and `patch` read it.

In a repository that is the path from its root, as in git's own diffs, so the diff means the same file wherever it is
applied and however the file was named; elsewhere the path from the current folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lsp_server.cli.targets.repository import root_of

_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\v": "\\v",
    "\f": "\\f",
    "\r": "\\r",
    '"': '\\"',
    "\\": "\\\\",
}


@dataclass(frozen=True)
class PatchHeader:
    """The lines above the hunks; `remark`: what to do where `git apply` in the current folder does not reach the file."""

    lines: str
    remark: str = ""


def header_of(path: Path | None) -> PatchHeader:
    """The header for the file at `path`, which has no links in it; None: standard input."""
    if path is None:
        return PatchHeader(_two_lines("standard input", "standard input"))
    try:
        here = Path.cwd().resolve()
    except OSError:  # the folder is gone
        here = None
    root = root_of(path)
    if root is not None:
        name = path.relative_to(root).as_posix()
        a, b = quoted(f"a/{name}"), quoted(f"b/{name}")
        reached = here is not None and here.is_relative_to(root) and path.is_relative_to(here)
        remark = "" if reached else f"to apply the diff to {path.name}: … | git -C {_for_shell(root)} apply"
        return PatchHeader(f"diff --git {a} {b}\n{_two_lines(a, b)}", remark)
    if here is not None and path.is_relative_to(here):
        name = path.relative_to(here).as_posix()
        return PatchHeader(_two_lines(quoted(f"a/{name}"), quoted(f"b/{name}")))
    return PatchHeader(
        _two_lines(quoted(str(path)), quoted(str(path))), "git apply does not reach the file: use patch -p0"
    )


def quoted(name: str) -> str:
    """The name as git writes it: in double quotes if it holds a control character, a quote, a backslash or no UTF-8."""
    if not any(c < " " or c in '"\\\x7f' or "\ud800" <= c <= "\udfff" for c in name):
        return name
    return f'"{"".join(_escaped(c) for c in name)}"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character >= " " and character != "\x7f" and not "\ud800" <= character <= "\udfff":
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))


def _two_lines(a: str, b: str) -> str:
    # As git does: behind a name with a space stands a tab, for else `patch` takes its rest for a date.
    return "".join(f"{sign} {name}{chr(9) if ' ' in name else ''}\n" for sign, name in (("---", a), ("+++", b)))


def _for_shell(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))
