"""workspace/executeCommand: `dlm.fill` fills ranges of a document by a versioned edit.

Arguments: `[{"uri", "ranges": [Range…], "version"?}]`, or the three by position. The result is
`{"applied": bool, "reason": str, "texts": [str…], "confidence": float | null}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from lsp_server import pipeline
from lsp_server.errors import StaleDocument
from lsp_server.handlers.error_codes import with_codes
from lsp_server.handlers.fill_arguments import FillArguments, read, regions_of
from lsp_server.handlers.positions import to_lsp
from lsp_server.handlers.progress import Progress
from lsp_server.session import Interrupted, Session
from lsp_server.settings import FillOptions
from lsp_server.source.positions import LineIndex
from lsp_server.transforms.fill import fill_regions
from lsp_server.types import Edit, Filled, Region, Snapshot
from model.types import Cancelled, Filler

FILL = "dlm.fill"
_MAX_TIME_S = 10.0  # then the best so far comes back; the editor shows progress and can cancel


def register(server: LanguageServer, session: Session) -> None:
    """Add this family's commands to `server`."""

    @server.command(FILL)
    @with_codes
    async def fill(arguments: list[Any]) -> dict[str, Any]:
        wanted = read(arguments)
        try:
            return await _fill(server, session, wanted)
        except StaleDocument as stale:
            return _not_applied(server, str(stale))


async def _fill(server: LanguageServer, session: Session, wanted: FillArguments) -> dict[str, Any]:
    """What the command returns, after the client has applied the edit.

    Raises InputError for ranges that cannot be filled, StaleDocument if the document changed,
    ModelError if there is no model.
    """
    snapshot = session.documents.snapshot(wanted.uri)
    if wanted.version is not None and wanted.version != snapshot.version:
        raise StaleDocument(
            f"nothing filled: the document is at version {snapshot.version}, "
            f"and version {wanted.version} was to be filled: ask again"
        )
    gaps = fill_regions(snapshot, regions_of(snapshot, wanted, session.documents.encoding))
    around = Region(min(gap.region.start for gap in gaps), max(gap.region.end for gap in gaps))
    covered = session.documents.covering(snapshot, around)
    options = FillOptions(max_time_s=session.options.max_time_s(default=_MAX_TIME_S))

    def work(filler: Filler, cancelled: Cancelled) -> Filled:
        return pipeline.run(covered, gaps, filler, options, cancelled=cancelled)

    progress = Progress(server, "dlm-fill: filling", on_cancel=lambda: session.interrupt(wanted.uri, "cancelled"))
    try:
        outcome = await session.run(wanted.uri, work, automatic=False)
    finally:
        progress.end("")
    if isinstance(outcome, Interrupted):
        raise StaleDocument(f"nothing filled: {outcome.reason}")
    if not session.documents.is_current(snapshot):
        raise StaleDocument("nothing filled: the document changed meanwhile; ask again")
    if not outcome.edits:
        return _not_applied(server, f"nothing filled: {outcome.reason}")
    return await _apply(server, snapshot, outcome, session)


async def _apply(server: LanguageServer, snapshot: Snapshot, filled: Filled, session: Session) -> dict[str, Any]:
    """Have the client apply the edits, for this version of the document only."""
    params = lsp.ApplyWorkspaceEditParams(
        label=_label(filled.edits), edit=_workspace_edit(snapshot, filled.edits, session)
    )
    try:
        answer = await server.workspace_apply_edit_async(params)
    except JsonRpcException as error:
        answer = lsp.ApplyWorkspaceEditResult(applied=False, failure_reason=error.message)
    if not answer.applied:
        return _not_applied(server, f"the editor did not apply the fill: {answer.failure_reason or 'no reason given'}")
    best = filled.fill.candidates[0]
    return {"applied": True, "reason": "", "texts": list(best.texts), "confidence": best.confidence}


def _workspace_edit(snapshot: Snapshot, edits: Sequence[Edit], session: Session) -> lsp.WorkspaceEdit:
    index, encoding = LineIndex(snapshot.source), session.documents.encoding
    document = lsp.OptionalVersionedTextDocumentIdentifier(uri=snapshot.uri, version=snapshot.version)
    texts = [lsp.TextEdit(range=to_lsp(index, edit.region, encoding), new_text=edit.new_text) for edit in edits]
    return lsp.WorkspaceEdit(document_changes=[lsp.TextDocumentEdit(text_document=document, edits=texts)])


def _label(edits: Sequence[Edit]) -> str:
    return "dlm-fill: fill a gap" if len(edits) == 1 else f"dlm-fill: fill {len(edits)} gaps"


def _not_applied(server: LanguageServer, reason: str) -> dict[str, Any]:
    """The result when nothing was edited; the user is told why."""
    server.window_show_message(lsp.ShowMessageParams(type=lsp.MessageType.Info, message=f"dlm-fill: {reason}"))
    return {"applied": False, "reason": reason, "texts": [], "confidence": None}
