"""initialize, initialized, shutdown: what a connection begins and ends with; dlm/status.

dlm/status tells `{state, message, model, device}`, the state being one of loading, ready, busy, inactive, error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass, field
from typing import TypeAlias, cast

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server.code.text.positions import Encoding
from lsp_server.documents.store import Documents
from lsp_server.feedback.metrics import Metrics
from lsp_server.handlers.completion import menu as completion
from lsp_server.handlers.completion.items import EntryForm
from lsp_server.handlers.connection import configuration
from lsp_server.handlers.connection.loading import load
from lsp_server.handlers.connection.parent import outlived
from lsp_server.session.session import Session
from lsp_server.status import Status
from lsp_server.suggestions.service import Suggester
from lsp_server.workspace.exclusions import Exclusions
from lsp_server.workspace.uris import path_of

Abandoned: TypeAlias = Callable[[], None]

STATUS = "dlm/status"
_SAVE_EVERY_S = 60.0


@dataclass(kw_only=True)
class _Beside:
    """What runs beside a connection until it ends. `editor`: the process that the server does not outlive."""

    editor: int | None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self, *work: Coroutine[object, object, None]) -> None:
        self.tasks += map(asyncio.ensure_future, work)

    def stop(self) -> None:
        for task in self.tasks:
            task.cancel()


def register(
    server: LanguageServer,
    session: Session,
    suggester: Suggester,
    metrics: Metrics,
    *,
    client_process: int | None,
    abandoned: Abandoned,
) -> None:
    """Add this family's handlers to `server`.

    `abandoned` is called when the editor's process has ended: that which `initialize` names, else `client_process`.
    """
    beside = _Beside(editor=client_process)

    def tell(status: Status) -> None:
        if session.options.status:
            server.protocol.notify(STATUS, asdict(status))

    @server.feature(lsp.INITIALIZE)
    def initialize(params: lsp.InitializeParams) -> None:
        if params.process_id is not None:
            beside.editor = params.process_id
        session.configuration.initialize(params.initialization_options)
        encoding = lsp.PositionEncodingKind(server.workspace.position_encoding).value
        session.documents = Documents(encoding=cast("Encoding", encoding))
        session.editor = params.client_info.name if params.client_info is not None else ""
        follow_folders(server, session)
        wanted = session.options.completion_list
        if not _has_inline_completion(params.capabilities) if wanted is None else wanted:
            completion.register(server, session, suggester, metrics, form=EntryForm.of(params))

    @server.feature(lsp.INITIALIZED)
    async def initialized(_: lsp.InitializedParams) -> None:
        session.loading.configuring = asyncio.ensure_future(configuration.start(server, session))
        await session.loading.configuring
        session.status.listen(tell)
        beside.start(_save_now_and_then(session, metrics), _leave_with(beside.editor, abandoned))
        await load(server, session)

    @server.feature(lsp.SHUTDOWN)
    def shutdown(_: None) -> None:
        session.jobs.close()
        beside.stop()
        if session.options.metrics:
            metrics.save()

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def folders(_: lsp.DidChangeWorkspaceFoldersParams) -> None:
        follow_folders(server, session)
        await configuration.pull(server, session)


async def _leave_with(process_id: int | None, abandoned: Abandoned) -> None:
    await outlived(process_id)
    abandoned()


async def _save_now_and_then(session: Session, metrics: Metrics) -> None:
    while True:
        await asyncio.sleep(_SAVE_EVERY_S)
        if session.options.metrics:
            await asyncio.to_thread(metrics.save)


def _has_inline_completion(can: lsp.ClientCapabilities) -> bool:
    return can.text_document is not None and can.text_document.inline_completion is not None


def follow_folders(server: LanguageServer, session: Session) -> None:
    """Let documents be read from the workspace's present folders, and its rules and settings hold."""
    # The keys of pygls' `folders` are unquoted: of a folder `50%20off` or `c#` they name another one.
    uris = [folder.uri for folder in server.workspace.folders.values()] or [server.workspace.root_uri]
    folders = tuple(path for uri in uris if uri and (path := path_of(uri)))
    session.documents.folders = folders
    session.exclusions = Exclusions(folders)
    session.configuration.follow(folders)
