"""Indentation: of the place, not of the model's habit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

from lsp_server.postprocess.around import Around

_INDENT = re.compile(r"[ \t]*")
_OPENS = (":", "{", "(", "[", ",", "\\")
_USUAL_WIDTH = 4


def without_doubled_indent(text: str, around: Around) -> str:
    """Drops the first line's indentation where the gap stands after it."""
    prefix = around.prefix
    if not prefix or prefix.strip() or around.old or not around.above or not text.startswith(prefix):
        return text
    last = around.above[-1]
    indent = _indent(last)
    doubled = len(prefix) > len(indent) if last.rstrip().endswith(_OPENS) else prefix == indent
    return text.removeprefix(prefix) if doubled else text


def with_the_files_indent(text: str, around: Around) -> str:
    """Tabs for the text's leading spaces in a file of tabs, spaces for its tabs in a file of spaces.

    A file that has both near the gap, or neither, says nothing, and the text stays.
    """
    near = [*around.above, *around.below, around.prefix + "x"]
    kinds = {indent[:1] for indent in map(_indent, near) if indent not in ("", " ")}
    lines = text.split("\n")
    first = 0 if not around.prefix else 1  # behind text or an indentation, the first line has none of its own
    own = [_indent(line) for line in lines[first:]]
    if kinds == {"\t"} and any(indent.startswith("  ") for indent in own):
        width = _step(own)
        return _with_indents(lines, first, lambda indent: _tabbed(indent, width))
    if kinds == {" "} and any("\t" in indent for indent in own):
        unit = " " * _step([_indent(line) for line in near])
        return _with_indents(lines, first, lambda indent: indent.replace("\t", unit))
    return text


def based_at_the_gap(text: str, around: Around) -> str:
    """Moves lines that were written as if the first stood at the margin to the right, by the gap's own indentation.

    They were if the first line opens a block and what follows would not stand inside it.
    """
    place, lines = around.prefix, text.split("\n")
    further = [line for line in lines[1:] if line.strip()]
    if not place or place.strip() or not further or not lines[0].strip():
        return text
    opener = ":" if around.indented else "{"
    inner = _indent(further[0])
    if not lines[0].rstrip().endswith(opener) or lines[0][0].isspace() or not inner or len(inner) > len(place):
        return text
    moved = "\n".join([lines[0], *(place + line if line.strip() else line for line in lines[1:])])
    return moved if around.parses(moved) is not False else text


def _indent(line: str) -> str:
    found = _INDENT.match(line)
    assert found is not None, "matches the empty string, too"
    return found.group()


def _step(indents: list[str]) -> int:
    """The commonest difference of indentation from line to line, in columns of spaces, the smaller of equal ones."""
    widths = [len(indent) for indent in indents if "\t" not in indent]
    steps = Counter(abs(b - a) for a, b in pairwise(widths) if 2 <= abs(b - a) <= 8)
    if steps:
        return min(steps, key=lambda step: (-steps[step], step))
    return 2 if any(width % _USUAL_WIDTH == 2 for width in widths) else _USUAL_WIDTH


def _tabbed(indent: str, width: int) -> str:
    spaces = len(indent.expandtabs(width))
    return "\t" * (spaces // width) + " " * (spaces % width)


def _with_indents(lines: list[str], first: int, changed: Callable[[str], str]) -> str:
    return "\n".join(
        [*lines[:first], *(changed(indent := _indent(line)) + line[len(indent) :] for line in lines[first:])]
    )
