"""The candidates of a fill or a suggestion, and which of them stands where in the document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from lsp_server.code.text.edits import apply, edit_of
from lsp_server.code.text.rebase import Places
from lsp_server.suggestions.delivery import regions_after
from lsp_server.suggestions.question import Question
from lsp_server.suggestions.suggestion import Suggestion
from lsp_server.types import Edit, Gap, Region, Snapshot
from model.text import PlainText
from model.types import Candidate


@dataclass(kw_only=True, eq=False)
class Choice:
    """The candidates for `gaps` of `snapshot`, the document before the fill; `index`: which one stands there.

    It is told what is sent to the editor and what the document reads like, and knows from that what stands where.
    `_expected`: of each candidate, what the document reads like with it, and where it stands then. `_asked`: whether the
    model was asked for more. `_before`: which candidate stood there before the last turn.
    """

    snapshot: Snapshot
    gaps: tuple[Gap, ...]
    candidates: tuple[Candidate, ...]
    index: int = field(default=0, init=False)
    _before: int = field(default=0, init=False)
    _asked: bool = field(default=False, init=False)
    _expected: tuple[tuple[bytes, tuple[Region, ...]], ...] = field(default=(), init=False, repr=False)
    _places: Places | None = field(default=None, init=False)

    @property
    def regions(self) -> tuple[Region, ...] | None:
        """Where it stands in the document as it is; None as long as it is not there, and once it was edited."""
        return self._places.now if self._places is not None else None

    @property
    def chosen(self) -> Candidate:
        """The candidate that stands there, or is on its way."""
        return self.candidates[self.index]

    @property
    def may_grow(self) -> bool:
        """Whether the model is to be asked for more: there is but one, which stands there, and nobody has asked before."""
        return len(self.candidates) == 1 and not self._asked and self.regions is not None

    def grow(self, more: Iterable[Candidate]) -> None:
        """The model was asked for more: those that are new come behind the others."""
        known = {candidate.texts for candidate in self.candidates}
        self.candidates += tuple(candidate for candidate in more if candidate.texts not in known)
        self._asked = True

    def texts(self, index: int) -> tuple[str, ...]:
        """What stands in the places with that candidate, line ends as in the file, and the gaps' closers behind it."""
        pairs = zip(self.gaps, self._first_edits(index), strict=True)
        return tuple(edit.new_text + gap.closers[edit.region.end - gap.region.end :] for gap, edit in pairs)

    def edits(self, index: int, now: Snapshot) -> tuple[Edit, ...] | None:
        """The edits that put a candidate where one stands in `now`; None if none is known to."""
        return None if self.regions is None else self._edits_at(self.regions, index, now.version)

    def turn(self, index: int) -> None:
        """The editor is asked to put that candidate in place of the one that stands there."""
        self._before, self.index = self.index, index

    def turn_back(self, regions: Sequence[Region] | None, source: bytes) -> None:
        """The editor did not: the candidate before the turn stands in those regions of `source`, if they are known."""
        self.index = self._before
        if regions is not None:
            self.expect(self._edits_at(regions, self.index, None), source)
            self.recognise(source)

    def expect(self, edits: Sequence[Edit], source: bytes) -> None:
        """The editor is to make `edits` of `source`, which put the candidate of `index` there.

        The other candidates are expected too: undo and redo bring them back.
        """
        expected = []
        for index in range(len(self.candidates)):
            texts = (edit.new_text for edit in edits) if index == self.index else self.texts(index)
            with_it = [replace(edit, new_text=text) for edit, text in zip(edits, texts, strict=True)]
            expected.append((apply(source, with_it), regions_after(with_it)))
        self._places, self._expected = None, tuple(expected)

    def recognise(self, source: bytes) -> None:
        """If the document reads as it does with one of the candidates, that one stands there from now on."""
        found = [index for index, (text, _) in enumerate(self._expected) if text == source]
        if found:
            self.index = self.index if self.index in found else found[0]
            self.stands(Places(self._expected[self.index][1]))

    def stands(self, places: Places | None) -> None:
        """The candidate stands there in the document, as it was seen (None: it was seen, and edited since)."""
        self._places = places

    def edited(self, region: Region | None, text: str) -> None:
        """`text` has taken the place of `region` of the document. What somebody has edited is theirs from then on."""
        if self._places is not None and not self._places.edited(region, text):
            self._places = None

    def accepted(self, index: int, source: bytes) -> bool:
        """Whether `source` is the snapshot with that candidate; if so, it is what stands there from now on."""
        (edit,) = edits = self._first_edits(index)
        start = edit.region.start
        # The texts are compared as a whole only where they begin alike.
        if not source.startswith(edit.new_text.encode(), start) or source != apply(self.snapshot.source, edits):
            return False
        (text,) = self.texts(index)
        self.index = index
        self.stands(Places([Region(start, start + len(text.encode()))]))
        return True

    def _edits_at(self, regions: Sequence[Region], index: int, version: int | None) -> tuple[Edit, ...]:
        pairs = zip(regions, self.texts(index), strict=True)
        return tuple(Edit(region=region, new_text=text, version=version) for region, text in pairs)

    def _first_edits(self, index: int) -> tuple[Edit, ...]:
        """The edits of the snapshot that put the candidate there."""
        pairs = zip(self.gaps, self.candidates[index].texts, strict=True)
        return tuple(edit_of(self.snapshot, gap, text) for gap, text in pairs)


def choice_of(question: Question, suggestions: Sequence[Suggestion]) -> Choice:
    """The suggestions as candidates for the question's hole, in their order."""
    candidates = tuple(
        Candidate(texts=(PlainText(s.text),), confidences=(s.confidence,), confidence=s.confidence) for s in suggestions
    )
    return Choice(snapshot=question.snapshot, gaps=(question.gap,), candidates=candidates)
