"""What becomes of the suggestions that were sent: shown, accepted (in part), rejected."""

from __future__ import annotations

from dataclasses import dataclass

from lsp_server.feedback.kept import Kept
from lsp_server.feedback.metrics import Metrics

_MOST_DOCUMENTS = 64


@dataclass(frozen=True, kw_only=True)
class _Offer:
    """`text` may be put at byte `start`; `taken`: a part of it has been already."""

    text: str
    start: int
    taken: bool = False


class Acceptance:
    """Counts by the latest suggestion of each document; a client names the document only."""

    def __init__(self, metrics: Metrics, kept: Kept) -> None:
        self._metrics, self._kept = metrics, kept
        self._offers: dict[str, _Offer] = {}

    def offered(self, uri: str, text: str, start: int) -> None:
        """`text` was sent as the first suggestion for byte `start`."""
        self._offers.pop(uri, None)
        self._offers[uri] = _Offer(text=text, start=start)
        while len(self._offers) > _MOST_DOCUMENTS:
            del self._offers[next(iter(self._offers))]

    def shown(self, uri: str) -> None:
        """The editor shows it."""
        offer = self._offers.get(uri)
        self._metrics.count("shown")
        self._metrics.count("shown characters", len(offer.text) if offer else 0)

    def accepted(self, uri: str, length_utf16: int | None) -> None:
        """The user took the first `length_utf16` UTF-16 units of it (None: all). Parts may be taken one by one."""
        offer = self._offers.pop(uri, None)
        if offer is None:
            self._metrics.count("accepted")
            self._metrics.count("accepted characters", max(length_utf16 or 0, 0))
            return
        units = offer.text.encode("utf-16-le")
        end = len(units) if length_utf16 is None else 2 * max(length_utf16, 0)
        text = units[:end].decode("utf-16-le", "ignore")
        if not offer.taken:
            self._metrics.count("accepted")
        self._metrics.count("accepted characters", len(text))
        self._kept.watch(uri, text, offer.start)
        if rest := offer.text[len(text) :]:
            self._offers[uri] = _Offer(text=rest, start=offer.start + len(text.encode()), taken=True)

    def rejected(self, uri: str) -> None:
        """The user turned it away."""
        self._offers.pop(uri, None)
        self._metrics.count("rejected")
