"""workspace/executeCommand: `dlm.fill` fills ranges of a document by a versioned edit.

Arguments: `[{"uri", "ranges": [Range…], "version"?, "strength"?}]`, or the first three by position. The result is
`{"applied": bool, "confirmed": bool, "reason": str, "texts": [str…], "confidence": float | null}`; `confirmed` says that
the document was seen with the fill, and not only that the editor says so.

`dlm.nextCandidate` and `dlm.previousCandidate` put another candidate in its place, or in that of the inline suggestion
that was accepted last, round and round; if there is only one, the model is asked for more, once. Argument: `[{"uri"}]`;
without it, the document that was filled last. The result tells besides which of how many stands there:
`{…, "candidate": int, "candidates": int}`, from 1.
"""

from __future__ import annotations

from typing import Any

from pygls.lsp.server import LanguageServer

from lsp_server.errors import GivenUp, NothingFilled, StaleDocument
from lsp_server.feedback.metrics import Metrics
from lsp_server.handlers.error_codes import with_codes
from lsp_server.handlers.filling.arguments import FillArguments, document_of, read
from lsp_server.handlers.filling.deliver import Courier, Delivered
from lsp_server.handlers.filling.fill import fill, filled_gaps
from lsp_server.handlers.messages import tell
from lsp_server.session.session import Session
from lsp_server.suggestions.choice import Choice
from lsp_server.suggestions.fills import Fills

FILL, NEXT, PREVIOUS = "dlm.fill", "dlm.nextCandidate", "dlm.previousCandidate"
MORE_CANDIDATES = 6
"""Asked of the model when a fill has no other candidate."""


def register(server: LanguageServer, session: Session, fills: Fills, metrics: Metrics) -> None:
    """Add this family's commands to `server`."""
    courier = Courier(server=server, session=session, fills=fills, metrics=metrics)

    @server.command(FILL)
    @with_codes
    async def execute_fill(arguments: list[Any]) -> dict[str, Any]:
        wanted = read(arguments)
        try:
            return await _fill(courier, wanted)
        except (StaleDocument, NothingFilled) as reason:
            return _not_applied(server, session, reason)

    @server.command(NEXT)
    @with_codes
    async def next_candidate(arguments: list[Any]) -> dict[str, Any]:
        return await _another(courier, document_of(arguments), step=1)

    @server.command(PREVIOUS)
    @with_codes
    async def previous_candidate(arguments: list[Any]) -> dict[str, Any]:
        return await _another(courier, document_of(arguments), step=-1)


async def _fill(courier: Courier, wanted: FillArguments) -> dict[str, Any]:
    """What the command returns, after the client has applied the edit. Raises what `fill` raises."""
    made = await fill(courier.server, courier.session, courier.fills, wanted)
    delivered = await courier.deliver(made.choice, made.edits, made.now)
    return _result(courier, made.choice, delivered)


async def _another(courier: Courier, uri: str | None, *, step: int) -> dict[str, Any]:
    """What the command returns, after the client has put the candidate `step` further on in place of the one there."""
    server, session, fills = courier.server, courier.session, courier.fills
    choice = fills.latest(uri)
    if choice is None:
        reason = "no fill to replace: fill something first (dlm.fill, a code action), or accept a suggestion"
        return _not_applied(server, session, reason)
    session.check(choice.snapshot.uri)
    try:
        await _look_further(server, session, fills, choice)
    except StaleDocument as reason:
        return _not_applied(server, session, reason)
    now = session.documents.snapshot(choice.snapshot.uri)
    index = (choice.index + step) % len(choice.candidates)
    edits = choice.edits(index, now)
    if edits is None:
        return _not_applied(server, session, "nothing replaced: the latest fill is not there, or was edited since")
    if index == choice.index:
        return _not_applied(server, session, "no other candidate was found")
    choice.turn(index)
    delivered = await courier.deliver(choice, edits, now)
    if delivered.refusal:
        there = None if delivered.delivery.closed else delivered.delivery.sought.now
        choice.turn_back(there, b"" if there is None else session.documents.snapshot(now.uri).source)
    result = _result(courier, choice, delivered)
    return result if delivered.refusal else {**result, "candidate": index + 1, "candidates": len(choice.candidates)}


async def _look_further(server: LanguageServer, session: Session, fills: Fills, choice: Choice) -> None:
    """Ask the model for more candidates, if there is but one and nobody has asked before."""
    if not choice.may_grow:
        return
    places = fills.begin(choice.snapshot.uri, choice.regions or ())
    try:
        found = await filled_gaps(server, session, choice.snapshot, choice.gaps, candidates=MORE_CANDIDATES)
    finally:
        fills.end(choice.snapshot.uri, places)
    choice.grow((*found.fill.candidates, *found.spare))


def _result(courier: Courier, choice: Choice, delivered: Delivered) -> dict[str, Any]:
    if delivered.refusal:
        return _not_applied(courier.server, courier.session, delivered.refusal)
    texts, confidence = list(choice.chosen.texts), choice.chosen.confidence
    return {
        "applied": True, "confirmed": delivered.confirmed, "reason": "", "texts": texts, "confidence": confidence
    }  # fmt: skip


def _not_applied(server: LanguageServer, session: Session, reason: str | Exception) -> dict[str, Any]:
    """The result when nothing was edited; the user is told why, unless they gave it up."""
    if not isinstance(reason, GivenUp):
        tell(server, session, reason)
    return {"applied": False, "confirmed": False, "reason": str(reason), "texts": [], "confidence": None}
