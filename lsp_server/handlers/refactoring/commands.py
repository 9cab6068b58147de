"""workspace/executeCommand: `dlm.refactor` makes a refactoring by a versioned edit.

Argument: `[{"refactoring": name, "uri", "range": Range, "version"?, "answers"?: {"name": …}}]`. The result is
`{"applied": bool, "confirmed": bool, "reason": str, "summary": str, "texts": [str…], "confidence": float | null}`;
`confirmed` says that the document was seen with the change, and not only that the editor says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pygls.lsp.server import LanguageServer

from lsp_server.errors import GivenUp, NothingFilled, StaleDocument
from lsp_server.handlers.error_codes import with_codes
from lsp_server.handlers.messages import tell
from lsp_server.handlers.refactoring.arguments import read
from lsp_server.handlers.refactoring.deliver import DeliveredRefactoring, RefactoringCourier
from lsp_server.handlers.refactoring.refactor import refactor
from lsp_server.session.session import Session
from lsp_server.suggestions.fills import Fills
from lsp_server.transforms.refactoring import Refactoring, Refused

REFACTOR = "dlm.refactor"


def register(server: LanguageServer, session: Session, fills: Fills, among: Sequence[Refactoring]) -> None:
    """Add the command to `server`."""
    courier = RefactoringCourier(server=server, session=session, fills=fills, among=among)

    @server.command(REFACTOR)
    @with_codes
    async def execute_refactor(arguments: list[Any]) -> dict[str, Any]:
        try:
            made = await refactor(server, session, read(arguments), among)
            return _result(await courier.deliver(made))
        except (StaleDocument, NothingFilled, Refused) as reason:
            return _not_applied(server, session, reason)


def _result(delivered: DeliveredRefactoring) -> dict[str, Any]:
    done = delivered.made.done
    best = done.results[0]
    return {
        "applied": True,
        "confirmed": delivered.confirmed,
        "reason": "",
        "summary": done.change.summary,
        "texts": list(best.texts),
        "confidence": best.confidence,
    }


def _not_applied(server: LanguageServer, session: Session, reason: str | Exception) -> dict[str, Any]:
    """The result when nothing was edited; the user is told why, unless they gave it up."""
    if not isinstance(reason, GivenUp):
        tell(server, session, reason)
    return {
        "applied": False, "confirmed": False, "reason": str(reason), "summary": "", "texts": [], "confidence": None
    }  # fmt: skip
