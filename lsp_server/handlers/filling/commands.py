"""workspace/executeCommand: `dlm.fill` fills ranges of a document by a versioned edit.

Arguments: `[{"uri", "ranges": [Range…], "version"?, "strength"?}]`, or the first three by position. The result is
`{"applied": bool, "reason": str, "texts": [str…], "confidence": float | null}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from lsp_server.errors import StaleDocument
from lsp_server.handlers.error_codes import with_codes
from lsp_server.handlers.filling.arguments import FillArguments, read
from lsp_server.handlers.filling.fill import fill, workspace_edit
from lsp_server.session import Session
from lsp_server.types import Edit, Filled, Snapshot

FILL = "dlm.fill"


def register(server: LanguageServer, session: Session) -> None:
    """Add this family's commands to `server`."""

    @server.command(FILL)
    @with_codes
    async def execute_fill(arguments: list[Any]) -> dict[str, Any]:
        wanted = read(arguments)
        try:
            return await _fill(server, session, wanted)
        except StaleDocument as stale:
            return _not_applied(server, str(stale))


async def _fill(server: LanguageServer, session: Session, wanted: FillArguments) -> dict[str, Any]:
    """What the command returns, after the client has applied the edit. Raises what `fill` raises."""
    snapshot, filled = await fill(server, session, wanted)
    if not filled.edits:
        return _not_applied(server, f"nothing filled: {filled.reason}")
    return await _apply(server, snapshot, filled, session)


async def _apply(server: LanguageServer, snapshot: Snapshot, filled: Filled, session: Session) -> dict[str, Any]:
    """Have the client apply the edits, for this version of the document only."""
    params = lsp.ApplyWorkspaceEditParams(
        label=_label(filled.edits), edit=workspace_edit(snapshot, filled.edits, session)
    )
    try:
        answer = await server.workspace_apply_edit_async(params)
    except JsonRpcException as error:
        answer = lsp.ApplyWorkspaceEditResult(applied=False, failure_reason=error.message)
    if not answer.applied:
        return _not_applied(server, f"the editor did not apply the fill: {answer.failure_reason or 'no reason given'}")
    best = filled.fill.candidates[0]
    return {"applied": True, "reason": "", "texts": list(best.texts), "confidence": best.confidence}


def _label(edits: Sequence[Edit]) -> str:
    return "dlm-fill: fill a gap" if len(edits) == 1 else f"dlm-fill: fill {len(edits)} gaps"


def _not_applied(server: LanguageServer, reason: str) -> dict[str, Any]:
    """The result when nothing was edited; the user is told why."""
    server.window_show_message(lsp.ShowMessageParams(type=lsp.MessageType.Info, message=f"dlm-fill: {reason}"))
    return {"applied": False, "reason": reason, "texts": [], "confidence": None}
