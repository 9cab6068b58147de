"""Filling what a command or a code action names: the gaps of a document, and their edits for its version alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from lsp_server import pipeline
from lsp_server.code.text.positions import LineIndex
from lsp_server.errors import GivenUp, NothingFilled, StaleDocument
from lsp_server.handlers.filling.arguments import FillArguments, regions_of
from lsp_server.handlers.positions import to_lsp
from lsp_server.handlers.preview import preview_of
from lsp_server.handlers.progress import Progress
from lsp_server.session.jobs import ASKED_ANEW, CANCELLED, Interrupted
from lsp_server.session.session import Session
from lsp_server.suggestions.choice import Choice
from lsp_server.suggestions.fills import Fills
from lsp_server.transforms.fill import fill_regions
from lsp_server.types import Edit, Filled, Gap, Region, Snapshot
from model.types import Budget, Cancelled, Filler, FillOptions

_MAX_TIME_S = 10.0  # then the best so far comes back; the editor shows progress and can cancel


@dataclass(frozen=True, kw_only=True)
class FilledGaps:
    """What fills the gaps: `edits` of the document `now`, and what else they might have been."""

    now: Snapshot
    edits: tuple[Edit, ...]
    choice: Choice


async def fill(server: LanguageServer, session: Session, fills: Fills, wanted: FillArguments) -> FilledGaps:
    """What fills the ranges, as edits of the document as it is by then.

    Raises InputError for ranges and files that cannot be filled, NothingFilled when nothing that fits was found, StaleDocument
    if an edit touched a range since the version that was asked about; ModelError if there is no model.
    """
    session.check(wanted.uri)
    snapshot = session.documents.snapshot(wanted.uri)
    wanted = _up_to_date(session, snapshot, replace(wanted, uri=snapshot.uri))
    gaps = fill_regions(snapshot, regions_of(snapshot, wanted, session.documents.encoding))
    gaps = tuple(replace(gap, hole=replace(gap.hole, strength=wanted.strength)) for gap in gaps)
    around = Region(min(gap.region.start for gap in gaps), max(gap.region.end for gap in gaps))
    covered = session.documents.covering(snapshot, around)
    places = fills.begin(wanted.uri, [gap.region for gap in gaps])
    try:
        filled = await filled_gaps(server, session, covered, gaps, candidates=1)
        if filled.breaks and not await _wanted_anyway(server):
            raise NothingFilled("nothing filled: every text found would leave a syntax error")
    finally:
        fills.end(wanted.uri, places)
    now = snapshot if session.documents.is_current(snapshot) else session.documents.snapshot(wanted.uri)
    if places.now is None or (now is not snapshot and None in (now.version, snapshot.version)):
        raise StaleDocument("nothing filled: the document changed meanwhile where it was to be filled; ask again")
    if not filled.edits:
        said = filled.reason
        raise NothingFilled(said if said.startswith("nothing ") else f"nothing filled: {said}")
    moved = zip(filled.edits, places.now, strict=True)
    edits = tuple(replace(edit, region=region, version=now.version) for edit, region in moved)
    first, *others = (*filled.fill.candidates, *filled.spare)
    candidates = (first, *(other for other in others if other.parses is not False))
    return FilledGaps(now=now, edits=edits, choice=Choice(snapshot=covered, gaps=gaps, candidates=candidates))


async def filled_gaps(
    server: LanguageServer, session: Session, snapshot: Snapshot, gaps: tuple[Gap, ...], *, candidates: int
) -> Filled:
    """What fills the gaps of a document as it was or is; the user sees progress, and may cancel.

    Raises StaleDocument if it was interrupted, ModelError if there is no model.
    """
    uri = snapshot.uri
    settings = session.options_of(uri)
    options = FillOptions(
        candidates=candidates,
        budget=Budget(max_time_s=settings.max_time_s(default=_MAX_TIME_S)),
        share_other_files=settings.send_other_files,
    )
    preview = preview_of(server, session, snapshot, gaps)
    others, cells = session.other_files(snapshot), session.cells(snapshot)

    def work(filler: Filler, cancelled: Cancelled) -> Filled:
        return pipeline.run(
            snapshot,
            gaps,
            filler,
            options,
            cancelled=cancelled,
            on_event=preview,
            exclusions=session.exclusions,
            other_files=others,
            cells=cells,
        )

    progress = Progress(server, "dlm-fill: filling", on_cancel=lambda: session.jobs.interrupt(uri, CANCELLED))
    try:
        outcome = await session.jobs.run(uri, work, automatic=False)
    finally:
        progress.end("")
    if isinstance(outcome, Interrupted):
        known = outcome.reason in (CANCELLED, ASKED_ANEW)
        raise (GivenUp if known else StaleDocument)(f"nothing filled: {outcome.reason}")
    return outcome


async def _wanted_anyway(server: LanguageServer) -> bool:
    """Whether the user wants an edit that breaks a file that parsed."""
    anyway = lsp.MessageActionItem(title="Apply anyway")
    params = lsp.ShowMessageRequestParams(
        type=lsp.MessageType.Warning,
        message="dlm-fill: with this fill the file has a syntax error",
        actions=[anyway, lsp.MessageActionItem(title="Leave it")],
    )
    try:
        answer = await server.window_show_message_request_async(params)
    except JsonRpcException:
        return False
    return answer is not None and answer.title == anyway.title


def workspace_edit(snapshot: Snapshot, edits: Sequence[Edit], session: Session) -> lsp.WorkspaceEdit:
    """The edits as the client takes them, for this version of the document alone."""
    index, encoding = LineIndex(snapshot.source), session.documents.encoding
    # Neovim passes over edits of a positive version below its own; its versions are 0, and after the first change 2 or more.
    version = 1 if snapshot.version == 0 and session.editor == "Neovim" else snapshot.version
    document = lsp.OptionalVersionedTextDocumentIdentifier(uri=snapshot.uri, version=version)
    texts = [lsp.TextEdit(range=to_lsp(index, edit.region, encoding), new_text=edit.new_text) for edit in edits]
    return lsp.WorkspaceEdit(document_changes=[lsp.TextDocumentEdit(text_document=document, edits=texts)])


def _up_to_date(session: Session, snapshot: Snapshot, wanted: FillArguments) -> FillArguments:
    """The ranges where they are in the document as it is, if they are of an earlier version.

    Raises StaleDocument if they were edited since.
    """
    if wanted.version is None or wanted.version == snapshot.version:
        return wanted
    versions = f"the document is at version {snapshot.version}, and version {wanted.version} was to be filled"
    if snapshot.version is None or wanted.version > snapshot.version:
        raise StaleDocument(f"nothing filled: {versions}: ask again")
    moved = session.documents.rebased(wanted.uri, wanted.ranges, since=wanted.version)
    if moved is None:
        raise StaleDocument(f"nothing filled: {versions}; it was edited there since: ask again")
    return replace(wanted, ranges=moved, version=snapshot.version)
