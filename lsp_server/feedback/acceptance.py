"""What becomes of the suggestions that were sent: shown, accepted (in part), rejected.

A suggestion is what is offered at one place: its other texts, and what is left of it once a part was typed or accepted, are
the same one. It is counted once as shown, with its characters then, and once as accepted, with those of all parts that were. What is
accepted was shown, however briefly: so there are never more accepted than shown, neither suggestions nor characters.

Some clients tell. Of the others the text does: what is sent is shown, and what the document's next change makes of it
was accepted. Whatever tells first counts; no insertion counts twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lsp_server.feedback.kept import Kept
from lsp_server.feedback.metrics import Metrics
from lsp_server.types import Region

_MOST_DOCUMENTS = 64
_LATEST = 2  # an editor may ask for the next suggestion before it tells what became of this one


@dataclass(kw_only=True, eq=False)
class _Offer:
    """One of `texts`, of which the first is shown, may stand from byte `start` on; what is before byte `at` stands there."""

    number: int
    texts: tuple[str, ...]
    start: int
    at: int
    shown_characters: int = 0
    accepted_characters: int = 0

    def left(self, item: int) -> str:
        """What is still to come of a text."""
        text = self.texts[item if 0 <= item < len(self.texts) else 0]
        return text.encode()[self.at - self.start :].decode("utf-8", "ignore")

    def goes_on(self, texts: Sequence[str], start: int, source: bytes) -> bool:
        """Whether the first of `texts`, offered for byte `start` of `source`, is what is left of one of these."""
        head = source[self.start : start]
        return start >= self.start and any(text.encode() == head + texts[0].encode() for text in self.texts)

    def item_of(self, insertion: _Insertion) -> int | None:
        """Which of the texts the insertion puts there, or a part of it; None if it does something else."""
        by, new = insertion.start - self.start, insertion.text.encode()
        there = (item for item, text in enumerate(self.texts) if text.encode().startswith(new, by))
        return next(there, None) if new and by >= 0 else None

    def edited(self, region: Region, new: bytes) -> None:
        """Go with the text when something above is edited, and on when the next of one of the texts is put there."""
        here = Region(self.at, self.at)
        if region == here and any(text.encode().startswith(new, self.at - self.start) for text in self.texts):
            self.at += len(new)
        elif region.end <= self.start and region != here:
            by = len(new) - (region.end - region.start)
            self.start, self.at = self.start + by, self.at + by

    def put(self, insertion: _Insertion) -> None:
        """What is accepted begins where the insertion does, or behind what stood there and was put there once more."""
        self.at = max(insertion.start, min(insertion.end, self.at))


@dataclass(frozen=True, kw_only=True)
class _Insertion:
    """`text` has taken the place of bytes `start` to `end`."""

    start: int
    end: int
    text: str


@dataclass(kw_only=True, eq=False)
class _Document:
    """The latest offers of a document, the newest last, and what was inserted last; `counted`: that was told as accepted."""

    offers: list[_Offer] = field(default_factory=list)
    insertion: _Insertion | None = None
    counted: bool = False


class Acceptance:
    """Counts by the latest suggestions of each document; a client names the document only."""

    def __init__(self, metrics: Metrics, kept: Kept) -> None:
        self._metrics, self._kept = metrics, kept
        self._documents: dict[str, _Document] = {}
        self._numbers = 0
        self._tells_shown = False

    def offered(self, uri: str, texts: Sequence[str], start: int, source: bytes) -> int:
        """`texts` were sent as the suggestions for byte `start` of `source`. Returns the suggestion's number."""
        document = self._documents.pop(uri, None) or _Document()
        self._documents[uri] = document
        while len(self._documents) > _MOST_DOCUMENTS:
            del self._documents[next(iter(self._documents))]
        offer = document.offers[-1] if document.offers else None
        if offer is not None and offer.goes_on(texts, start, source):
            head = source[offer.start : start].decode()
            offer.texts, offer.at = tuple(head + text for text in texts), start
        else:
            self._numbers += 1
            offer = _Offer(number=self._numbers, texts=tuple(texts), start=start, at=start)
            document.offers = [*document.offers, offer][-_LATEST:]
        if not self._tells_shown:
            self._count_shown(offer, len(texts[0]))
        return offer.number

    def shown(self, uri: str) -> None:
        """The editor shows the latest, says the editor."""
        self._tells_shown = True
        document = self._documents.get(uri)
        if document is not None and document.offers:
            offer = document.offers[-1]
            self._count_shown(offer, len(offer.left(0)))

    def edited(self, uri: str, region: Region | None, text: str) -> None:
        """`text` has taken the place of `region` (None: of everything)."""
        document = self._documents.get(uri)
        if document is None:
            return
        document.insertion, document.counted = None, False
        if region is None:
            return
        new = text.encode("utf-8", "replace")
        for offer in document.offers:
            offer.edited(region, new)
        document.insertion = _Insertion(start=region.start, end=region.end, text=new.decode())

    def seen(self, uri: str, item: int) -> None:
        """The document reads as with that one of the suggestions accepted as a whole. One character is as well typed."""
        document = self._documents.get(uri)
        if document is None or (document.insertion is not None and len(document.insertion.text) == 1):
            return
        self.accepted(uri, None, item=item)
        document.counted = True

    def accepted(self, uri: str, length_utf16: int | None, *, item: int = 0, number: int | None = None) -> None:
        """The user took `length_utf16` UTF-16 units of it (None: all that was left). Parts may be taken one by one.

        `number`: which suggestion, if that is known. What was never offered, or counted already, counts for nothing.
        """
        document = self._documents.get(uri)
        if document is None or document.counted:
            return
        offers = [offer for offer in document.offers if number in (None, offer.number)]
        if not offers:
            return
        offer = offers[-1]
        if document.insertion is not None:
            for one in reversed(offers):
                found = one.item_of(document.insertion)
                if found is not None:
                    offer, item = one, item if length_utf16 is None else found
                    offer.put(document.insertion)
                    document.counted = True
                    break
        left = offer.left(item)
        end = None if length_utf16 is None else 2 * max(length_utf16, 0)
        self._take(uri, offer, left.encode("utf-16-le")[:end].decode("utf-16-le", "ignore"))
        if not offer.left(item):
            document.offers.remove(offer)

    def rejected(self, uri: str) -> None:
        """The user turned the latest away, or what was left of it."""
        document = self._documents.get(uri)
        if document is not None and document.offers:
            offer = document.offers.pop()
            if not offer.accepted_characters:
                self._metrics.count("rejected")

    def forget(self, uri: str) -> None:
        """The document was opened or closed."""
        self._documents.pop(uri, None)

    def _take(self, uri: str, offer: _Offer, text: str) -> None:
        if not text:
            return
        if not offer.accepted_characters:
            self._metrics.count("accepted")
        room = max(len(whole) for whole in offer.texts) - offer.accepted_characters  # undone, and accepted again
        new = min(len(text), room)
        offer.accepted_characters += new
        self._metrics.count("accepted characters", new)
        self._count_shown(offer, offer.accepted_characters)
        self._kept.watch(uri, text, offer.at)
        offer.at += len(text.encode())

    def _count_shown(self, offer: _Offer, characters: int) -> None:
        if not offer.shown_characters:
            self._metrics.count("shown")
        if characters > offer.shown_characters:
            self._metrics.count("shown characters", characters - offer.shown_characters)
            offer.shown_characters = characters
