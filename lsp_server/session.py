"""What lives as long as the connection: documents, options, the filler once loaded, and what runs.

One thread fills, one request at a time. A newer request for the same document takes the older one's
place, which then stops before its next denoise step. Everything here but the work itself runs on the
event loop's thread.

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
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias, TypeVar

from lsp_server.configuration.layers import Configuration
from lsp_server.configuration.settings import Settings
from lsp_server.documents.notebooks import Notebooks
from lsp_server.documents.store import Documents
from lsp_server.errors import Excluded, InputError, SwitchedOff, place_of
from lsp_server.status import Status, StatusBoard
from lsp_server.types import Cells, Snapshot
from lsp_server.workspace.exclusions import Exclusions
from lsp_server.workspace.other_files.gather import Gathering, OtherFiles, Workspace
from model.errors import BadRequest, ModelError
from model.types import Cancelled, Filler

T = TypeVar("T")
Work: TypeAlias = Callable[[Filler, Cancelled], T]

CANCELLED, ASKED_ANEW = "cancelled", "a newer request for this document took its place"
"""Reasons of an interruption that the user knows of."""


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

    def __init__(self, open_filler: OpenFiller, *, options: Settings) -> None:
        self.configuration = Configuration(options)
        self.configuring: asyncio.Task[None] | None = None
        self.documents = Documents()
        self.editor = ""  # the name by which the client introduces itself
        self.notebooks = Notebooks()
        self.exclusions = Exclusions()
        self.status = StatusBoard(lambda seconds, call: asyncio.get_running_loop().call_later(seconds, call))
        self._open_filler = open_filler
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fill")
        self._loading: asyncio.Future[Filler] | None = None
        self._loaded: tuple[str, str] | None = None
        self._jobs: dict[str, _Job] = {}
        self._reading: threading.Event | None = None
        self._left_alone = ""
        self._gathering = Gathering()  # used on the filling thread alone

    @property
    def options(self) -> Settings:
        """The settings that hold for the connection."""
        return self.configuration.everywhere

    def options_of(self, uri: str) -> Settings:
        """The settings that hold for the document at `uri`; for a cell, those of its notebook."""
        return self.configuration.of(self.notebooks.of(uri) or uri)

    @property
    def loaded(self) -> bool:
        """Whether a request can be filled without waiting for the model."""
        loading = self._loading
        return loading is not None and loading.done() and not loading.cancelled() and loading.exception() is None

    async def filler(self) -> Filler:
        """The filler, as soon as it is loaded; starts loading it if nothing has, once the settings are known.

        Raises ModelError if it cannot be loaded.
        """
        if self.configuring is not None:
            await asyncio.shield(self.configuring)
        while True:
            if self._loading is None:
                self._loading = self._load()
            loading = self._loading
            try:
                filler = await asyncio.shield(loading)
            except ModelError:
                if loading is self._loading:
                    raise
            else:
                if loading is self._loading:  # else another model was asked for meanwhile
                    return filler

    def follow_settings(self) -> bool:
        """Whether the settings name another model or device than was loaded; it is then to be loaded anew."""
        if self._loaded in (None, (self.options.model, self.options.device)):
            return False
        for uri in self._jobs:
            self.interrupt(uri, "another model is being loaded")
        self._loading = self._loaded = None
        return True

    def check(self, uri: str) -> None:
        """Raises Excluded or SwitchedOff if the document at `uri` is to be left alone.

        The status says so until another one is used.
        """
        self._left_alone = uri
        try:
            self.exclusions.check(uri)
            if (notebook := self.notebooks.of(uri)) is not None:
                self.exclusions.check(notebook)
        except Excluded as excluded:
            self.status.leave_alone(f"excluded by {excluded.rule}")
            raise
        if not self.options_of(uri).enabled:
            self.status.leave_alone("switched off by the setting enabled")
            raise SwitchedOff("switched off here: set enabled to true in your editor, or in dlm-fill.toml")
        self.status.leave_alone("")

    def leaves_alone(self, uri: str) -> bool:
        """Whether the document at `uri` is to be left alone; the status says why, until another document is used."""
        return bool(self.why_left_alone(uri))

    def why_left_alone(self, uri: str) -> str:
        """Why the document at `uri` is left alone, and the remedy; "": it is not. The status says it, too."""
        try:
            self.check(uri)
        except (Excluded, SwitchedOff) as refusal:
            return str(refusal)
        return ""

    def other_files(self, snapshot: Snapshot) -> OtherFiles | None:
        """What gathers texts of other files for a fill in `snapshot`, on the filling thread; None if none are wanted."""
        if not self.options_of(snapshot.uri).cross_file:
            return None
        opened = [document for document in self.documents.others(snapshot.uri) if self._is_another(document, snapshot)]
        workspace = Workspace(
            folders=self.documents.folders,
            exclusions=self.exclusions,
            opened=opened,
            notebook=self.notebooks.of(snapshot.uri),
            notebooks={one.uri: notebook for one in opened if (notebook := self.notebooks.of(one.uri)) is not None},
        )
        return lambda cancelled: self._gathering.others(snapshot, workspace, cancelled=cancelled)

    def cells(self, snapshot: Snapshot) -> Cells | None:
        """The code cells around `snapshot`, of its language; None if it is no code cell of a notebook."""
        return self.notebooks.around(snapshot, self.documents.others(snapshot.uri))

    def _is_another(self, document: Snapshot, snapshot: Snapshot) -> bool:
        """Whether an open document may be another file to `snapshot`: no cell of its own notebook, no prose of another."""
        notebook = self.notebooks.of(document.uri)
        if notebook is None:
            return True
        return self.notebooks.is_code(document.uri) and notebook != self.notebooks.of(snapshot.uri)

    def closed(self, uri: str) -> None:
        """The document at `uri` is no longer in use."""
        if uri == self._left_alone:
            self.status.leave_alone("")

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

    async def read(self, work: Work[bool]) -> bool:
        """Whether `work`, which nobody waits for, came to its end: it is stopped as soon as a fill is asked for.

        Raises what `work` or loading raised.
        """
        filler, stop = await self.filler(), threading.Event()
        self._reading = stop
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work, filler, stop.is_set)
        finally:
            stop.set()

    def interrupt(self, uri: str, reason: str) -> None:
        """Stop what runs for `uri`, if anything does."""
        job = self._jobs.get(uri)
        if job is not None:
            job.interrupt(reason)

    def stop_reading(self) -> None:
        """Let the filling thread go on to what is asked for."""
        if self._reading is not None:
            self._reading.set()

    def close(self) -> None:
        """Stop everything; does not wait for the step that is running."""
        for job in list(self._jobs.values()):
            job.interrupt("the server is shutting down")
        self.stop_reading()
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _fill(self, work: Work[T], stop: threading.Event) -> T:
        self.stop_reading()
        filler = await self.filler()
        self.stop_reading()  # also what began while the model was being loaded
        self.status.begin()
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
            self.status.end(failure=failure)
            self._say_who_fills(filler)

    def _say_who_fills(self, filler: Filler) -> None:
        """Tell the status when another model fills than before: a server has gone, or is back."""
        info, now = filler.info, self.status.own
        if now.state == "ready" and (now.model, now.device) != (info.name, info.device):
            self.status.show(replace(now, model=info.name, device=info.device))

    def _load(self) -> asyncio.Future[Filler]:
        """The filler to come, loaded on a thread of its own that never keeps the process alive."""
        loop = asyncio.get_running_loop()
        loading: asyncio.Future[Filler] = loop.create_future()
        model, device = self._loaded = (self.options.model, self.options.device)
        self.status.show(Status(state="loading"))
        # Whoever awaits gets the exception; if nobody does, asyncio must not log it as forgotten.
        loading.add_done_callback(lambda f: None if f.cancelled() else f.exception())

        def settle(filler: Filler | None, error: ModelError | None) -> None:
            wanted = loading is self._loading
            if filler is not None:
                info = filler.info
                if wanted:
                    self.status.show(Status(state="ready", model=info.name, device=info.device))
                loading.set_result(filler)
            elif error is not None:
                if wanted:
                    self.status.show(Status(state="error", message=str(error), model=model))
                loading.set_exception(error)

        def load() -> None:
            filler: Filler | None = None
            failure: ModelError | None = None
            try:
                filler = self._open_filler(model, device=device)
            except ModelError as error:
                failure = error
            except Exception as error:  # noqa: BLE001 - raised again where the filler is awaited
                failure = _not_loaded(model, error)
            with suppress(RuntimeError):  # the loop is closed: the server has gone
                loop.call_soon_threadsafe(settle, filler, failure)

        threading.Thread(target=load, name="load", daemon=True).start()
        return loading


def _not_loaded(model: str, error: Exception) -> ModelError:
    failure = ModelError(
        f"the model {model!r} could not be loaded ({place_of(error)}): reinstall dlm-fill, or name another model "
        "in the setting 'model'"
    )
    failure.__cause__ = error
    return failure
