"""What lives as long as the connection: documents, options, the filler once loaded, and what runs.

One thread fills, one request at a time. A newer request for the same document takes the older one's
place, which then stops before its next denoise step. Everything here but the work itself runs on the
event loop's thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from lsp_server.client_options import ClientOptions
from lsp_server.documents import Documents
from lsp_server.errors import place_of
from model.errors import ModelError
from model.types import Cancelled, Filler

T = TypeVar("T")
Work: TypeAlias = Callable[[Filler, Cancelled], T]


class OpenFiller(Protocol):
    """`model.filler.open_filler`, or what a test puts in its place."""

    def __call__(self, name: str, *, device: str) -> Filler: ...


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


class Session:
    """The state of one connection."""

    def __init__(self, open_filler: OpenFiller, *, options: ClientOptions) -> None:
        self.options = options
        self.documents = Documents()
        self._open_filler = open_filler
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fill")
        self._loading: asyncio.Future[Filler] | None = None
        self._jobs: dict[str, _Job] = {}

    @property
    def loaded(self) -> bool:
        """Whether a request can be filled without waiting for the model."""
        loading = self._loading
        return loading is not None and loading.done() and not loading.cancelled() and loading.exception() is None

    async def filler(self) -> Filler:
        """The filler, as soon as it is loaded; starts loading it if nothing has.

        Raises ModelError if it cannot be loaded.
        """
        if self._loading is None:
            self._loading = self._load()
        return await asyncio.shield(self._loading)

    async def run(self, uri: str, work: Work[T], *, automatic: bool) -> T | Interrupted:
        """The result of `work`, run on the filling thread; the newest request for `uri` wins.

        `automatic` requests (nobody asked, the user just typed) do not displace one that was asked for.
        Cancelling the awaiting task stops the work, too. Raises what `work` or loading raised.
        """
        older = self._jobs.get(uri)
        if older is not None and automatic and not older.automatic:
            return Interrupted("a fill that was asked for is running in this document")
        self.interrupt(uri, "a newer request for this document took its place")
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

    def interrupt(self, uri: str, reason: str) -> None:
        """Stop what runs for `uri`, if anything does."""
        job = self._jobs.get(uri)
        if job is not None:
            job.interrupt(reason)

    def close(self) -> None:
        """Stop everything; does not wait for the step that is running."""
        for job in list(self._jobs.values()):
            job.interrupt("the server is shutting down")
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _fill(self, work: Work[T], stop: threading.Event) -> T:
        filler = await self.filler()
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, filler, stop.is_set)

    def _load(self) -> asyncio.Future[Filler]:
        """The filler to come, loaded on a thread of its own that never keeps the process alive."""
        loop = asyncio.get_running_loop()
        loading: asyncio.Future[Filler] = loop.create_future()
        # Whoever awaits gets the exception; if nobody does, asyncio must not log it as forgotten.
        loading.add_done_callback(lambda f: None if f.cancelled() else f.exception())

        def settle(filler: Filler | None, error: ModelError | None) -> None:
            if loading.done():
                return
            if filler is not None:
                loading.set_result(filler)
            elif error is not None:
                loading.set_exception(error)

        def load() -> None:
            filler: Filler | None = None
            failure: ModelError | None = None
            try:
                filler = self._open_filler(self.options.model, device=self.options.device)
            except ModelError as error:
                failure = error
            except Exception as error:  # noqa: BLE001 - raised again where the filler is awaited
                failure = _not_loaded(self.options.model, error)
            with suppress(RuntimeError):  # the loop is closed: the server has gone
                loop.call_soon_threadsafe(settle, filler, failure)

        threading.Thread(target=load, name="load", daemon=True).start()
        return loading


def _not_loaded(model: str, error: Exception) -> ModelError:
    failure = ModelError(
        f"the model {model!r} could not be loaded ({place_of(error)}): reinstall dlm-fill, or name another model "
        "in the initialization option 'model', then restart the server"
    )
    failure.__cause__ = error
    return failure
