"""Read-ahead: while nobody waits for a fill, the model reads the text around the place where one will be asked for.

That place is where the cursor rests, as far as the editor tells (`dlm/cursor`, code actions, requests, edits); the newest
one counts. A fill that is asked for stops the reading within a slice of some 30 ms, and it goes on afterwards where it was:
what is typed before the cursor leaves what was read valid.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from lsp_server.session.session import Session
from lsp_server.transforms.complete import complete
from lsp_server.types import Cells, Region, Snapshot
from lsp_server.window import read_ahead
from model.types import Cancelled, Filler

RESTS_AFTER_S = 0.1
"""A cursor that stands at one place for so long rests there: who moves on line by line has nothing read."""
SETTLES_AFTER_S = 0.02
"""After an edit reading begins so much later: the request for a suggestion that mostly follows it comes first."""


@dataclass(frozen=True, kw_only=True)
class _Place:
    uri: str
    offset: int


class ReadAhead:
    """What is read ahead in one connection. For the event loop's thread."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._place: _Place | None = None
        self._after_s = 0.0
        self._reading: asyncio.Task[None] | None = None

    def rests(self, uri: str, offset: int) -> None:
        """The cursor has come to byte `offset` of the document."""
        place = _Place(uri=uri, offset=offset)
        if place != self._place:
            self._session.jobs.stop_reading()
            self._go(place, after_s=RESTS_AFTER_S)

    def edited(self, uri: str, offset: int) -> None:
        """Text was typed that ends at byte `offset` of the document: more may follow there."""
        self._go(_Place(uri=uri, offset=offset), after_s=SETTLES_AFTER_S)

    def wanted(self, uri: str, offset: int) -> None:
        """A suggestion was asked for there, and the model had not read the text around."""
        self._go(_Place(uri=uri, offset=offset), after_s=0.0)

    def again(self) -> None:
        """Something else was read meanwhile: see to it that what is wanted next is still there."""
        if self._place is not None:
            self._go(self._place, after_s=0.0)

    async def has_read(self, *, most_s: float) -> bool:
        """Wait until the reading under way has ended, or for so long; whether it has ended."""
        if self._reading is None:
            return True
        done, _ = await asyncio.wait({self._reading}, timeout=most_s)
        return bool(done)

    def forget(self, uri: str) -> None:
        """The document was closed."""
        if self._place is not None and self._place.uri == uri:
            self._place = None
            self._session.jobs.stop_reading()

    def _go(self, place: _Place, *, after_s: float) -> None:
        elsewhere = self._place is not None and self._place.uri != place.uri
        self._place, self._after_s = place, after_s
        if elsewhere:
            self._session.jobs.stop_reading()
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        """Read until there is nothing left to read at the newest place."""
        while (place := self._place) is not None:
            await asyncio.sleep(self._after_s)
            if place is not self._place:
                continue
            self._after_s = 0.0
            try:
                work = self._work(place)
                whole = work is None or await self._session.jobs.read(work)
            except Exception:  # noqa: BLE001  whoever asks for a fill there is told
                return
            if whole and place is self._place:
                return

    def _work(self, place: _Place) -> Callable[[Filler, Cancelled], bool] | None:
        """What reads there; None where nothing is suggested unasked, so that nothing need be ready."""
        session = self._session
        options = session.options_of(place.uri)
        if not (options.enabled and options.automatic):
            return None
        now = session.documents.snapshot(place.uri)
        offset = _on_character(now.source, place.offset)
        snapshot = session.documents.covering(now, Region(offset, offset))
        return partial(_read_at, session, snapshot, offset, session.cells(snapshot))


def _on_character(source: bytes, offset: int) -> int:
    """The offset, or the start of the character that it lies in: edits elsewhere may have moved the text meanwhile."""
    offset = min(offset, len(source))
    while offset < len(source) and source[offset] & 0xC0 == 0x80:  # a byte that goes on with a character
        offset -= 1
    return offset


def _read_at(
    session: Session, snapshot: Snapshot, offset: int, cells: Cells | None, filler: Filler, stop: Cancelled
) -> bool:
    return read_ahead(
        snapshot, complete(snapshot, offset), filler, stop=stop, exclusions=session.exclusions, cells=cells
    )
