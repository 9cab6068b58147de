"""initialize, initialized, shutdown: what a connection begins and ends with."""

from __future__ import annotations

import asyncio
import uuid
from typing import cast

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from lsp_server import client_options
from lsp_server.documents import Documents, path_of
from lsp_server.handlers.error_codes import place
from lsp_server.session import Session
from lsp_server.source.positions import Encoding
from model.errors import ModelError

_PROGRESS_PATIENCE_S = 5.0


def register(server: LanguageServer, session: Session) -> None:
    """Add this family's handlers to `server`."""
    complaints: list[str] = []

    @server.feature(lsp.INITIALIZE)
    def initialize(params: lsp.InitializeParams) -> None:
        session.options, found = client_options.read(params.initialization_options, defaults=session.options)
        complaints.extend(found)
        encoding = lsp.PositionEncodingKind(server.workspace.position_encoding).value
        session.documents = Documents(encoding=cast("Encoding", encoding))
        follow_folders(server, session)

    @server.feature(lsp.INITIALIZED)
    async def initialized(_: lsp.InitializedParams) -> None:
        for complaint in complaints:
            server.window_log_message(lsp.LogMessageParams(type=lsp.MessageType.Warning, message=complaint))
        await _load(server, session)

    @server.feature(lsp.SHUTDOWN)
    def shutdown(_: None) -> None:
        session.close()

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders(_: lsp.DidChangeWorkspaceFoldersParams) -> None:
        follow_folders(server, session)


def follow_folders(server: LanguageServer, session: Session) -> None:
    """Let the documents read from the workspace's present folders."""
    uris = list(server.workspace.folders) or [server.workspace.root_uri]
    session.documents.folders = tuple(path for uri in uris if uri and (path := path_of(uri)) is not None)


async def _load(server: LanguageServer, session: Session) -> None:
    """Load the model, with progress where the client shows it, and an error message if it fails."""
    loading = asyncio.ensure_future(session.filler())
    token = await _begin(server, f"dlm-fill: loading the model {session.options.model}")
    try:
        filler = await loading
        outcome = f"{filler.info.name} on {filler.info.device}"
    except Exception as error:  # noqa: BLE001 - whatever it was, the user has to be told
        outcome = "no model"
        server.window_show_message(
            lsp.ShowMessageParams(type=lsp.MessageType.Error, message=_load_failure(session, error))
        )
    if token is not None:
        server.work_done_progress.end(token, lsp.WorkDoneProgressEnd(message=outcome))


async def _begin(server: LanguageServer, title: str) -> str | None:
    """The token of a progress that the client shows; None if it shows none."""
    window = server.client_capabilities.window
    if window is None or not window.work_done_progress:
        return None
    token = f"dlm-fill-{uuid.uuid4()}"
    try:
        async with asyncio.timeout(_PROGRESS_PATIENCE_S):
            await server.work_done_progress.create_async(token)
    except (TimeoutError, JsonRpcException):
        return None
    server.work_done_progress.begin(token, lsp.WorkDoneProgressBegin(title=title, cancellable=False))
    return token


def _load_failure(session: Session, error: Exception) -> str:
    if isinstance(error, ModelError):
        return f"dlm-fill: {error}"
    return (
        f"dlm-fill: the model {session.options.model!r} could not be loaded ({place(error)}): reinstall dlm-fill, "
        "or name another model in the initialization option 'model', then restart the server"
    )
