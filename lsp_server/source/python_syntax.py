"""What Python itself says of a fill: tree-sitter's grammar lets pass what the interpreter does not (a block without a body, say).

Only the top-level statements around the gap are read, so that neither a large file nor old syntax elsewhere in it matters.
A file written for a newer Python than the one that runs this may be blamed for what it may say.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable

from lsp_server.types import Region

_BEGIN = re.compile(rb"^(?:async|def|class|@|if|for|while|with|try|import|from)\b", re.MULTILINE)
_NEXT = re.compile(rb"^(?!(?:else|elif|except|finally)\b)[A-Za-z_@]", re.MULTILINE)
_MOST_BYTES, _MOST_BYTES_AGAIN = 50_000, 20_000


def python_error(
    source: bytes, place: Region, *, around: bool = False, begins: Callable[[int], bool] = lambda _: False
) -> Region | None:
    """Where Python finds an error in what stands in `place` of the source, or right below it; None if nowhere.

    `around`: or anywhere in the top-level statements around. `begins`: whether a top-level statement is known to begin
    at a byte. The region lies in `place`. None too if these statements are too long to be read while somebody waits,
    or if what looks like their bounds may stand in a string.
    """
    line = source.rfind(b"\n", 0, place.start) + 1
    start = max((found.start() for found in _BEGIN.finditer(source, max(0, line - _MOST_BYTES), line)), default=0)
    below = source.find(b"\n", place.end)
    following = _NEXT.search(source, below + 1) if below >= 0 else None
    end = following.start() if following else len(source)
    if end - start > _MOST_BYTES:
        return None
    window = source[start:end]
    error = _error(window)
    if error is None:
        return None
    # What looks like a statement may stand in a string: then the whole file, if it is read in no time, knows better.
    certain = (start == 0 or begins(start)) and (end == len(source) or begins(end))
    if not certain and (len(source) > _MOST_BYTES_AGAIN or _error(source) is None):
        return None
    found = _region(error, window, Region(place.start - start, place.end - start), start)
    return place if found is None and around else found


def _error(source: bytes) -> SyntaxError | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except SyntaxError as error:
        return error
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
