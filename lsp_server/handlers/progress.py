"""window/workDoneProgress: what the editor shows while the model loads or a fill takes its time."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

PATIENCE_S = 5.0


class Progress:
    """One thing under way. Shown only by clients that support it; never waited for."""

    def __init__(
        self,
        server: LanguageServer,
        title: str,
        *,
        on_cancel: Callable[[], None] | None = None,
        after_s: float = 0.0,
    ) -> None:
        """`after_s`: what is over sooner is not shown at all."""
        self._server = server
        self._title = title
        self._on_cancel, self._after_s = on_cancel, after_s
        self._ended = False
        self._begun = asyncio.ensure_future(self._begin())

    def end(self, message: str) -> None:
        """Take it off the screen, or never put it there if the client has not answered yet."""
        self._ended = True
        self._begun.add_done_callback(lambda begun: self._finish(begun, message))

    def _finish(self, begun: asyncio.Future[str | None], message: str) -> None:
        token = None if begun.cancelled() else begun.result()
        if token is not None:
            self._server.work_done_progress.end(token, lsp.WorkDoneProgressEnd(message=message or None))
            self._server.work_done_progress.tokens.pop(token, None)

    async def _begin(self) -> str | None:
        """The token that the client shows; None if it shows none."""
        window = self._server.client_capabilities.window
        if window is None or not window.work_done_progress:
            return None
        if self._after_s:
            await asyncio.sleep(self._after_s)
            if self._ended:
                return None
        token = f"dlm-fill-{uuid.uuid4()}"
        progress = self._server.work_done_progress
        try:
            async with asyncio.timeout(PATIENCE_S):
                await progress.create_async(token)
        except (TimeoutError, JsonRpcException):
            return None
        if self._ended:
            progress.tokens.pop(token, None)
            return None
        progress.tokens[token].add_done_callback(self._done)
        progress.begin(token, lsp.WorkDoneProgressBegin(title=self._title, cancellable=self._on_cancel is not None))
        return token

    def _done(self, future: Future[Any]) -> None:
        if future.cancelled() and self._on_cancel is not None:
            self._on_cancel()
