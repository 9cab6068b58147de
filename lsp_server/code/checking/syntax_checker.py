"""What the grammar and Python say of texts in the gaps of one snapshot: for a whole request, each text is read once.

A text is judged by the errors that it brings, in the part of the file that is sound without it (`lsp_server.code.checking.scope`). Where
nobody can tell, the answer is None. The same text is asked about as the model wrote it, tidied, by filters, and to rank it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from lsp_server.code.checking.part import UNKNOWN, Part, filled
from lsp_server.code.checking.scope import JudgedScope, scope_of
from lsp_server.code.syntax.injections import embedded, open_fence
from lsp_server.code.syntax.parse import Verdict, has_error_in, parse
from lsp_server.code.text.edits import apply
from lsp_server.code.text.lines import Lines
from lsp_server.types import Edit, Region, Snapshot

if TYPE_CHECKING:
    from lsp_server.code.languages.language import Language

_NEAR_BYTES = 4_000


class SyntaxChecker:
    """Judges edits of `snapshot`. `spent`: whether the request's time is up; what is asked for the first time then
    stays unknown, so that no check goes on beyond it.
    """

    def __init__(self, snapshot: Snapshot, *, spent: Callable[[], bool] = lambda: False) -> None:
        self._snapshot, self._spent = snapshot, spent
        self._scopes: dict[Region, JudgedScope] = {}
        self._parts: dict[int, Part] = {}
        self._verdicts = dict[tuple[Edit, ...], Verdict]()

    def parses(self, edits: Sequence[Edit], *, cleanly: bool = False) -> bool | None:
        """Whether the snapshot with the edits made parses; see `lsp_server.code.syntax.parse.Verdict`."""
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
        self, edits: Sequence[Edit], ask: Callable[[Part, list[Edit]], list[Region | None]]
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
                return UNKNOWN
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
            return UNKNOWN
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

    def _by_scope(self, edits: Sequence[Edit]) -> list[tuple[JudgedScope, list[int]]]:
        """Each scope that is needed, with the numbers of the edits that lie in it."""
        found: list[JudgedScope] = []
        for edit in edits:
            scope = self._scope(edit.region)
            if scope not in found:
                found.append(scope)
        return [(scope, [n for n, edit in enumerate(edits) if scope.holds(edit)]) for scope in found]

    def _scope(self, region: Region) -> JudgedScope:
        found = self._scopes.get(region)
        if found is None:
            found = scope_of(self._snapshot, region)
            same = next((s for s in self._scopes.values() if s.is_like(found)), found)
            found = self._scopes[region] = same
        return found

    def _part(self, scope: JudgedScope) -> Part:
        found = self._parts.get(id(scope))
        if found is None:
            found = self._parts[id(scope)] = Part(scope)
        return found


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
