"""What of a fill to make anew: where the file with it has a syntax error that the file around the gap did not have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING

from lsp_server.source.edits import edit_of
from lsp_server.source.lines import rows
from lsp_server.source.parse import Verdict, errors, parse, verdict
from lsp_server.source.python_syntax import Beginnings, Begins, python_error, syntax_error
from lsp_server.types import Edit, Gap, Region, Snapshot
from model.text import PlainText
from model.types import Span

if TYPE_CHECKING:
    from tree_sitter import Tree

_PAIRS = {")": "(", "]": "[", "}": "{"}


class Trials:
    """What Python and the grammar say of texts in the gaps of one snapshot, for who asks more than once: each is read once.

    The same text is asked about as the model wrote it, tidied, by filters, and to rank it.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._error_in = cache(syntax_error)
        self._verdicts = dict[tuple[Edit, ...], Verdict]()

    @cached_property
    def _beginnings(self) -> Beginnings:
        return Beginnings(rows(self._snapshot.source), self._snapshot.tree)

    def parses(self, edits: Sequence[Edit], *, cleanly: bool = False) -> bool | None:
        """Whether the snapshot with the edits made parses; see `source.parse.Verdict`."""
        key = tuple(edits)
        known = self._verdicts.get(key)
        if known is None:
            known = self._verdicts[key] = verdict(self._snapshot, key)
        return known.cleanly if cleanly else known.parses

    def python_errors(self, edits: Sequence[Edit], *, around: bool = False) -> Iterator[Region | None]:
        """What `python_error` says of each edit, once all are made; nothing in another language."""
        if self._snapshot.language.name != "python":
            return
        source, places = _filled(self._snapshot.source, edits)
        first, last = _outside(edits, self._beginnings.first), _outside(edits, self._beginnings.last)
        for place in places:
            yield python_error(source, place, around=around, first=first, last=last, error_in=self._error_in)


def whole(
    snapshot: Snapshot, gaps: Sequence[Gap], texts: Sequence[str], *, trials: Trials | None = None
) -> bool | None:
    """Whether the file with the texts (one per gap, tidied) has no new syntax error; None if that cannot be told.

    `trials`: of the snapshot, for who asks more than once.
    """
    edits = [edit_of(snapshot, gap, text) for gap, text in zip(gaps, texts, strict=True)]
    trials = trials or Trials(snapshot)
    # The interpreter first: what is broken takes tree-sitter ten times as long.
    return False if any(trials.python_errors(edits)) else trials.parses(edits)


def fits(snapshot: Snapshot, gaps: Sequence[Gap], tidied: Sequence[str], *, trials: Trials | None = None) -> bool:
    """Whether the file with the texts `tidied`, as it would be edited, has no syntax error to blame them for.

    An error that it had before, in or beside the top-level statements of the gaps, has to be gone too, for that may be
    what the gaps took out. Also where nothing can be told; but not where nothing remains of the texts: they will not be
    shown, whether or not the file could do without. `trials`: as in `whole`.
    """
    if not any(text.strip() for text in tidied):
        return False
    edits = [edit_of(snapshot, gap, text) for gap, text in zip(gaps, tidied, strict=True)]
    trials = trials or Trials(snapshot)
    # The interpreter first: what is broken takes tree-sitter ten times as long.
    return not any(trials.python_errors(edits, around=True)) and trials.parses(edits, cleanly=True) is not False


def offending(
    snapshot: Snapshot,
    gaps: Sequence[Gap],
    texts: Sequence[str],
    *,
    tidied: Sequence[str],
    trials: Trials | None = None,
) -> tuple[Span, ...] | None:
    """The parts of `texts` (one per gap, as the model wrote them) to blame for a syntax error; None if the texts `tidied` fit.

    Texts of which nothing remains are to blame altogether. `trials`: as in `whole`.
    """
    trials = trials or Trials(snapshot)
    if fits(snapshot, gaps, tidied, trials=trials):
        return None
    everything = tuple(Span(hole=hole, start=0, end=len(text)) for hole, text in enumerate(texts))
    if not any(text.strip() for text in tidied):
        return everything
    raw = [edit_of(snapshot, gap, text) for gap, text in zip(gaps, texts, strict=True)]
    source, places = _filled(snapshot.source, raw)
    found = list(trials.python_errors(raw)) or [None] * len(gaps)
    if not any(found):
        tree = parse(source, snapshot.language)
        found = [_touched(tree, place) for place in places] if tree else found
    spans = tuple(_spans(gaps, source, places, found, texts))
    return spans or everything


def _outside(edits: Sequence[Edit], begins: Begins) -> Begins:
    """`begins`, of bytes of the source with the edits made; what they brought is not known."""

    def moved(at: int) -> bool:
        for edit in edits:
            if at < edit.region.start:
                break
            at -= len(edit.new_text.encode()) - (edit.region.end - edit.region.start)
            if at < edit.region.end:
                return False
        return begins(at)

    return moved


def _touched(tree: Tree, place: Region) -> Region | None:
    """From the first to the last byte of `place` that an error or a missing token touches."""
    touched = [
        (max(e.start_byte - e.is_missing, place.start), min(max(e.end_byte, e.start_byte + 1), place.end))
        for e in errors(tree.root_node, Region(max(place.start - 1, 0), place.end))
    ]
    inside = [(a, b) for a, b in touched if a < b]
    return Region(min(a for a, _ in inside), max(b for _, b in inside)) if inside else None


def _spans(
    gaps: Sequence[Gap], source: bytes, places: Sequence[Region], found: Sequence[Region | None], texts: Sequence[str]
) -> Iterator[Span]:
    """The stretches to blame, in characters of the texts; where none is known, from a bracket without a partner on."""
    for hole, (gap, place, bad, text) in enumerate(zip(gaps, places, found, texts, strict=True)):
        if bad is not None:
            start = place.start + len(gap.before.encode())
            first, last = (min(_characters(source[start:at]), len(text)) for at in (bad.start, bad.end))
            yield Span(hole=hole, start=first, end=max(first, last))
        elif (unbalanced := _unbalanced(text)) is not None:
            yield Span(hole=hole, start=unbalanced, end=len(text))


def _filled(source: bytes, edits: Sequence[Edit]) -> tuple[bytes, list[Region]]:
    """The source with the edits (in the order of the file) made, and where their texts stand in it."""
    parts, places, done, length = [], [], 0, 0
    for edit in edits:
        new = edit.new_text.encode()
        parts += [source[done : edit.region.start], new]
        length += edit.region.start - done
        places.append(Region(length, length + len(new)))
        length += len(new)
        done = edit.region.end
    return rows(b"".join([*parts, source[done:]])), places


def _characters(text: bytes) -> int:
    return len(PlainText(text.decode("utf-8", "ignore")))


def _unbalanced(text: str) -> int | None:
    """Where the first bracket stands that has no partner in the text."""
    opened: list[int] = []
    for index, char in enumerate(text):
        if char in _PAIRS.values():
            opened.append(index)
        elif char in _PAIRS:
            if not opened:
                return index
            opened.pop()
    return opened[0] if opened else None
