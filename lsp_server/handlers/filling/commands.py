"""workspace/executeCommand: `dlm.fill` fills ranges of a document by a versioned edit.

Arguments: `[{"uri", "ranges": [Range…], "version"?, "strength"?}]`, or the first three by position. The result is
`{"applied": bool, "reason": str, "texts": [str…], "confidence": float | null}`.

`dlm.nextCandidate` and `dlm.previousCandidate` put another candidate in its place, or in that of the inline suggestion
that was accepted last, round and round; if there is only one, the model is asked for more, once. Argument: `[{"uri"}]`;
without it, the document that was filled last. The result tells besides which of how many stands there:
`{…, "candidate": int, "candidates": int}`, from 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from textwrap import shorten
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from lsp_server.errors import GivenUp, NothingFilled, StaleDocument
from lsp_server.handlers.error_codes import with_codes
from lsp_server.handlers.filling.arguments import FillArguments, document_of, read
from lsp_server.handlers.filling.fill import fill, filled_gaps, workspace_edit
from lsp_server.session import Session
from lsp_server.suggestions.fills import Choice, Fills
from lsp_server.types import Edit, Snapshot

FILL, NEXT, PREVIOUS = "dlm.fill", "dlm.nextCandidate", "dlm.previousCandidate"
MORE_CANDIDATES = 6
"""Asked of the model when a fill has no other candidate."""
_MESSAGE_LENGTH = 78
"""A longer line makes a terminal editor of 80 columns wait for a key."""


def register(server: LanguageServer, session: Session, fills: Fills) -> None:
    """Add this family's commands to `server`."""

    @server.command(FILL)
    @with_codes
    async def execute_fill(arguments: list[Any]) -> dict[str, Any]:
        wanted = read(arguments)
        try:
            return await _fill(server, session, fills, wanted)
        except (StaleDocument, NothingFilled) as reason:
            return _not_applied(server, reason)

    @server.command(NEXT)
    @with_codes
    async def next_candidate(arguments: list[Any]) -> dict[str, Any]:
        return await _another(server, session, fills, document_of(arguments), step=1)

    @server.command(PREVIOUS)
    @with_codes
    async def previous_candidate(arguments: list[Any]) -> dict[str, Any]:
        return await _another(server, session, fills, document_of(arguments), step=-1)


async def _fill(server: LanguageServer, session: Session, fills: Fills, wanted: FillArguments) -> dict[str, Any]:
    """What the command returns, after the client has applied the edit. Raises what `fill` raises."""
    made = await fill(server, session, fills, wanted)
    fills.made(made.choice, made.edits, made.now)
    refusal = await _applied(server, session, made.now, made.edits)
    return _not_applied(server, refusal) if refusal else _result(made.choice)


async def _another(
    server: LanguageServer, session: Session, fills: Fills, uri: str | None, *, step: int
) -> dict[str, Any]:
    """What the command returns, after the client has put the candidate `step` further on in place of the one there."""
    choice = fills.latest(uri)
    if choice is None:
        return _not_applied(
            server, "no fill to replace: fill something first (dlm.fill, a code action), or accept a suggestion"
        )
    session.check(choice.snapshot.uri)
    try:
        await _look_further(server, session, fills, choice)
    except StaleDocument as reason:
        return _not_applied(server, reason)
    now = session.documents.snapshot(choice.snapshot.uri)
    before, index = choice.index, (choice.index + step) % len(choice.candidates)
    edits = choice.edits(index, now)
    if edits is None:
        return _not_applied(server, "nothing replaced: the latest fill is not there, or was edited since")
    if index == before:
        return _not_applied(server, "no other candidate was found")
    as_it_was = tuple(replace(edit, new_text=text) for edit, text in zip(edits, choice.texts(before), strict=True))
    choice.index = index
    fills.made(choice, edits, now)
    refusal = await _applied(server, session, now, edits)
    if refusal:
        choice.index = before
        fills.made(choice, as_it_was, now)
        fills.changed(session.documents.snapshot(now.uri))
        return _not_applied(server, refusal)
    return {**_result(choice), "candidate": index + 1, "candidates": len(choice.candidates)}


async def _look_further(server: LanguageServer, session: Session, fills: Fills, choice: Choice) -> None:
    """Ask the model for more candidates, if there is but one and nobody has asked before."""
    regions = choice.places.now if choice.places is not None else None
    if len(choice.candidates) > 1 or choice.asked or regions is None:
        return
    places = fills.begin(choice.snapshot.uri, regions)
    try:
        found = await filled_gaps(server, session, choice.snapshot, choice.gaps, candidates=MORE_CANDIDATES)
    finally:
        fills.end(choice.snapshot.uri, places)
    known = {candidate.texts for candidate in choice.candidates}
    more = (*found.fill.candidates, *found.spare)
    choice.candidates += tuple(candidate for candidate in more if candidate.texts not in known)
    choice.asked = True


async def _applied(server: LanguageServer, session: Session, snapshot: Snapshot, edits: Sequence[Edit]) -> str:
    """Have the client apply the edits, for this version of the document only; "" if it did, else why not."""
    params = lsp.ApplyWorkspaceEditParams(label=_label(edits), edit=workspace_edit(snapshot, edits, session))
    try:
        answer = await server.workspace_apply_edit_async(params)
    except JsonRpcException as error:
        answer = lsp.ApplyWorkspaceEditResult(applied=False, failure_reason=error.message)
    return "" if answer.applied else f"the editor did not apply the fill: {answer.failure_reason or 'no reason given'}"


def _result(choice: Choice) -> dict[str, Any]:
    chosen = choice.candidates[choice.index]
    return {"applied": True, "reason": "", "texts": list(chosen.texts), "confidence": chosen.confidence}


def _label(edits: Sequence[Edit]) -> str:
    return "dlm-fill: fill a gap" if len(edits) == 1 else f"dlm-fill: fill {len(edits)} gaps"


def _not_applied(server: LanguageServer, reason: str | Exception) -> dict[str, Any]:
    """The result when nothing was edited; the user is told why in one short line, unless they gave it up."""
    if not isinstance(reason, GivenUp):
        message = shorten(f"dlm-fill: {reason}", _MESSAGE_LENGTH, placeholder=" …")
        server.window_show_message(lsp.ShowMessageParams(type=lsp.MessageType.Info, message=message))
    return {"applied": False, "reason": str(reason), "texts": [], "confidence": None}
