"""Looks for suspicious words in the lines that were edited, when their document is saved or rests: for nobody who waits.

One chunk of lines at a time, on the filling thread, which a fill that is asked for gets within one pass. An edit of the
document makes what is under way worthless: it is stopped, and begun anew when the document rests again.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from lsp_server.code.text.rebase import moved
from lsp_server.diagnostics.edited import Edited
from lsp_server.errors import InputError
from lsp_server.session.session import Session
from lsp_server.suggestions.ahead import ReadAhead
from lsp_server.transforms.suspicious.suspicions import CannotDoubt, Suspicion, chunks, suspicions_in
from lsp_server.types import Cells, Region, Snapshot
from model.types import Cancelled, Filler

AGAIN_AFTER_S = 1.0
"""Where a fill was asked for meanwhile, the same lines are looked at again so much later."""
MOST_BYTES = 8_000
"""No more than this is looked at after an edit, some 200 lines: whoever pastes a file in has others judge it."""
_PATIENCE_S = 10.0
"""How long the model may read around the cursor before the words there are looked at."""


class Show(Protocol):
    """Shows the suspicions of a document, all that there are."""

    def __call__(self, snapshot: Snapshot, found: Sequence[Suspicion]) -> None: ...


@dataclass(kw_only=True)
class _Document:
    edited: Edited = field(default_factory=Edited)
    found: tuple[Suspicion, ...] = ()
    lost: bool = False
    """Whether an edit touched one of `found`, and the editor does not know yet."""


class SuspicionWatch:
    """The suspicions of one connection. For the event loop's thread."""

    def __init__(
        self, session: Session, ahead: ReadAhead, *, show: Show, complain: Callable[[str], None], rests_after_s: float
    ) -> None:
        self._session, self._ahead, self._show, self._complain = session, ahead, show, complain
        self._rests_after_s = rests_after_s
        self._documents: dict[str, _Document] = {}
        self._due: dict[str, float] = {}
        self._work: asyncio.Task[None] | None = None
        self._looking_at, self._stop = "", threading.Event()
        self._complained = False

    def edited(self, uri: str, region: Region | None, text: str) -> None:
        """Text took the place of a region (None: of everything)."""
        if not self._wanted(uri):
            return
        self._interrupt(uri)
        length = len(text.encode("utf-8", "replace"))
        document = self._documents.setdefault(uri, _Document())
        if region is None:
            document.edited = Edited()
            document.edited.edited(Region(0, 0), length)
            document.lost, document.found = document.lost or bool(document.found), ()
            return
        document.edited.edited(region, length)
        places = ((moved(one.region, region, length), one) for one in document.found)
        kept = tuple(replace(one, region=place) for place, one in places if place is not None)
        document.lost, document.found = document.lost or len(kept) < len(document.found), kept

    def changed(self, uri: str) -> None:
        """The edits that were told are all in the document now."""
        document = self._documents.get(uri)
        if document is None:
            return
        if document.lost:
            self._tell(uri)
        self._wake(uri, after_s=self._rests_after_s)

    def saved(self, uri: str) -> None:
        """The document was saved."""
        if uri in self._documents:
            self._wake(uri, after_s=0.0)

    def closed(self, uri: str) -> None:
        """The document was closed: what was shown of it goes."""
        self._due.pop(uri, None)
        self._interrupt(uri)
        document = self._documents.pop(uri, None)
        if document is not None and document.found:
            with suppress(InputError):
                self._show(self._session.documents.snapshot(uri), ())

    def follow_settings(self) -> None:
        """The settings may have changed: what is no longer wanted goes."""
        for uri in [uri for uri in self._documents if not self._wanted(uri)]:
            self.closed(uri)

    def shown(self, uri: str) -> tuple[Suspicion, ...]:
        """What is shown of the document, where it stands now."""
        document = self._documents.get(uri)
        return document.found if document is not None else ()

    def _interrupt(self, uri: str) -> None:
        if uri == self._looking_at:
            self._stop.set()

    def _wanted(self, uri: str) -> bool:
        options = self._session.options_of(uri)
        return options.enabled and options.suspicious

    def _wake(self, uri: str, *, after_s: float) -> None:
        self._due[uri] = asyncio.get_running_loop().time() + after_s
        if self._work is None or self._work.done():
            self._work = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        """Look at what is due, one document after the other, until nothing is."""
        while self._due:
            uri, at = min(self._due.items(), key=lambda one: one[1])
            wait_s = at - asyncio.get_running_loop().time()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
                continue
            del self._due[uri]
            try:
                await self._look_at(uri)
            except CannotDoubt as reason:
                if not self._complained:
                    self._complain(str(reason))
                self._complained = True
            except Exception:  # noqa: BLE001, S112  whoever asks for a fill there is told
                continue

    async def _look_at(self, uri: str) -> None:
        document, session = self._documents.get(uri), self._session
        if document is None or not self._wanted(uri) or session.why_left_alone(uri):
            return
        left = MOST_BYTES
        while document.edited.regions and left > 0:
            await self._ahead.has_read(most_s=_PATIENCE_S)
            now = session.documents.snapshot(uri)
            region = document.edited.regions[0]
            snapshot = session.documents.covering(now, region)
            self._looking_at, self._stop = uri, threading.Event()
            work = partial(_first_chunk, session, snapshot, region, self._stop, session.cells(snapshot))
            looked = await session.jobs.read(work)
            if not session.documents.is_current(now):
                return  # the edit wakes us again
            if looked is None:
                self._wake(uri, after_s=AGAIN_AFTER_S)
                return
            self._take(uri, document, looked)
            left -= looked.chunk.end - looked.chunk.start
            self._ahead.again()
        document.edited = Edited()

    def _take(self, uri: str, document: _Document, looked: _Looked) -> None:
        document.edited.looked_at(looked.chunk)
        before = document.found
        chunk = looked.chunk
        kept = [one for one in before if not chunk.start <= one.region.start < chunk.end]
        document.found = tuple(sorted([*kept, *looked.found], key=lambda one: one.region))
        if document.found != before:
            self._tell(uri)

    def _tell(self, uri: str) -> None:
        document = self._documents[uri]
        document.lost = False
        self._show(self._session.documents.snapshot(uri), document.found)


@dataclass(frozen=True, kw_only=True)
class _Looked:
    """The lines that were looked at, and what was found there."""

    chunk: Region
    found: tuple[Suspicion, ...]


def _first_chunk(
    session: Session,
    snapshot: Snapshot,
    region: Region,
    stop: threading.Event,
    cells: Cells | None,
    filler: Filler,
    stopped: Cancelled,
) -> _Looked | None:
    """What is suspicious in the first lines of the region; None if stopped."""

    def cancelled() -> bool:
        return stop.is_set() or stopped()

    chunk = next(chunks(snapshot, region, filler), None)
    if chunk is None:
        return _Looked(chunk=region, found=())
    found = suspicions_in(snapshot, chunk, filler, cancelled=cancelled, exclusions=session.exclusions, cells=cells)
    return None if found is None else _Looked(chunk=chunk, found=found)
