"""Filling what a command or a code action names: the gaps of a document, and their edits for its version alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server import pipeline
from lsp_server.errors import StaleDocument
from lsp_server.handlers.filling.arguments import FillArguments, regions_of
from lsp_server.handlers.positions import to_lsp
from lsp_server.handlers.preview import preview_of
from lsp_server.handlers.progress import Progress
from lsp_server.session import Interrupted, Session
from lsp_server.settings import FillOptions
from lsp_server.source.positions import LineIndex
from lsp_server.transforms.fill import fill_regions
from lsp_server.types import Edit, Filled, Region, Snapshot
from model.types import Cancelled, Filler

_MAX_TIME_S = 10.0  # then the best so far comes back; the editor shows progress and can cancel


async def fill(server: LanguageServer, session: Session, wanted: FillArguments) -> tuple[Snapshot, Filled]:
    """The document as it was asked about, and still is, and what fills it.

    Raises InputError for ranges and files that cannot be filled, StaleDocument if the document changed,
    ModelError if there is no model.
    """
    session.check(wanted.uri)
    snapshot = session.documents.snapshot(wanted.uri)
    if wanted.version is not None and wanted.version != snapshot.version:
        raise StaleDocument(
            f"nothing filled: the document is at version {snapshot.version}, "
            f"and version {wanted.version} was to be filled: ask again"
        )
    gaps = fill_regions(snapshot, regions_of(snapshot, wanted, session.documents.encoding))
    gaps = tuple(replace(gap, hole=replace(gap.hole, strength=wanted.strength)) for gap in gaps)
    around = Region(min(gap.region.start for gap in gaps), max(gap.region.end for gap in gaps))
    covered = session.documents.covering(snapshot, around)
    options = FillOptions(max_time_s=session.options_of(wanted.uri).max_time_s(default=_MAX_TIME_S))

    preview = preview_of(server, session, snapshot, gaps)
    others = session.other_files(snapshot)

    def work(filler: Filler, cancelled: Cancelled) -> Filled:
        return pipeline.run(
            covered,
            gaps,
            filler,
            options,
            cancelled=cancelled,
            on_event=preview,
            exclusions=session.exclusions,
            other_files=others,
        )

    progress = Progress(server, "dlm-fill: filling", on_cancel=lambda: session.interrupt(wanted.uri, "cancelled"))
    try:
        outcome = await session.run(wanted.uri, work, automatic=False)
    finally:
        progress.end("")
    if isinstance(outcome, Interrupted):
        raise StaleDocument(f"nothing filled: {outcome.reason}")
    if not session.documents.is_current(snapshot):
        raise StaleDocument("nothing filled: the document changed meanwhile; ask again")
    return snapshot, outcome


def workspace_edit(snapshot: Snapshot, edits: Sequence[Edit], session: Session) -> lsp.WorkspaceEdit:
    index, encoding = LineIndex(snapshot.source), session.documents.encoding
    document = lsp.OptionalVersionedTextDocumentIdentifier(uri=snapshot.uri, version=snapshot.version)
    texts = [lsp.TextEdit(range=to_lsp(index, edit.region, encoding), new_text=edit.new_text) for edit in edits]
    return lsp.WorkspaceEdit(document_changes=[lsp.TextDocumentEdit(text_document=document, edits=texts)])
