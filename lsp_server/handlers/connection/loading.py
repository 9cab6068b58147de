"""Loading the model, in view of the user."""

from __future__ import annotations

import asyncio

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server.handlers.progress import Progress
from lsp_server.session.session import Session
from model.errors import ModelError


async def load(server: LanguageServer, session: Session) -> None:
    """Load the model, with progress where the client shows it, and an error message if it fails."""
    loading = asyncio.ensure_future(session.loading.filler())
    progress = Progress(server, f"dlm-fill: loading the model {session.options.model}")
    try:
        filler = await loading
        outcome = f"{filler.info.name} on {filler.info.device}"
    except ModelError as error:
        outcome = "no model"
        message = lsp.ShowMessageParams(type=lsp.MessageType.Error, message=f"dlm-fill: {error}")
        server.window_show_message(message)
    progress.end(outcome)
