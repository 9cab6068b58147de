"""What becomes of the suggestions that were sent: shown, accepted (in part), rejected.

Some clients tell. Of the others the text does: what is sent is shown, and what the document's next change makes of it
was accepted. Whatever tells first counts, and nothing is counted twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lsp_server.feedback.kept import Kept
from lsp_server.feedback.metrics import Metrics

_MOST_DOCUMENTS = 64


@dataclass(frozen=True, kw_only=True)
class _Offer:
    """One of `texts`, of which the first is shown, may be put at byte `start`.

    `shown`: it is counted as that. `taken`: a part of the first has been put there already. `seen`: the text told that one was.
    """

    texts: tuple[str, ...]
    start: int
    shown: bool = False
    taken: bool = False
    seen: bool = False


class Acceptance:
    """Counts by the latest suggestion of each document; a client names the document only."""

    def __init__(self, metrics: Metrics, kept: Kept) -> None:
        self._metrics, self._kept = metrics, kept
        self._offers: dict[str, _Offer] = {}
        self._tells_shown = self._tells_accepted = False

    def offered(self, uri: str, texts: Sequence[str], start: int) -> None:
        """`texts` were sent as the suggestions for byte `start`."""
        self._offers.pop(uri, None)
        self._offers[uri] = _Offer(texts=tuple(texts), start=start, shown=not self._tells_shown)
        if not self._tells_shown:
            self._count_shown(texts[0])
        while len(self._offers) > _MOST_DOCUMENTS:
            del self._offers[next(iter(self._offers))]

    def shown(self, uri: str) -> None:
        """The editor shows it, says the editor."""
        self._tells_shown = True
        offer = self._offers.get(uri)
        if offer is None or not offer.shown:
            self._count_shown(offer.texts[0] if offer else "")

    def seen(self, uri: str, item: int) -> None:
        """The document reads as with that one of the suggestions accepted as a whole."""
        offer = self._offers.get(uri)
        if offer is None or self._tells_accepted or item >= len(offer.texts):
            return
        self._take(uri, offer, offer.texts[item])
        self._offers[uri] = replace(offer, seen=True)

    def accepted(self, uri: str, length_utf16: int | None, *, item: int = 0) -> None:
        """The user took the first `length_utf16` UTF-16 units of it (None: all), says the editor. Parts may be taken one by one."""
        self._tells_accepted = True
        offer = self._offers.pop(uri, None)
        if offer is not None and offer.seen:
            return
        if offer is None:
            self._metrics.count("accepted")
            self._metrics.count("accepted characters", max(length_utf16 or 0, 0))
            return
        whole = offer.texts[item if 0 <= item < len(offer.texts) else 0]
        units = whole.encode("utf-16-le")
        end = len(units) if length_utf16 is None else 2 * max(length_utf16, 0)
        text = units[:end].decode("utf-16-le", "ignore")
        self._take(uri, offer, text)
        if rest := whole[len(text) :]:
            self._offers[uri] = _Offer(texts=(rest,), start=offer.start + len(text.encode()), shown=True, taken=True)

    def rejected(self, uri: str) -> None:
        """The user turned it away."""
        self._offers.pop(uri, None)
        self._metrics.count("rejected")

    def _take(self, uri: str, offer: _Offer, text: str) -> None:
        if not offer.taken:
            self._metrics.count("accepted")
        self._metrics.count("accepted characters", len(text))
        self._kept.watch(uri, text, offer.start)

    def _count_shown(self, text: str) -> None:
        self._metrics.count("shown")
        self._metrics.count("shown characters", len(text))
