"""Fills that a command or a code action makes: where they are to go while the user types on, and what else they might be.

The latest fill of a document can be replaced by its other candidates for as long as nobody edits it. It counts as
applied once the document reads as it would with the fill: however the editor puts it there, and whenever. So can
a suggestion that was accepted: one that was shown, if the document's very next change makes it read so.
"""

from __future__ import annotations

from collections.abc import Sequence

from lsp_server.code.text.rebase import Places
from lsp_server.suggestions.choice import Choice
from lsp_server.suggestions.delivery import Delivery
from lsp_server.types import Edit, Region, Snapshot


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
        if choice is not None:
            choice.edited(region, text)
        for sent, delivery in self._sent.get(uri, ()):
            if delivery.edited(region, text) and sent is not None:
                sent.stands(delivery.places())
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
                sent.stands(delivery.places())
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
