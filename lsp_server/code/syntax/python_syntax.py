"""What Python itself says of a fill: tree-sitter's grammar lets pass what the interpreter does not (a block without a body, say).

Only the top-level statements around the gap are read, so that neither a large file nor old syntax elsewhere in it matters.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from lsp_server.code.syntax.python_dialect import for_this_python
from lsp_server.types import Region

if TYPE_CHECKING:
    from tree_sitter import Tree

_BEGIN = re.compile(rb"^(?:async|def|class|@|if|for|while|with|try|import|from)\b", re.MULTILINE)
_NEXT = re.compile(rb"^(?!(?:else|elif|except|finally)\b)[A-Za-z_@]", re.MULTILINE)
_MOST_BYTES, _MOST_BYTES_AGAIN, _MOST_BYTES_ALONE = 100_000, 20_000, 200_000
_TRIED = 4  # bounds that look like statements and may stand in a string

Begins = Callable[[int], bool]
ErrorIn = Callable[[bytes], SyntaxError | None]


class Beginnings:
    """Where top-level statements of `source` begin, as far as one can be sure; each byte is looked into once.

    What looks like a statement may stand in a string. The tree of a sound file knows; where a gap tore the file, what
    stands before such a place, or from it on, is read alone: a torn string makes that fail.
    """

    def __init__(self, source: bytes, tree: Tree | None) -> None:
        self._source, self._known = source, dict[tuple[int, bool], bool]()
        sound = tree is not None and not tree.root_node.has_error
        self._starts = {child.start_byte for child in tree.root_node.children} if tree and sound else None

    def first(self, at: int) -> bool:
        """Whether a statement begins at byte `at`, whatever follows."""
        return at == 0 or self._looked_up(at, before=True)

    def last(self, at: int) -> bool:
        """Whether a statement begins at byte `at`, whatever stood before."""
        return at == len(self._source) or self._looked_up(at, before=False)

    def _looked_up(self, at: int, *, before: bool) -> bool:
        if self._starts is not None:
            return at in self._starts
        if (at, before) not in self._known:
            alone = self._source[:at] if before else self._source[at:]
            self._known[at, before] = len(alone) <= _MOST_BYTES_ALONE and syntax_error(alone) is None
        return self._known[at, before]


def python_error(
    source: bytes,
    place: Region,
    *,
    around: bool = False,
    first: Begins = lambda _: False,
    last: Begins = lambda _: False,
    error_in: ErrorIn | None = None,
) -> Region | None:
    """Where Python finds an error in what stands in `place` of the source, or right below it; None if nowhere.

    `around`: or anywhere in the top-level statements around. `first`, `last`: whether a top-level statement is known to
    begin at a byte before the place, or behind it. The region lies in `place`. None too if these statements are too long
    to be read while somebody waits, or if what looks like their bounds may stand in a string. `error_in`: `syntax_error`,
    or what remembers its answers.
    """
    error_in = error_in or syntax_error
    line = source.rfind(b"\n", 0, place.start) + 1
    start, end = next(_starts(source, line), 0), next(_ends(source, place.end), len(source))
    if end - start > _MOST_BYTES:
        return None
    error = error_in(source[start:end])
    if error is None:
        return None
    certain = next(filter(first, islice(_starts(source, line), _TRIED)), None)
    ends = next(filter(last, islice(_ends(source, place.end), _TRIED)), None)
    if certain is not None and ends is not None:
        if ends - certain > _MOST_BYTES:
            return None
        if (certain, ends) != (start, end):
            start, end = certain, ends
            error = error_in(source[start:end])
    elif len(source) > _MOST_BYTES_AGAIN or error_in(source) is None:
        return None  # the whole file, if it is read in no time, knows better
    if error is None:
        return None
    found = _region(error, source[start:end], Region(place.start - start, place.end - start), start)
    return place if found is None and around else found


def _starts(source: bytes, line: int) -> Iterator[int]:
    """Where a top-level statement may begin before `line` (a byte), the nearest first; at last the file's start."""
    found = [match.start() for match in _BEGIN.finditer(source, max(0, line - _MOST_BYTES), line)]
    yield from reversed(found)
    yield 0


def _ends(source: bytes, end: int) -> Iterator[int]:
    """Where a top-level statement may begin on a line behind `end`, the nearest first; at last the file's end."""
    below = source.find(b"\n", end)
    if below >= 0:
        yield from (match.start() for match in _NEXT.finditer(source, below + 1))
    yield len(source)


def syntax_error(source: bytes) -> SyntaxError | None:
    """What Python says of `source`, without a traceback: that would keep alive whoever asked.

    Syntax that is newer than the running Python is no error.
    """
    error = _error_in(source)
    if error is None or (older := for_this_python(source)) == source:
        return error
    return _error_in(older)


def _error_in(source: bytes) -> SyntaxError | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except SyntaxError as error:
        return error.with_traceback(None)
    except (ValueError, RecursionError, MemoryError):
        return None
    return None


def _region(error: SyntaxError, window: bytes, place: Region, offset: int) -> Region | None:
    """The error's bytes within `place` (both in `window`), moved by `offset`; None if it is not to blame for it."""
    lines = window.splitlines(keepends=True)
    line = (error.lineno or 1) - 1
    at = sum(map(len, lines[:line])) + len(_first(lines, line, (error.offset or 1) - 1))
    begins = window.rfind(b"\n", 0, place.start) + 1
    below = window[place.end :]
    ends = place.end + len(below) - len(below.lstrip())
    ends = (window.find(b"\n", ends) + 1) or len(window)
    if not begins <= at <= ends:
        return None
    stop = sum(map(len, lines[: (error.end_lineno or line + 1) - 1])) if error.end_lineno else at
    stop += len(_first(lines, (error.end_lineno or line + 1) - 1, (error.end_offset or 1) - 1))
    if at >= place.end:  # what follows does not fit to the text's last line
        at, stop = window.rfind(b"\n", 0, len(window[: place.end].rstrip())) + 1, place.end
    first = min(max(at, place.start), place.end)
    return Region(offset + first, offset + max(first, min(max(stop, at + 1), place.end)))


def _first(lines: list[bytes], line: int, characters: int) -> bytes:
    """The first `characters` of a line."""
    return lines[line].decode("utf-8", "replace")[: max(characters, 0)].encode() if 0 <= line < len(lines) else b""
