"""Fills that a command or a code action makes: where they are to go while the user types on, and what else they might be.

The latest fill of a document can be replaced by its other candidates for as long as nobody edits it. It counts as
applied once the document reads as it would with the fill: however the editor puts it there, and whenever. So can
a suggestion that was accepted: one that was shown, if the document's very next change makes it read so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lsp_server.code.text.edits import apply, edit_of
from lsp_server.code.text.rebase import Places
from lsp_server.suggestions.delivery import Delivery, regions_after
from lsp_server.suggestions.question import Question
from lsp_server.suggestions.suggestion import Suggestion
from lsp_server.types import Edit, Gap, Region, Snapshot
from model.text import PlainText
from model.types import Candidate


@dataclass(kw_only=True, eq=False)
class Choice:
    """The candidates for `gaps` of `snapshot`, the document before the fill; `index`: which one stands there.

    `expected`: of each candidate, what the document reads like with it, and where it stands then. `places`: where it
    stands in the document as it is; None as long as it is not there, and when it was edited. `asked`: whether the model
    was asked for more.
    """

    snapshot: Snapshot
    gaps: tuple[Gap, ...]
    candidates: tuple[Candidate, ...]
    index: int = 0
    asked: bool = False
    expected: tuple[tuple[bytes, tuple[Region, ...]], ...] = field(default=(), repr=False)
    places: Places | None = None

    def texts(self, index: int) -> tuple[str, ...]:
        """What stands in the places with that candidate, line ends as in the file, and the gaps' closers behind it."""
        pairs = zip(self.gaps, self._first_edits(index), strict=True)
        return tuple(edit.new_text + gap.closers[edit.region.end - gap.region.end :] for gap, edit in pairs)

    def edits(self, index: int, now: Snapshot) -> tuple[Edit, ...] | None:
        """The edits that put another candidate into the places, as `now` is; None if the places are not known."""
        regions = self.places.now if self.places is not None else None
        if regions is None:
            return None
        return tuple(
            Edit(region=region, new_text=text, version=now.version)
            for region, text in zip(regions, self.texts(index), strict=True)
        )

    def expect(self, edits: Sequence[Edit], source: bytes) -> None:
        """The editor is to make `edits` of `source`, which put the candidate of `index` there.

        The other candidates are expected too: undo and redo bring them back.
        """
        expected = []
        for index in range(len(self.candidates)):
            texts = (edit.new_text for edit in edits) if index == self.index else self.texts(index)
            with_it = [replace(edit, new_text=text) for edit, text in zip(edits, texts, strict=True)]
            expected.append((apply(source, with_it), regions_after(with_it)))
        self.places, self.expected = None, tuple(expected)

    def recognise(self, source: bytes) -> None:
        """If the document reads as it does with one of the candidates, that one stands there from now on."""
        found = [index for index, (text, _) in enumerate(self.expected) if text == source]
        if found:
            self.index = self.index if self.index in found else found[0]
            self.places = Places(self.expected[self.index][1])

    def accepted(self, index: int, source: bytes) -> bool:
        """Whether `source` is the snapshot with that candidate; if so, it is what stands there from now on."""
        (edit,) = edits = self._first_edits(index)
        start = edit.region.start
        # The texts are compared as a whole only where they begin alike.
        if not source.startswith(edit.new_text.encode(), start) or source != apply(self.snapshot.source, edits):
            return False
        (text,) = self.texts(index)
        self.index, self.places = index, Places([Region(start, start + len(text.encode()))])
        return True

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


class Fills:
    """Of one connection: the fills under way, the latest one of each document, and the suggestions that it shows."""

    def __init__(self) -> None:
        self._running: dict[str, Places] = {}
        self._latest: dict[str, Choice] = {}
        self._shown: dict[str, tuple[Choice, int]] = {}
        self._sent: dict[str, list[tuple[Choice | None, Delivery]]] = {}
        self._last = ""

    def begin(self, uri: str, regions: Sequence[Region]) -> Places:
        """A fill of `regions` is being made: where they are by the time it is done."""
        self._running[uri] = places = Places(regions)
        return places

    def end(self, uri: str, places: Places) -> None:
        """It is done, or was given up."""
        if self._running.get(uri) is places:
            del self._running[uri]

    def edited(self, uri: str, region: Region | None, text: str) -> bool:
        """Whether the fill that is being made goes on although `text` has just taken the place of `region`.

        It does if the edit touches none of its gaps; False too if there is no such fill.
        """
        choice = self._latest.get(uri)
        if choice is not None and choice.places is not None and not choice.places.edited(region, text):
            choice.places = None  # somebody has edited it: it is theirs now
        for sent, delivery in self._sent.get(uri, ()):
            if delivery.edited(region, text) and sent is not None:
                sent.places = delivery.places()
        running = self._running.get(uri)
        return running is not None and running.edited(region, text)

    def shown(self, uri: str, choice: Choice, *, count: int) -> None:
        """The editor shows the first `count` candidates as suggestions: with its next edit it may put one there."""
        self._shown[uri] = choice, count

    def changed(self, now: Snapshot) -> int | None:
        """The document is now so: perhaps the fill has come to stand in it.

        Returns which of the suggestions was accepted just now; None if none was.
        """
        suggested, count = self._shown.pop(now.uri, (None, 0))
        accepted = None
        if suggested is not None:
            accepted = next((index for index in range(count) if suggested.accepted(index, now.source)), None)
            if accepted is not None:
                self._latest[now.uri], self._last = suggested, now.uri
        for sent, delivery in self._sent.get(now.uri, ()):
            if delivery.changed() and sent is not None:
                sent.places = delivery.places()
        choice = self._latest.get(now.uri)
        if choice is not None:
            choice.recognise(now.source)
        return accepted

    def made(self, choice: Choice, edits: Sequence[Edit], now: Snapshot) -> None:
        """The editor gets `edits` of `now`, which put the choice's candidate there."""
        self._latest[now.uri], self._last = choice, now.uri
        choice.expect(edits, now.source)

    def send(self, choice: Choice, edits: Sequence[Edit], now: Snapshot) -> Delivery:
        """The edits are being sent to the editor: what tells whether they come to stand in the document."""
        self.made(choice, edits, now)
        return self.follow(edits, now, choice)

    def follow(self, edits: Sequence[Edit], now: Snapshot, choice: Choice | None = None) -> Delivery:
        """The same for edits that are no fill, if they belong to no `choice`."""
        delivery = Delivery(edits, now.source)
        self._sent.setdefault(now.uri, []).append((choice, delivery))
        return delivery

    def settled(self, uri: str, delivery: Delivery) -> None:
        """Nobody waits for it any more."""
        others = [pair for pair in self._sent.pop(uri, ()) if pair[1] is not delivery]
        if others:
            self._sent[uri] = others

    def latest(self, uri: str | None) -> Choice | None:
        """The latest fill of a document; None: of the document that was filled last."""
        return self._latest.get(self._last if uri is None else uri)

    def forget(self, uri: str) -> None:
        """The document was closed."""
        self._latest.pop(uri, None)
        self._shown.pop(uri, None)
        self._running.pop(uri, None)
        for _, delivery in self._sent.pop(uri, ()):
            delivery.close()
