"""The language server: `main` starts it, `create_server` puts it together.

Importing this loads neither torch nor numpy; the model is opened after `initialized`, on a thread.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import FeatureRequestError, JsonRpcException, JsonRpcInvalidParams, PyglsError
from pygls.lsp.server import LanguageServer
from pygls.protocol import (
    JsonRPCNotification,
    LanguageServerProtocol,
    default_converter,
    lsp_method,
)

from lsp_server.configuration.settings import Settings
from lsp_server.feedback.acceptance import Acceptance
from lsp_server.feedback.kept import Kept, Later
from lsp_server.feedback.metrics import Metrics, Save
from lsp_server.feedback.store import add, state_file
from lsp_server.handlers import code_action, cursor, documents, feedback, notebooks
from lsp_server.handlers.completion import inline as inline_completion
from lsp_server.handlers.connection import configuration, lifecycle
from lsp_server.handlers.filling import commands
from lsp_server.handlers.refactoring import commands as refactoring
from lsp_server.handlers.refactoring import rename, suspicious
from lsp_server.session.loading import OpenFiller
from lsp_server.session.session import Session
from lsp_server.streams import StderrRelay, last_words
from lsp_server.suggestions.fills import Fills
from lsp_server.suggestions.service import Suggester
from lsp_server.transforms.registry import REFACTORINGS
from lsp_server.transport import STDIO, Listening, Transport, streams_of

_UNREADABLE = "$/dlm/unreadable"


class Protocol(LanguageServerProtocol):
    """pygls' protocol with its own documents left out, and every request answered.

    pygls keeps documents with wrong line ends (FACTS of its `TextDocument`: form feeds and U+2028 end
    lines), cannot cancel a command that runs, and never answers a request that it cannot read.
    """

    # None: pygls registers no handler of its own, so ours in handlers/documents.py are the only ones.
    lsp_text_document__did_open = None  # type: ignore[assignment]
    lsp_text_document__did_change = None  # type: ignore[assignment]
    lsp_text_document__did_close = None  # type: ignore[assignment]
    lsp_notebook_document__did_open = None  # type: ignore[assignment]
    lsp_notebook_document__did_change = None  # type: ignore[assignment]
    lsp_notebook_document__did_close = None  # type: ignore[assignment]

    @lsp_method(lsp.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(  # type: ignore[override]
        self, params: lsp.ExecuteCommandParams
    ) -> Any:
        """The command's result. A coroutine, so that `$/cancelRequest` reaches the command itself."""
        command = self.fm.commands.get(params.command)
        if command is None:
            known = ", ".join(self.fm.commands)
            raise JsonRpcInvalidParams(f"no such command: {params.command}; known are {known}")
        return await command(list(params.arguments or ()))

    def structure_message(self, data: dict[str, Any]) -> Any:
        """The message as an object; an error answer to a request that does not match the specification."""
        try:
            return super().structure_message(data)
        except JsonRpcException:
            method = data.get("method")
            if "id" not in data or not isinstance(method, str):
                raise
            error = JsonRpcInvalidParams(f"{method}: the parameters do not match the specification (LSP 3.18)")
            self._send_response(data["id"], error=error.to_response_error())
            return JsonRPCNotification(method=_UNREADABLE, jsonrpc=self.VERSION, params=None)

    def _execute_handler(self, msg_id: Any, *args: Any, **kwargs: Any) -> None:
        """Run a handler. What pygls remembers of it is forgotten when it has ended, also if nobody waits for an answer."""
        super()._execute_handler(msg_id, *args, **kwargs)
        running = self._request_futures.get(msg_id)
        if running is not None:
            loop = asyncio.get_running_loop()
            # Not at once: `shutdown` cancels what runs while it walks over it.
            running.add_done_callback(lambda ended: loop.call_soon(self._forget, msg_id, ended))

    def _handle_response(self, msg_id: Any, result: Any = None, error: Any = None) -> None:
        """Take the client's answer. pygls forgets the type of an answer that is a result, not that of an error."""
        self._result_types.pop(msg_id, None)
        super()._handle_response(msg_id, result, error)

    def _forget(self, msg_id: Any, ended: Any) -> None:
        if self._request_futures.get(msg_id) is ended:
            del self._request_futures[msg_id]

    def handle_message(self, message: Any) -> None:
        """Dispatch `message`; requests after `shutdown` are refused (specification, "Shutdown Request")."""
        if self._shutdown and hasattr(message, "id") and hasattr(message, "method"):
            refusal = lsp.ResponseError(code=int(lsp.ErrorCodes.InvalidRequest), message="the server is shutting down")
            self._send_response(message.id, error=refusal)
            return
        super().handle_message(message)

    @property
    def shut_down(self) -> bool:
        """Whether `shutdown` has been asked for."""
        return self._shutdown


class Server(LanguageServer):
    """The language server. Its own mishaps go to the client's log, without any of the user's text."""

    protocol: Protocol
    session: Session
    metrics: Metrics

    def report_server_error(self, error: Exception, source: type[PyglsError | JsonRpcException]) -> None:
        """Tell the client's log that a message was dropped, and why: the kind only, as messages hold code."""
        if source is FeatureRequestError:
            return  # has been answered with an error
        self.window_log_message(
            lsp.LogMessageParams(
                type=lsp.MessageType.Error,
                message=f"dlm-fill dropped a message from the editor ({source.__name__}: {type(error).__name__})",
            )
        )


def create_server(
    open_filler: OpenFiller | None = None,
    *,
    options: Settings | None = None,
    save: Save | None = None,
    later: Later | None = None,
    client_process: int | None = None,
) -> Server:
    """A server that fills with what `open_filler` opens (None: `model.filler.open_filler`).

    `options` are the defaults of the settings. `save` keeps what was counted
    (None: in the user's state directory); `later` calls back after some seconds (None: on the event loop).
    `client_process` is the number of the editor's process, if the editor itself does not tell.
    """
    server = Server(
        "dlm-fill",
        _version(),
        text_document_sync_kind=lsp.TextDocumentSyncKind.Incremental,
        notebook_document_sync=notebooks.SYNC,
        protocol_cls=Protocol,
        converter_factory=default_converter,
        max_workers=1,  # pygls' own pool only reads stdin
    )
    server.session = session = Session(open_filler or _open_filler, options=options or Settings())
    server.metrics = metrics = Metrics(save or _save)
    suggester, fills = Suggester(session, metrics), Fills()
    kept = Kept(metrics, lambda: session.documents, later or _later)
    acceptance = Acceptance(metrics, kept)
    watch = suspicious.watch(server, session, suggester.ahead)
    lifecycle.register(server, session, suggester, metrics, client_process=client_process, abandoned=lambda: leave(1))
    configuration.register(server, session, suggester, watch)
    editing = documents.Editing(
        server=server,
        session=session,
        suggester=suggester,
        fills=fills,
        kept=kept,
        acceptance=acceptance,
        watch=watch,
    )
    documents.register(server, editing)
    notebooks.register(server, editing)
    inline_completion.register(server, session, suggester, fills, acceptance, metrics)
    commands.register(server, session, fills, metrics)
    code_action.register(server, session, fills, suggester.ahead, watch)
    cursor.register(server, session, suggester.ahead)
    refactoring.register(server, session, fills, REFACTORINGS)
    rename.register(server, session)
    feedback.register(server, acceptance)
    return server


def serve(server: Server, transport: Transport = STDIO) -> int:
    """Serve one editor until it leaves; the exit code.

    0 after `shutdown`, else 1 (specification, "Exit Notification"). Raises InputError if no editor is there.
    """
    _silence_logs()
    if isinstance(transport, Listening):
        server.start_tcp("127.0.0.1", transport.port)
    else:
        StderrRelay.begin()
        reading, writing = streams_of(transport)
        with suppress(ConnectionError):  # the editor's end of a socket was closed in the middle of a message
            server.start_io(reading, writing)
    return 0 if server.protocol.shut_down else 1


def main(
    *,
    model: str = "builtin",
    device: str = "auto",
    transport: Transport = STDIO,
    client_process: int | None = None,
) -> None:
    """Run `dlm-fill lsp`. Does not return. `client_process` is the editor's, for clients that do not name it later.

    Raises InputError if no editor is where `transport` says.
    """
    options = Settings(model=model, device=device)
    leave(serve(create_server(options=options, client_process=client_process), transport))


def leave(code: int) -> None:
    """End the process at once.

    A fill may be in the middle of a denoise step, or the model half loaded, on threads that Python
    would wait for; editors wait for the server, and kill it after a while.
    """
    last_words()
    os._exit(code)


def _open_filler(name: str, *, device: str) -> Any:
    from model.filler import open_filler

    return open_filler(name, device=device)


def _save(counts: Mapping[str, int]) -> None:
    add(counts, path=state_file(), today=datetime.now(tz=UTC).date())


def _later(seconds: float, call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, call)


def _silence_logs() -> None:
    """Pygls and asyncio log message bodies and arguments: the user's code, which must reach no log."""
    for name in ("pygls", "asyncio"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False


def _version() -> str:
    try:
        return metadata.version("dlm-fill")
    except metadata.PackageNotFoundError:
        return "unknown"
