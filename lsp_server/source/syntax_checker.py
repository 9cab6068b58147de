"""What the grammar and Python say of texts in the gaps of one snapshot: for a whole request, each text is read once.

A text is judged by the errors that it brings, in the part of the file that is sound without it (`source.scope`). Where
nobody can tell, the answer is None. The same text is asked about as the model wrote it, tidied, by filters, and to rank it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from lsp_server.source.brackets import balance
from lsp_server.source.edits import apply
from lsp_server.source.injections import embedded, open_fence
from lsp_server.source.lines import Lines
from lsp_server.source.parse import Verdict, empty_block_at, errors, has_error_in, parse, verdict
from lsp_server.source.python_syntax import Beginnings, Begins, python_error, syntax_error
from lsp_server.source.scope import Scope, probes, scope_of, sound_with
from lsp_server.types import Edit, Region, Snapshot

if TYPE_CHECKING:
    from tree_sitter import Tree

    from lsp_server.source.language import Language

_NEAR_BYTES = 4_000
_LEXICAL_BYTES = 50_000
_UNKNOWN = Verdict(parses=None, cleanly=None)
_SOUND = Verdict(parses=True, cleanly=True, sound=None)
_BROKEN = Verdict(parses=False, cleanly=False, sound=False)


class SyntaxChecker:
    """Judges edits of `snapshot`. `spent`: whether the request's time is up; what is asked for the first time then
    stays unknown, so that no check goes on beyond it.
    """

    def __init__(self, snapshot: Snapshot, *, spent: Callable[[], bool] = lambda: False) -> None:
        self._snapshot, self._spent = snapshot, spent
        self._scopes: dict[Region, Scope] = {}
        self._parts: dict[int, _Part] = {}
        self._verdicts = dict[tuple[Edit, ...], Verdict]()

    def parses(self, edits: Sequence[Edit], *, cleanly: bool = False) -> bool | None:
        """Whether the snapshot with the edits made parses; see `source.parse.Verdict`."""
        known = self._verdict(tuple(edits))
        return known.cleanly if cleanly else known.parses

    def python_errors(self, edits: Sequence[Edit], *, around: bool = False) -> Iterator[Region | None]:
        """What `python_error` says of each edit, once all are made; nothing if no edit stands in Python."""
        return self._found(edits, lambda part, own: part.python_errors(own, around=around))

    def grammar_errors(self, edits: Sequence[Edit]) -> Iterator[Region | None]:
        """From the first to the last byte of each edit's text that an error or a missing token touches."""
        return self._found(edits, lambda part, own: part.grammar_errors(own))

    def broken_at(self, region: Region) -> bool:
        """Whether a syntax error touches the region's lines as they stand, or the blank ones around them."""
        scope = self._scope(region)
        tree, source = scope.snapshot.tree, scope.snapshot.source
        if tree is None:
            return False
        lines, by = Lines(source), scope.lead - scope.region.start
        top, bottom = lines.start_of(region.start + by), lines.end_of(region.end + by)
        above, below = source[max(top - _NEAR_BYTES, 0) : top], source[bottom : bottom + _NEAR_BYTES]
        top -= len(above) - len(above.rstrip())
        bottom += len(below) - len(below.lstrip())
        return has_error_in(tree, Region(top, bottom))

    def _found(
        self, edits: Sequence[Edit], ask: Callable[[_Part, list[Edit]], list[Region | None]]
    ) -> Iterator[Region | None]:
        if self._spent():
            return
        found: dict[int, Region | None] = {}
        _, places = filled(self._snapshot.source, edits)
        for scope, numbers in self._by_scope(edits):
            own = scope.own([edits[n] for n in numbers])
            _, inside = filled(scope.snapshot.source, own)
            for n, here, region in zip(numbers, inside, ask(self._part(scope), own), strict=False):
                by = places[n].start - here.start
                found.setdefault(n, None)
                found[n] = found[n] or (region and Region(region.start + by, region.end + by))
        if found:
            yield from (found.get(n) for n in range(len(edits)))

    def language_at(self, region: Region) -> Language:
        """The language at a place, which in a page's script is not the page's."""
        return self._scope(region).snapshot.language

    def _verdict(self, key: tuple[Edit, ...]) -> Verdict:
        known = self._verdicts.get(key)
        if known is None:
            if self._spent():
                return _UNKNOWN
            scopes = [(scope, scope.own([key[n] for n in numbers])) for scope, numbers in self._by_scope(key)]
            said = [self._part(scope).verdict(own) for scope, own in scopes]
            if any(scope.embedded for scope, _ in scopes):
                said.append(self._keeps_parts(key))
            known = self._verdicts[key] = _all(said)
        return known

    def _keeps_parts(self, edits: Sequence[Edit]) -> Verdict:
        """Whether the parts in other languages end where they did: no fill closes a script's tag, or a fence."""
        snapshot = self._snapshot
        tree = parse(apply(snapshot.source, edits), snapshot.language)
        if tree is None or snapshot.tree is None:
            return _UNKNOWN
        source = apply(snapshot.source, edits)
        before = [
            (_moved(p.region.start - 1, edits) + 1, _moved(p.region.end, edits))
            for p in embedded(snapshot.tree, snapshot.source, snapshot.language)
        ]
        after = [(p.region.start, p.region.end) for p in embedded(tree, source, snapshot.language)]
        more = tree.root_node.has_error and not snapshot.tree.root_node.has_error
        torn = open_fence(tree) and not open_fence(snapshot.tree)
        kept = before == after and not more and not torn
        return Verdict(parses=kept, cleanly=kept, sound=kept)

    def _by_scope(self, edits: Sequence[Edit]) -> list[tuple[Scope, list[int]]]:
        """Each scope that is needed, with the numbers of the edits that lie in it."""
        found: list[Scope] = []
        for edit in edits:
            scope = self._scope(edit.region)
            if scope not in found:
                found.append(scope)
        return [(scope, [n for n, edit in enumerate(edits) if scope.holds(edit)]) for scope in found]

    def _scope(self, region: Region) -> Scope:
        found = self._scopes.get(region)
        if found is None:
            found = scope_of(self._snapshot, region)
            same = next((s for s in self._scopes.values() if s.is_like(found)), found)
            found = self._scopes[region] = same
        return found

    def _part(self, scope: Scope) -> _Part:
        found = self._parts.get(id(scope))
        if found is None:
            found = self._parts[id(scope)] = _Part(scope)
        return found


class _Part:
    """One scope, and what is known of it."""

    def __init__(self, scope: Scope) -> None:
        self._snapshot, self._torn = scope.snapshot, scope.torn
        self._alone: dict[tuple[Edit, ...], bool] = {}
        self._error_in = cache(syntax_error)
        self._trusted: dict[tuple[Region, ...], bool] = {}

    @cached_property
    def _beginnings(self) -> Beginnings:
        return Beginnings(self._snapshot.source, self._snapshot.tree)

    def verdict(self, edits: Sequence[Edit]) -> Verdict:
        snapshot = self._snapshot
        if snapshot.tree is None:
            return _UNKNOWN if self._balanced(edits) else Verdict(parses=None, cleanly=False)
        if self._sound_alone(edits):
            return _SOUND
        found = verdict(snapshot, edits)
        if snapshot.language.name == "python" and found.parses and self._distrusted(edits):
            empty = empty_block_at(snapshot, edits)
            return _BROKEN if empty else found
        if snapshot.language.name == "markdown" and found.parses and snapshot.tree is not None:
            tree = parse(apply(snapshot.source, edits), snapshot.language)
            if tree is not None and open_fence(tree) and not open_fence(snapshot.tree):
                return _BROKEN
        return found

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
        return _unpaired(apply(before, near), self._snapshot.language) <= _unpaired(before, self._snapshot.language)

    def python_errors(self, edits: Sequence[Edit], *, around: bool) -> list[Region | None]:
        """See `SyntaxChecker.python_errors`; empty in another language."""
        if self._snapshot.language.name != "python":
            return []
        found = list(self._python_errors(edits, around=around))
        if any(found) and self._sound_alone(edits):
            return [None] * len(edits)
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


def _unpaired(source: bytes, language: Language) -> int:
    found = balance(source.decode("utf-8", "replace"), language)
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


def _moved(offset: int, edits: Sequence[Edit]) -> int:
    """Where the byte at `offset` is once the edits are made: behind what is put there."""
    return offset + sum(
        len(e.new_text.encode()) - (e.region.end - e.region.start) for e in edits if e.region.start <= offset
    )


def _all(said: Sequence[Verdict]) -> Verdict:
    """One verdict of several: what any of them denies is denied, what one does not know is unknown."""
    return Verdict(
        parses=_both([v.parses for v in said]),
        cleanly=_both([v.cleanly for v in said]),
        sound=_both([v.sound for v in said]),
    )


def _both(said: Sequence[bool | None]) -> bool | None:
    if False in said:
        return False
    return None if None in said or not said else True


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
