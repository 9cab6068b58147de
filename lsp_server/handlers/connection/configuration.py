"""workspace/configuration and workspace/didChangeConfiguration: the settings that the editor keeps.

Clients that answer `workspace/configuration` are asked, at the start and whenever they say that something changed;
of others, what `didChangeConfiguration` brings is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from lsp_server.configuration.layers import SECTION
from lsp_server.diagnostics.watch import SuspicionWatch
from lsp_server.handlers.connection.loading import load
from lsp_server.session.session import Session
from lsp_server.suggestions.service import Suggester
from lsp_server.workspace.uris import Uri

PATIENCE_S = 3.0
_REGISTRATION = "dlm-fill-settings"


def register(server: LanguageServer, session: Session, suggester: Suggester, watch: SuspicionWatch) -> None:
    """Add this family's handlers to `server`."""

    @server.feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def did_change_configuration(params: lsp.DidChangeConfigurationParams) -> None:
        if _answers(server):
            await pull(server, session)
        elif isinstance(params.settings, Mapping) and SECTION in params.settings:
            session.configuration.take(params.settings[SECTION])
        watch.follow_settings()
        if session.follow_settings():
            suggester.forget_all()
            await load(server, session)


async def start(server: LanguageServer, session: Session) -> None:
    """Report what is wrong with settings, ask for those of the editor, and to be told when they change."""
    session.configuration.listen(
        lambda complaint: server.window_show_message(
            lsp.ShowMessageParams(type=lsp.MessageType.Warning, message=f"dlm-fill: {complaint}")
        )
    )
    can = server.client_capabilities.workspace
    if can is not None and can.did_change_configuration and can.did_change_configuration.dynamic_registration:
        wish = lsp.Registration(
            id=_REGISTRATION,
            method=lsp.WORKSPACE_DID_CHANGE_CONFIGURATION,
            register_options=lsp.DidChangeConfigurationRegistrationOptions(section=SECTION),
        )
        # Nothing waits for the answer: who refuses sends no notifications.
        server.client_register_capability(lsp.RegistrationParams(registrations=[wish]), callback=lambda _: None)
    await pull(server, session)


async def pull(server: LanguageServer, session: Session) -> None:
    """Ask the editor for its settings, those of each folder too; what does not come in time is left as it was."""
    if not _answers(server):
        return
    scopes: tuple[Path | None, ...] = (None, *session.configuration.folders)
    items = [lsp.ConfigurationItem(section=SECTION, scope_uri=str(Uri.of(f)) if f else None) for f in scopes]
    try:
        async with asyncio.timeout(PATIENCE_S):
            found = await server.workspace_configuration_async(lsp.ConfigurationParams(items=items))
    except (TimeoutError, JsonRpcException):
        return
    for folder, raw in zip(scopes, found or (), strict=False):
        if folder is None or folder in session.configuration.folders:
            session.configuration.take(raw, folder=folder)


def _answers(server: LanguageServer) -> bool:
    can = server.client_capabilities.workspace
    return can is not None and bool(can.configuration)
