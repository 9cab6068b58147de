"""The edits between two versions of a file: as small as they can be, so that cursors and marks beside them stay."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from operator import eq

from lsp_server.types import Edit, Region

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
_WORD = re.compile(rb"\w+|\s+|[\x80-\xff]+|.", re.DOTALL)  # bytes of one character stay together


def edits_between(old: bytes, new: bytes, *, version: int | None = None) -> tuple[Edit, ...]:
    """The edits that make `new` of `old`, both valid UTF-8, in the order of the file and apart from each other."""
    return tuple(
        Edit(region=Region(start, end), new_text=text.decode("utf-8"), version=version)
        for start, end, text in _differences(_LINE.findall(old), _LINE.findall(new), 0)
    )


def _differences(old: Sequence[bytes], new: Sequence[bytes], offset: int) -> Iterator[tuple[int, int, bytes]]:
    """(start, end, text) where the lines differ; lines that stand opposite each other are compared word by word."""
    for tag, a, b, c, d in _opcodes(old, new):
        start = offset + sum(map(len, old[:a]))
        if tag == "replace" and b - a == d - c:
            for before, after in zip(old[a:b], new[c:d], strict=True):
                if before != after:
                    yield from _within(before, after, start)
                start += len(before)
        elif tag != "equal":
            yield start, start + sum(map(len, old[a:b])), b"".join(new[c:d])


def _within(old: bytes, new: bytes, offset: int) -> Iterator[tuple[int, int, bytes]]:
    words, others = _WORD.findall(old), _WORD.findall(new)
    for tag, a, b, c, d in _opcodes(words, others):
        if tag == "replace" and b - a == d - c:
            at = offset + sum(map(len, words[:a]))
            for before, after in zip(words[a:b], others[c:d], strict=True):
                if before != after:
                    yield at, at + len(before), after
                at += len(before)
        elif tag != "equal":
            start = offset + sum(map(len, words[:a]))
            yield start, start + sum(map(len, words[a:b])), b"".join(others[c:d])


def _opcodes(old: Sequence[bytes], new: Sequence[bytes]) -> Iterator[tuple[str, int, int, int, int]]:
    """difflib's, for what stands between the common beginning and the common end: most of a file is there."""
    first = 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    inner, other = old[first : len(old) - last], new[first : len(new) - last]
    if len(inner) == len(other) and 2 * sum(map(eq, inner, other)) >= len(inner):
        yield "replace", first, first + len(inner), first, first + len(other)  # names in place of names: no search
        return
    for tag, a, b, c, d in SequenceMatcher(None, inner, other, autojunk=False).get_opcodes():
        yield tag, a + first, b + first, c + first, d + first
