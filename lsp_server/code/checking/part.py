"""One part of a file, judged by itself: what its grammar says of a text, and Python where it is Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from lsp_server.code.checking.scope import JudgedScope, probes, sound_with
from lsp_server.code.languages.brackets import balance, code_before
from lsp_server.code.syntax.injections import open_fence
from lsp_server.code.syntax.parse import Verdict, empty_block_at, errors, parse, verdict
from lsp_server.code.syntax.python_syntax import Beginnings, Begins, python_error, syntax_error
from lsp_server.code.text.edits import apply
from lsp_server.types import Edit, Region

if TYPE_CHECKING:
    from tree_sitter import Tree

    from lsp_server.code.languages.language import Language

UNKNOWN = Verdict(parses=None, cleanly=None)
_LEXICAL_BYTES = 50_000
_SOUND = Verdict(parses=True, cleanly=True, sound=None)
_BROKEN = Verdict(parses=False, cleanly=False, sound=False)
_DOUBTFUL = Verdict(parses=None, cleanly=False)


class Part:
    """One scope, and what is known of it."""

    def __init__(self, scope: JudgedScope) -> None:
        self._snapshot, self._torn, self._owes = scope.snapshot, scope.torn, scope.owes
        self._unpaired = scope.unpaired
        self._alone: dict[tuple[Edit, ...], bool] = {}
        self._error_in = cache(syntax_error)
        self._trusted: dict[tuple[Region, ...], bool] = {}

    @cached_property
    def _beginnings(self) -> Beginnings:
        return Beginnings(self._snapshot.source, self._snapshot.tree)

    def verdict(self, edits: Sequence[Edit]) -> Verdict:
        snapshot = self._snapshot
        if snapshot.tree is None:
            return UNKNOWN if self._balanced(edits) else Verdict(parses=None, cleanly=False)
        if self._torn:
            return self._verdict_amid_errors(edits)
        found = verdict(snapshot, edits)
        if snapshot.language.name == "python" and found.parses and self._distrusted(edits):
            empty = empty_block_at(snapshot, edits)
            return _BROKEN if empty else found
        if snapshot.language.name == "markdown" and found.parses and snapshot.tree is not None:
            tree = parse(apply(snapshot.source, edits), snapshot.language)
            if tree is not None and open_fence(tree) and not open_fence(snapshot.tree):
                return _BROKEN
        return found

    def _verdict_amid_errors(self, edits: Sequence[Edit]) -> Verdict:
        """What little can be said where the file is torn: what is sound by itself is right, brackets without a partner
        are wrong, and so is what does not open what is closed below. Nobody knows of the rest. Where brackets stand around
        the gap without a partner, the text is probably what should pair them: one that is known to be sound is better.
        """
        if self._sound_alone(edits):
            return _SOUND
        if any(self._leaves_brackets(edit) for edit in edits):
            return _BROKEN
        return _DOUBTFUL if self._unpaired else UNKNOWN

    def _leaves_brackets(self, edit: Edit) -> bool:
        """Whether the text leaves more brackets without a partner than there were, or does not open what is closed below."""
        source, language = self._snapshot.source, self._snapshot.language
        above = code_before(_text(source[: edit.region.start]), language)
        below = _text(source[edit.region.end :])
        had, has = balance(above + below, language), balance(above + edit.new_text + below, language)
        if self._owes:
            return len(has.opened) + len(has.closed) >= len(had.opened) + len(had.closed)
        return len(has.opened) > len(had.opened) or len(has.closed) > len(had.closed)

    def _sound_alone(self, edits: Sequence[Edit]) -> bool:
        """Whether a statement around the one text is sound, where the file is torn so that nothing else is known."""
        if not self._torn or len(edits) != 1 or self._snapshot.tree is None:
            return False
        key = tuple(edits)
        if key not in self._alone:
            source, (place,) = filled(self._snapshot.source, edits)
            self._alone[key] = sound_with(replace(self._snapshot, source=source), place)
        return self._alone[key]

    def _balanced(self, edits: Sequence[Edit]) -> bool:
        """Whether the edits leave no more brackets without a partner than there were, in a language without a grammar."""
        first, last = min(e.region.start for e in edits), max(e.region.end for e in edits)
        start, end = max(0, first - _LEXICAL_BYTES), last + _LEXICAL_BYTES
        near = [replace(e, region=Region(e.region.start - start, e.region.end - start)) for e in edits]
        before = self._snapshot.source[start:end]
        after, language = apply(before, near), self._snapshot.language
        return _unpaired(_text(after), language) <= _unpaired(_text(before), language)

    def python_errors(self, edits: Sequence[Edit], *, around: bool) -> list[Region | None]:
        """See `SyntaxChecker.python_errors`; empty in another language."""
        if self._snapshot.language.name != "python":
            return []
        if self._torn:
            return [None] * len(edits)
        found = list(self._python_errors(edits, around=around))
        return found if not any(found) or self._trusts(edits) else [None] * len(edits)

    def grammar_errors(self, edits: Sequence[Edit]) -> list[Region | None]:
        """See `SyntaxChecker.grammar_errors`."""
        source, places = filled(self._snapshot.source, edits)
        tree = parse(source, self._snapshot.language)
        return [_touched(tree, place) for place in places] if tree is not None else []

    def _python_errors(self, edits: Sequence[Edit], *, around: bool) -> Iterator[Region | None]:
        source, places = filled(self._snapshot.source, edits)
        first, last = _outside(edits, self._beginnings.first), _outside(edits, self._beginnings.last)
        for place in places:
            yield python_error(source, place, around=around, first=first, last=last, error_in=self._error_in)

    def _trusts(self, edits: Sequence[Edit]) -> bool:
        """Whether Python reads what stands around the edits, once their lines are replaced by what it knows.

        If it finds an error there even so, though the grammar finds none, the file is for another Python.
        """
        key = tuple(edit.region for edit in edits)
        if key not in self._trusted:
            stand_ins = [[*probes(self._snapshot, edit.region)] for edit in edits]
            as_is = [Edit(region=r, new_text=self._snapshot.text(r), version=None) for r in key]
            tried = [as_is, *(list(one) for one in zip(*stand_ins, strict=False))]
            tried = [one for one in tried if all(a.region.end <= b.region.start for a, b in pairwise(one))]
            elsewhere = all(
                any(self._python_errors(one, around=True)) and not any(self._python_errors(one, around=False))
                for one in tried
            )
            sound = elsewhere and any(verdict(self._snapshot, one).sound for one in tried)
            self._trusted[key] = not sound
        return self._trusted[key]

    def _distrusted(self, edits: Sequence[Edit]) -> bool:
        return self._trusted.get(tuple(edit.region for edit in edits)) is False


def _text(source: bytes) -> str:
    return source.decode("utf-8", "replace")


def _unpaired(text: str, language: Language) -> int:
    found = balance(text, language)
    return len(found.opened) + len(found.closed)


def filled(source: bytes, edits: Sequence[Edit]) -> tuple[bytes, list[Region]]:
    """The source with the edits (in the order of the file) made, and where their texts stand in it."""
    parts, places, done, length = [], [], 0, 0
    for edit in edits:
        new = edit.new_text.encode()
        parts += [source[done : edit.region.start], new]
        length += edit.region.start - done
        places.append(Region(length, length + len(new)))
        length += len(new)
        done = edit.region.end
    return b"".join([*parts, source[done:]]), places


def _touched(tree: Tree, place: Region) -> Region | None:
    """From the first to the last byte of `place` that an error or a missing token touches."""
    touched = [
        (max(e.start_byte - e.is_missing, place.start), min(max(e.end_byte, e.start_byte + 1), place.end))
        for e in errors(tree.root_node, Region(max(place.start - 1, 0), place.end))
    ]
    inside = [(a, b) for a, b in touched if a < b]
    return Region(min(a for a, _ in inside), max(b for _, b in inside)) if inside else None


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
