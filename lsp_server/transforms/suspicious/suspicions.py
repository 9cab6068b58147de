"""What a model doubts of some lines of a file, in bytes of the file, and nothing that a program could not mean.

snapshot, region -> chunks of whole lines -> Filler.doubts of each, the file around it as context -> suspicions
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lsp_server.code.checking.syntax_checker import SyntaxChecker
from lsp_server.code.syntax.functions import is_code
from lsp_server.code.syntax.parse import parse
from lsp_server.code.text.lines import Lines
from lsp_server.code.text.positions import LineIndex
from lsp_server.errors import InputError
from lsp_server.types import Cells, Edit, Gap, Region, Snapshot
from lsp_server.window import window
from lsp_server.workspace.exclusions import Exclusions
from model.text import PlainText
from model.types import Cancelled, Doubt, Doubts, Filler, Hole

NAME = "suspicious"
CHUNK_TOKENS = 160
"""Judged over one context: more lines would see less of what follows them, and be scored in more passes."""
_WORD = re.compile(rb"[\w\x80-\xff]+|[^\w\s]+")
_NO_CODE = frozenset(("plain", "markdown", "json", "yaml", "toml", "html"))


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """The bytes `region` of a file say `text`, where the model would rather read `instead`.

    `nats`: how much likelier that is there, given both sides. `probability`: of what stands there, given what is left of it.
    """

    region: Region
    text: str
    instead: str
    nats: float
    probability: float


class CannotDoubt(InputError):
    """Neither this model nor this kind of file can be asked for suspicious words."""


def check(snapshot: Snapshot, filler: Filler | None = None) -> None:
    """Raises CannotDoubt where nobody can tell code from prose, or the model does not say how probable a text is."""
    if snapshot.language.name in _NO_CODE or snapshot.tree is None:
        raise CannotDoubt(f"suspicious words are looked for in code, and this is {snapshot.language.name}")
    if filler is not None and not isinstance(filler, Doubts):
        raise CannotDoubt(
            f"{filler.info.name} does not tell how probable a text is: use the built-in model, or another on this machine"
        )


def whole_tree(snapshot: Snapshot) -> Snapshot:
    """The snapshot with a tree of the whole file."""
    return replace(snapshot, tree=parse(snapshot.source, snapshot.language))


def chunks(snapshot: Snapshot, region: Region, filler: Filler) -> Iterator[Region]:
    """The lines that `region` touches, in parts for `suspicions_in`; a very long line is left out."""
    lines = Lines(snapshot.source)
    start, end = lines.start_of(region.start), lines.end_of(region.end)
    chunk: Region | None = None
    tokens = 0
    while start < end:
        stop = _with_blank_lines(lines, lines.end_of(start))
        count = filler.count_tokens(PlainText.read(snapshot.source[start:stop]))
        if chunk is not None and tokens + count > CHUNK_TOKENS:
            yield chunk
            chunk, tokens = None, 0
        if count <= CHUNK_TOKENS:
            chunk, tokens = Region(chunk.start if chunk else start, stop), tokens + count
        start = stop
    if chunk is not None:
        yield chunk


def _with_blank_lines(lines: Lines, end: int) -> int:
    """The end of the blank lines behind `end`: they go with what they follow, as in the model's tokens."""
    while end < len(lines.source) and not lines.source[end : lines.end_of(end)].strip():
        end = lines.end_of(end)
    return end


def suspicions_in(
    snapshot: Snapshot,
    chunk: Region,
    filler: Filler,
    *,
    cancelled: Cancelled,
    exclusions: Exclusions | None = None,
    cells: Cells | None = None,
) -> tuple[Suspicion, ...] | None:
    """The suspicious words of a chunk, in its order; None if cancelled.

    Comments and strings are left alone, and so is a word whose alternative would not parse. Raises CannotDoubt; Excluded if
    no model may see the file.
    """
    gate = exclusions or Exclusions()
    gate.check(snapshot.uri)
    if cells is not None:
        gate.check(cells.notebook)
    check(snapshot, filler)
    assert isinstance(filler, Doubts)
    text = snapshot.text(chunk)
    words = tuple(_words(snapshot, chunk))
    if not words:
        return ()
    places = _Places(snapshot.source[chunk.start : chunk.end], chunk.start)
    gap = Gap(region=chunk, hole=Hole(old_text=text))
    template, _ = window(snapshot, (gap,), filler, cells)
    doubts = filler.doubts(template, wanted=places.characters(words), cancelled=cancelled)
    if doubts is None:
        return None
    checker = SyntaxChecker(snapshot)
    found = (_suspicion(snapshot, places, doubt) for doubt in doubts)
    return tuple(one for one in found if _fits(snapshot, one, checker))


def _words(snapshot: Snapshot, chunk: Region) -> Iterator[Region]:
    """Names, keywords, numbers and operators in the chunk that are code."""
    for found in _WORD.finditer(snapshot.source, chunk.start, chunk.end):
        if is_code(snapshot, found.start()):
            yield Region(found.start(), found.end())


def _suspicion(snapshot: Snapshot, places: _Places, doubt: Doubt) -> Suspicion:
    region = Region(places.byte(doubt.start), places.byte(doubt.end))
    return Suspicion(
        region=region,
        text=snapshot.as_written(region),
        instead=doubt.instead,
        nats=doubt.nats,
        probability=doubt.probability,
    )


def _fits(snapshot: Snapshot, found: Suspicion, checker: SyntaxChecker) -> bool:
    """Whether a word gives way to one on its line, and that brings no syntax error where there was none."""
    if "\n" in found.instead or "\n" in found.text or not found.instead.strip() or not found.text.strip():
        return False
    edit = Edit(region=found.region, new_text=found.instead, version=snapshot.version)
    if checker.broken_at(found.region):
        return True
    return not any(checker.python_errors([edit])) and checker.parses([edit]) is not False


class _Places:
    """Bytes of a file as characters of a chunk of it, whose line ends have become newlines, and back."""

    def __init__(self, source: bytes, start: int) -> None:
        self._index, self._start = LineIndex(source), start
        text = PlainText.read(source)
        self._line_starts = [0, *(n + 1 for n, character in enumerate(text) if character == "\n")]

    def characters(self, regions: Sequence[Region]) -> tuple[tuple[int, int], ...]:
        """(start, end) of each region."""
        return tuple((self._character(one.start), self._character(one.end)) for one in regions)

    def _character(self, byte: int) -> int:
        line, column = self._index.position(byte - self._start, "utf-32")
        return self._line_starts[line] + column

    def byte(self, character: int) -> int:
        """Where the character stands in the file."""
        line = bisect_right(self._line_starts, character) - 1
        return self._start + self._index.offset(line, character - self._line_starts[line], "utf-32")
