"""The model that the settings name: loaded once, on a thread of its own, and anew when they name another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from lsp_server.configuration.settings import Settings
from lsp_server.errors import place_of
from lsp_server.status import Status, StatusBoard
from model.errors import ModelError
from model.types import Filler


class OpenFiller(Protocol):
    """`model.filler.open_filler`, or what a test puts in its place."""

    def __call__(self, name: str, *, device: str) -> Filler: ...


class Loading:
    """The filler of one connection. `settings` names it as of now; everything runs on the event loop's thread."""

    def __init__(self, open_filler: OpenFiller, settings: Callable[[], Settings], status: StatusBoard) -> None:
        self._open_filler, self._settings, self._status = open_filler, settings, status
        self.configuring: asyncio.Task[None] | None = None
        """The settings are being asked for: nothing is loaded before they are known."""
        self._loading: asyncio.Future[Filler] | None = None
        self._loaded: tuple[str, str] | None = None

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

    def is_outdated(self) -> bool:
        """Whether the settings name another model or device than was loaded; it is then forgotten, to be loaded anew."""
        settings = self._settings()
        if self._loaded in (None, (settings.model, settings.device)):
            return False
        self._loading = self._loaded = None
        return True

    def _load(self) -> asyncio.Future[Filler]:
        """The filler to come, loaded on a thread of its own that never keeps the process alive."""
        loop = asyncio.get_running_loop()
        loading: asyncio.Future[Filler] = loop.create_future()
        model, device = self._loaded = (self._settings().model, self._settings().device)
        self._status.show(Status(state="loading"))
        # Whoever awaits gets the exception; if nobody does, asyncio must not log it as forgotten.
        loading.add_done_callback(lambda f: None if f.cancelled() else f.exception())

        def settle(filler: Filler | None, error: ModelError | None) -> None:
            wanted = loading is self._loading
            if filler is not None:
                info = filler.info
                if wanted:
                    self._status.show(Status(state="ready", model=info.name, device=info.device))
                loading.set_result(filler)
            elif error is not None:
                if wanted:
                    self._status.show(Status(state="error", message=str(error), model=model))
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
