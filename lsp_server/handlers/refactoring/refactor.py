"""Refactoring what a command or a code action names: a change of the document, for the version that it was made for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server.code.text.positions import LineIndex
from lsp_server.errors import GivenUp, InputError, NothingFilled, StaleDocument
from lsp_server.handlers.filling.arguments import regions_of
from lsp_server.handlers.positions import to_lsp
from lsp_server.handlers.progress import Progress
from lsp_server.handlers.refactoring.arguments import RefactorArguments
from lsp_server.session.jobs import ASKED_ANEW, CANCELLED, Interrupted
from lsp_server.session.session import Session
from lsp_server.transforms.applying import Refactored, change_of, filled_with, refactored
from lsp_server.transforms.refactoring import Change, Refactoring
from lsp_server.transforms.registry import by_name
from lsp_server.types import Edit, Region, Snapshot
from lsp_server.workspace.uris import Uri
from model.types import Budget, Cancelled, Filler, FillOptions

_MAX_TIME_S = 20.0  # a function's body takes longer than a line; the editor shows progress and can cancel


@dataclass(frozen=True, kw_only=True)
class PreparedRefactoring:
    """A refactoring of `snapshot`, the document as it is. `wanted`: what was asked for, in its version."""

    snapshot: Snapshot
    region: Region
    done: Refactored
    wanted: RefactorArguments


async def refactor(
    server: LanguageServer,
    session: Session,
    wanted: RefactorArguments,
    among: Sequence[Refactoring],
    *,
    candidates: int = 1,
) -> PreparedRefactoring:
    """The refactoring that was asked for.

    Raises Refused, NothingFilled when nothing that fits was found, StaleDocument if the document was edited there since
    the version that was asked about, or anywhere while the model worked; ModelError if there is no model.
    """
    refactoring = by_name(wanted.name, among)
    session.check(wanted.place.uri)
    snapshot = session.documents.snapshot(wanted.place.uri)
    wanted, region = _placed(session, snapshot, wanted)
    change = await asyncio.to_thread(change_of, refactoring, snapshot, region, answers=wanted.answers)
    done = await _filled(server, session, snapshot, change, candidates=candidates)
    if not session.documents.is_current(snapshot):
        raise StaleDocument("nothing changed: the document was edited meanwhile; ask again")
    return PreparedRefactoring(snapshot=snapshot, region=region, done=done, wanted=wanted)


def made_again(session: Session, made: PreparedRefactoring, among: Sequence[Refactoring]) -> PreparedRefactoring:
    """The same refactoring of the document as it is now, with the same texts in its holes: no model is asked.

    Raises StaleDocument if it was edited where it was asked for, or has other holes now; Refused; NothingFilled.
    """
    snapshot = session.documents.snapshot(made.snapshot.uri)
    wanted, region = _placed(session, snapshot, made.wanted)
    change = change_of(by_name(wanted.name, among), snapshot, region, answers=wanted.answers)
    before = [gap.hole for gap in made.done.change.gaps]
    if [gap.hole for gap in change.gaps] != before:
        raise StaleDocument("nothing changed: the document was edited meanwhile; ask again")
    best = made.done.results[0]
    result = replace(filled_with(snapshot, change, best.texts), confidence=best.confidence)
    return replace(
        made, snapshot=snapshot, region=region, done=Refactored(change=change, results=(result,)), wanted=wanted
    )


def _placed(session: Session, snapshot: Snapshot, wanted: RefactorArguments) -> tuple[RefactorArguments, Region]:
    """What is asked for in the document as it is, and its region. Raises StaleDocument if it was edited there."""
    ranges = _up_to_date(session, snapshot, wanted)
    place = replace(wanted.place, uri=snapshot.uri, ranges=ranges, version=snapshot.version)
    (region,) = regions_of(snapshot, place, session.documents.encoding)
    return replace(wanted, place=place), region


async def _filled(
    server: LanguageServer, session: Session, snapshot: Snapshot, change: Change, *, candidates: int
) -> Refactored:
    """The change with its holes filled; the user sees progress and may cancel, if a model is asked at all."""
    uri = snapshot.uri
    settings = session.options_of(uri)
    options = FillOptions(
        candidates=candidates,
        budget=Budget(max_time_s=settings.max_time_s(default=_MAX_TIME_S)),
        share_other_files=settings.send_other_files,
    )
    if not change.gaps:
        return await asyncio.to_thread(refactored, snapshot, change, None, options, cancelled=lambda: False)
    others, cells = session.other_files(snapshot), session.cells(snapshot)

    def work(filler: Filler, cancelled: Cancelled) -> Refactored:
        return refactored(
            snapshot,
            change,
            filler,
            options,
            cancelled=cancelled,
            exclusions=session.exclusions,
            other_files=others,
            cells=cells,
        )

    progress = Progress(server, "dlm-fill: refactoring", on_cancel=lambda: session.jobs.interrupt(uri, CANCELLED))
    try:
        outcome = await session.jobs.run(uri, work, automatic=False)
    finally:
        progress.end("")
    if isinstance(outcome, Interrupted):
        known = outcome.reason in (CANCELLED, ASKED_ANEW)
        raise (GivenUp if known else StaleDocument)(f"nothing changed: {outcome.reason}")
    return outcome


def workspace_edit(server: LanguageServer, session: Session, made: PreparedRefactoring) -> lsp.WorkspaceEdit:
    """The best result as the client takes it, annotated if it can show annotations.

    What is unsure the user has to confirm. Raises NothingFilled where the client cannot have them do that.
    """
    snapshot, change, unsure = made.snapshot, made.done.change, made.done.unsure
    if change.new_file:
        return _new_file(server, made)
    index, encoding = LineIndex(snapshot.source), session.documents.encoding
    document = lsp.OptionalVersionedTextDocumentIdentifier(uri=snapshot.uri, version=snapshot.version)
    annotated = _annotates(server)
    if unsure and not annotated:
        raise NothingFilled(f"nothing changed: {made.done.doubt}; `dlm-fill refactor {made.wanted.name}` shows it")

    def text_edit(edit: Edit) -> lsp.TextEdit | lsp.AnnotatedTextEdit:
        place = to_lsp(index, edit.region, encoding)
        if annotated:
            return lsp.AnnotatedTextEdit(range=place, new_text=edit.new_text, annotation_id=_ANNOTATION)
        return lsp.TextEdit(range=place, new_text=edit.new_text)

    changes = lsp.TextDocumentEdit(
        text_document=document, edits=[text_edit(edit) for edit in made.done.results[0].edits]
    )
    label = f"{change.summary} ({made.done.doubt})" if unsure else change.summary
    annotation = lsp.ChangeAnnotation(label=label, needs_confirmation=change.confirm or unsure)
    return lsp.WorkspaceEdit(
        document_changes=[changes], change_annotations={_ANNOTATION: annotation} if annotated else None
    )


def _new_file(server: LanguageServer, made: PreparedRefactoring) -> lsp.WorkspaceEdit:
    """A file that is created, with its text. Raises InputError if the client cannot do that."""
    workspace = server.client_capabilities.workspace
    can = workspace.workspace_edit if workspace is not None else None
    if can is None or lsp.ResourceOperationKind.Create not in (can.resource_operations or ()):
        raise InputError("this editor creates no files for a language server: use `dlm-fill refactor test … --write`")
    uri = str(Uri.of(Path(made.done.change.new_file)))
    start = lsp.Position(line=0, character=0)
    text = lsp.TextEdit(range=lsp.Range(start=start, end=start), new_text=made.done.results[0].source.decode("utf-8"))
    document = lsp.OptionalVersionedTextDocumentIdentifier(uri=uri, version=None)
    return lsp.WorkspaceEdit(
        document_changes=[lsp.CreateFile(uri=uri), lsp.TextDocumentEdit(text_document=document, edits=[text])]
    )


_ANNOTATION = "dlm-fill"


def _annotates(server: LanguageServer) -> bool:
    """Whether the client shows what an edit is for, and has the user confirm it."""
    workspace = server.client_capabilities.workspace
    can = workspace.workspace_edit if workspace is not None else None
    return can is not None and bool(can.document_changes) and can.change_annotation_support is not None


def _up_to_date(
    session: Session, snapshot: Snapshot, wanted: RefactorArguments
) -> tuple[tuple[tuple[int, int], tuple[int, int]], ...]:
    """The range where it is in the document as it is. Raises StaleDocument if it was edited since."""
    version, ranges = wanted.place.version, wanted.place.ranges
    if version is None or version == snapshot.version:
        return ranges
    known = snapshot.version is not None and version < snapshot.version
    moved = session.documents.rebased(wanted.place.uri, ranges, since=version) if known else None
    if moved is None:
        raise StaleDocument(
            f"nothing changed: the document is at version {snapshot.version}, and version {version} was asked about: "
            "ask again"
        )
    return moved
