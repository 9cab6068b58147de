"""A unified diff of edits that `patch` and `git apply` accept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

import click

from lsp_server.code.text.edits import apply
from lsp_server.types import Edit, Region

_CONTEXT_LINES = 3
_LINE = re.compile(r"[^\n]*\n|[^\n]+")  # what diff and patch call a line: form feeds and the like do not end it


def unified_diff(header: str, source: bytes, edits: Sequence[Edit], *, bom: bytes = b"") -> str:
    """The diff that makes `edits`, below the lines of `header`; "" when they change nothing.

    `bom`: the file's byte order mark, which is not in `source`.

    Its cost depends on the edits and their distance from line breaks, not on the file's length squared.
    """
    hunks: list[str] = []
    added = 0
    for window in _windows(source, edits):
        old = source[window.start : window.end]
        moved = [
            replace(e, region=Region(e.region.start - window.start, e.region.end - window.start)) for e in window.edits
        ]
        mark = b"" if window.start else bom
        old_lines, new_lines = _lines(mark + old), _lines(mark + apply(old, moved))
        first = source.count(b"\n", 0, window.start)
        matcher = SequenceMatcher(None, old_lines, new_lines, autojunk=False)
        hunks += [
            _hunk(codes, old_lines, new_lines, first, added) for codes in matcher.get_grouped_opcodes(_CONTEXT_LINES)
        ]
        added += len(new_lines) - len(old_lines)
    return header + "".join(hunks) if hunks else ""


def coloured(diff: str) -> str:
    """The diff with terminal colours; control characters of the file become visible instead of acting."""
    lines = [
        "".join(c if c == "\t" or c.isprintable() else repr(c)[1:-1] for c in line.rstrip("\r\n"))
        for line in _LINE.findall(diff)
    ]
    above = next((number for number, line in enumerate(lines) if line.startswith("@@ ")), len(lines))
    header = [click.style(line, bold=True) for line in lines[:above]]
    return "".join(f"{line}\n" for line in [*header, *map(_coloured_line, lines[above:])])


@dataclass(frozen=True)
class _Window:
    """Whole lines around edits that are near each other: bytes `start` to `end`."""

    start: int
    end: int
    edits: tuple[Edit, ...]


def _windows(source: bytes, edits: Sequence[Edit]) -> list[_Window]:
    windows: list[_Window] = []
    for edit in sorted(edits, key=lambda edit: edit.region):
        start, end = edit.region.start, edit.region.end
        for _ in range(_CONTEXT_LINES + 1):
            start = source.rfind(b"\n", 0, max(start - 1, 0)) + 1 if start else 0
        for _ in range(_CONTEXT_LINES + 1):
            end = source.find(b"\n", end) + 1 or len(source)
        if windows and start <= windows[-1].end:
            earlier = windows.pop()
            windows.append(_Window(earlier.start, max(earlier.end, end), (*earlier.edits, edit)))
        else:
            windows.append(_Window(start, end, (edit,)))
    return windows


def _hunk(codes: list[tuple[str, int, int, int, int]], old: list[str], new: list[str], first: int, added: int) -> str:
    _, a1, _, b1, _ = codes[0]
    _, _, a2, _, b2 = codes[-1]
    text = f"@@ -{_span(first + a1, a2 - a1)} +{_span(first + added + b1, b2 - b1)} @@\n"
    for tag, i1, i2, j1, j2 in codes:
        if tag == "equal":
            text += "".join(_marked(" ", line) for line in old[i1:i2])
        else:
            text += "".join(_marked("-", line) for line in old[i1:i2])
            text += "".join(_marked("+", line) for line in new[j1:j2])
    return text


def _span(before: int, count: int) -> str:
    """The hunk header's start and count as `diff` writes them, `before` lines standing before."""
    if count == 1:
        return f"{before + 1}"
    return f"{before + 1 if count else before},{count}"


def _marked(sign: str, line: str) -> str:
    return sign + line if line.endswith("\n") else f"{sign}{line}\n\\ No newline at end of file\n"


def _lines(text: bytes) -> list[str]:
    return _LINE.findall(text.decode("utf-8"))


def _coloured_line(line: str) -> str:
    colour = {"@": "cyan", "+": "green", "-": "red"}.get(line[0])
    return click.style(line, fg=colour) if colour else line
