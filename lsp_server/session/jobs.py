"""What runs for the documents of a connection: one thread fills, one request at a time.

A newer request for the same document takes the older one's place, which then stops before its next denoise step.
Everything here but the work itself runs on the event loop's thread.

A thread and no process, as measured on two busy cores (a request that does nothing, sent every 5 ms while fills of
three candidates run; the cases in turn): it is answered after 2.0 ms in the median when a thread of the server fills,
99 % within 92; after 1.1 and 43 when another process does on the same cores; after 0.8 and 15 when nobody does. So a
process would save a millisecond of a message's way, seldom 50, and of the fill itself, which takes hundreds, nothing.
It would cost an interpreter's memory, the syntax checks called back across its border in the middle of fills,
cancelling within a step, and the handling of its death. `dlm-fill bench server` tells the lag (`loop_lag_ms`).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

from lsp_server.errors import InputError, place_of
from lsp_server.session.loading import Loading
from lsp_server.status import StatusBoard
from model.errors import BadRequest, ModelError
from model.types import Cancelled, Filler

T = TypeVar("T")
Work: TypeAlias = Callable[[Filler, Cancelled], T]

CANCELLED, ASKED_ANEW = "cancelled", "a newer request for this document took its place"
"""Reasons of an interruption that the user knows of."""


@dataclass(frozen=True)
class Interrupted:
    """The result of a request that was stopped; `reason` in one line."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class _Job:
    automatic: bool
    stop: threading.Event
    interrupted: asyncio.Future[str]

    def interrupt(self, reason: str) -> None:
        self.stop.set()
        if not self.interrupted.done():
            self.interrupted.set_result(reason)


class Jobs:
    """The filling thread, and which request it works for."""

    def __init__(self, loading: Loading, status: StatusBoard) -> None:
        self._loading, self._status = loading, status
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fill")
        self._jobs: dict[str, _Job] = {}
        self._reading = set[threading.Event]()

    async def run(self, uri: str, work: Work[T], *, automatic: bool) -> T | Interrupted:
        """The result of `work`, run on the filling thread; the newest request for `uri` wins.

        `automatic` requests (nobody asked, the user just typed) do not displace one that was asked for.
        Cancelling the awaiting task stops the work, too. Raises what `work` or loading raised.
        """
        older = self._jobs.get(uri)
        if older is not None and automatic and not older.automatic:
            return Interrupted("a fill that was asked for is running in this document")
        self.interrupt(uri, ASKED_ANEW)
        job = _Job(
            automatic=automatic,
            stop=threading.Event(),
            interrupted=asyncio.get_running_loop().create_future(),
        )
        self._jobs[uri] = job
        task = asyncio.ensure_future(self._fill(work, job.stop))
        try:
            either: set[asyncio.Future[Any]] = {task, job.interrupted}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            return Interrupted(job.interrupted.result()) if job.interrupted.done() else task.result()
        finally:
            job.stop.set()
            task.cancel()
            if self._jobs.get(uri) is job:
                del self._jobs[uri]

    async def read(self, work: Work[T]) -> T:
        """The result of `work`, which nobody waits for: it is told to stop as soon as a fill is asked for.

        Raises what `work` or loading raised.
        """
        filler, stop = await self._loading.filler(), threading.Event()
        self._reading.add(stop)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work, filler, stop.is_set)
        finally:
            stop.set()
            self._reading.discard(stop)

    def interrupt(self, uri: str, reason: str) -> None:
        """Stop what runs for `uri`, if anything does."""
        job = self._jobs.get(uri)
        if job is not None:
            job.interrupt(reason)

    def stop_reading(self) -> None:
        """Let the filling thread go on to what is asked for."""
        for stop in self._reading:
            stop.set()

    def interrupt_all(self, reason: str) -> None:
        """Stop what runs for any document."""
        for job in list(self._jobs.values()):
            job.interrupt(reason)

    def close(self) -> None:
        """Stop everything; does not wait for the step that is running."""
        self.interrupt_all("the server is shutting down")
        self.stop_reading()
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _fill(self, work: Work[T], stop: threading.Event) -> T:
        self.stop_reading()
        filler = await self._loading.filler()
        self.stop_reading()  # also what began while the model was being loaded
        self._status.begin()
        failure = ""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work, filler, stop.is_set)
        except (InputError, BadRequest):
            raise  # what was asked cannot be done; the model is well
        except ModelError as error:
            failure = str(error)
            raise
        except Exception as error:
            failure = f"the model failed ({place_of(error)}): the next fill is tried all the same"
            raise
        finally:
            self._status.end(failure=failure)
            self._say_who_fills(filler)

    def _say_who_fills(self, filler: Filler) -> None:
        """Tell the status when another model fills than before: a server has gone, or is back."""
        info, now = filler.info, self._status.own
        if now.state == "ready" and (now.model, now.device) != (info.name, info.device):
            self._status.show(replace(now, model=info.name, device=info.device))
