"""workspace/executeCommand: `dlm.refactor` makes a refactoring by a versioned edit.

Argument: `[{"refactoring": name, "uri", "range": Range, "version"?, "answers"?: {"name": …}}]`. The result is
`{"applied": bool, "reason": str, "summary": str, "texts": [str…], "confidence": float | null}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from lsp_server.errors import GivenUp, NothingFilled, StaleDocument
from lsp_server.handlers.error_codes import with_codes
from lsp_server.handlers.messages import tell
from lsp_server.handlers.refactoring.arguments import read
from lsp_server.handlers.refactoring.refactor import Made, refactor, workspace_edit
from lsp_server.session import Session
from lsp_server.transforms.refactoring import Refactoring, Refused

REFACTOR = "dlm.refactor"


def register(server: LanguageServer, session: Session, among: Sequence[Refactoring]) -> None:
    """Add the command to `server`."""

    @server.command(REFACTOR)
    @with_codes
    async def execute_refactor(arguments: list[Any]) -> dict[str, Any]:
        try:
            made = await refactor(server, session, read(arguments), among)
        except (StaleDocument, NothingFilled, Refused) as reason:
            return _not_applied(server, session, reason)
        refusal = await _applied(server, session, made)
        return _not_applied(server, session, refusal) if refusal else _result(made)


async def _applied(server: LanguageServer, session: Session, made: Made) -> str:
    """Have the client apply the edit, for this version of the document only; "" if it did, else why not."""
    label = f"dlm-fill: {made.done.change.summary}"
    params = lsp.ApplyWorkspaceEditParams(label=label, edit=workspace_edit(server, session, made))
    try:
        answer = await server.workspace_apply_edit_async(params)
    except JsonRpcException as error:
        answer = lsp.ApplyWorkspaceEditResult(applied=False, failure_reason=error.message)
    return "" if answer.applied else f"the editor did not apply it: {answer.failure_reason or 'no reason given'}"


def _result(made: Made) -> dict[str, Any]:
    best = made.done.results[0]
    return {
        "applied": True,
        "reason": "",
        "summary": made.done.change.summary,
        "texts": list(best.texts),
        "confidence": best.confidence,
    }


def _not_applied(server: LanguageServer, session: Session, reason: str | Exception) -> dict[str, Any]:
    """The result when nothing was edited; the user is told why, unless they gave it up."""
    if not isinstance(reason, GivenUp):
        tell(server, session, reason)
    return {"applied": False, "reason": str(reason), "summary": "", "texts": [], "confidence": None}
