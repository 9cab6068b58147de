"""Where a file has a syntax error, as narrowly as that can be told, and what of the file to open to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

from lsp_server.code.syntax import statements
from lsp_server.code.syntax.parse import errors, parse
from lsp_server.code.syntax.python_syntax import syntax_error
from lsp_server.code.text.positions import line_around
from lsp_server.types import Region, Snapshot

_TOKEN = re.compile(rb"[\w\x80-\xff]+|[^\w\s]")  # of UTF-8: no character is cut in two
_LOOKED_AT = 200
_MOST_LINES = 12
"""A statement of more lines is not written anew to mend an error in it."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A syntax error: the bytes that are to blame, and what is said of them."""

    region: Region
    message: str


def fault_on(snapshot: Snapshot, region: Region) -> Fault | None:
    """The first syntax error on the lines of `region`; None if there is none."""
    tree = snapshot.tree
    if tree is None:
        return None
    start, end = line_around(snapshot.source, region.start).start, line_around(snapshot.source, region.end).end
    lines = Region(start, end)
    if snapshot.language.name == "python":
        found = _python_fault(snapshot.source)
        if found is not None and lines.start <= found.region.start <= lines.end:
            return found
    if not tree.root_node.has_error:
        return None
    for node in islice(errors(tree.root_node, lines), _LOOKED_AT):
        if lines.start <= node.start_byte <= lines.end:
            what = f"missing {node.type}" if node.is_missing else "syntax error"
            return Fault(region=Region(node.start_byte, min(node.end_byte, lines.end)), message=what)
    return None


def count_faults(source: bytes, snapshot: Snapshot) -> int:
    """How many errors the grammar finds in `source`, a text like the snapshot's; one more if only Python itself finds some."""
    tree = parse(source, snapshot.language)
    found = sum(1 for _ in islice(errors(tree.root_node), _LOOKED_AT)) if tree is not None else 0
    return max(found, int(snapshot.language.name == "python" and syntax_error(source) is not None))


def doubles(source: bytes, region: Region) -> Iterator[Region]:
    """On the lines of `region`, what may stand twice by a slip: a token right behind its like, and the second half of a word."""
    start, end = line_around(source, region.start).start, line_around(source, region.end).end
    tokens = [Region(found.start(), found.end()) for found in _TOKEN.finditer(source, start, end)]
    for before, token in pairwise(tokens):
        if before.end == token.start and source[before.start : before.end] == source[token.start : token.end]:
            yield token  # with space in between, something may be missing there
    for token in tokens:
        half = (token.end - token.start) // 2
        if half > 1 and source[token.start : token.start + half] == source[token.start + half : token.end]:
            yield Region(token.start + half, token.end)


def openings(source: bytes, region: Region) -> Iterator[Region]:
    """What to open again to mend `region`, from small to large: its token, those beside it, the line, the statement."""
    line = line_around(source, region.start)
    indent = statements.indent_of(source[line.start : line.end])
    content = Region(line.start + indent, line.start + len(source[line.start : line.end].rstrip()))
    tokens = [
        Region(line.start + m.start(), line.start + m.end()) for m in _TOKEN.finditer(source[line.start : line.end])
    ]
    seen = set[Region]()
    for opened in _widening(tokens, region, content, source):
        if opened not in seen and opened.start <= opened.end:
            seen.add(opened)
            yield opened


def _widening(tokens: list[Region], region: Region, content: Region, source: bytes) -> Iterator[Region]:
    at = next((n for n, token in enumerate(tokens) if token.end > region.start), len(tokens) - 1)
    if tokens:
        end = max(region.end, tokens[at].end) if region.end <= content.end else tokens[at].end
        yield _with_blanks(source, Region(min(tokens[at].start, max(region.start, content.start)), end), content)
        first, last = tokens[max(at - 1, 0)], tokens[min(at + 1, len(tokens) - 1)]
        yield _with_blanks(source, Region(first.start, max(last.end, end)), content)
    yield content
    for part, indent in reversed(list(statements.around(source, region))):
        text = source[part.start : part.end]
        if text.count(b"\n") <= _MOST_LINES and len(text.strip()) > content.end - content.start:
            yield Region(part.start + indent, part.start + len(text.rstrip()))
            return


def _with_blanks(source: bytes, region: Region, content: Region) -> Region:
    """The region with the blanks before it, one left out: where a sign is missing between two, one of them is too much."""
    before = source[content.start : region.start]
    blanks = len(before) - len(before.rstrip())
    return Region(region.start - max(blanks - 1, 0), region.end)


def _python_fault(source: bytes) -> Fault | None:
    error = syntax_error(source)
    if error is None or error.lineno is None:
        return None
    lines = source.split(b"\n")
    row = min(error.lineno, len(lines)) - 1
    start = sum(len(line) + 1 for line in lines[:row])
    text = lines[row].decode("utf-8", "replace")
    first = start + len(text[: max((error.offset or 1) - 1, 0)].encode())
    same = error.end_lineno == error.lineno and error.end_offset is not None
    last = start + len(text[: max((error.end_offset or 1) - 1, 0)].encode()) if same else first
    first = min(first, start + len(lines[row]))
    return Fault(region=Region(first, max(first, min(last, start + len(lines[row])))), message=error.msg)
