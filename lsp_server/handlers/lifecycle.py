"""initialize, initialized, shutdown: what a connection begins and ends with."""

from __future__ import annotations

import asyncio
from typing import cast

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server import client_options
from lsp_server.documents import Documents, path_of
from lsp_server.handlers.progress import Progress
from lsp_server.session import Session
from lsp_server.source.positions import Encoding
from model.errors import ModelError


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
    progress = Progress(server, f"dlm-fill: loading the model {session.options.model}")
    try:
        filler = await loading
        outcome = f"{filler.info.name} on {filler.info.device}"
    except ModelError as error:
        outcome = "no model"
        message = lsp.ShowMessageParams(type=lsp.MessageType.Error, message=f"dlm-fill: {error}")
        server.window_show_message(message)
    progress.end(outcome)
