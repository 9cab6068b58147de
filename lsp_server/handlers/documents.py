"""textDocument/didOpen, didChange, didSave, didClose: the editor's side of the documents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server.diagnostics.watch import SuspicionWatch
from lsp_server.documents.store import DocumentChange
from lsp_server.errors import InputError
from lsp_server.feedback.acceptance import Acceptance
from lsp_server.feedback.kept import Kept
from lsp_server.session.session import Session
from lsp_server.suggestions.fills import Fills
from lsp_server.suggestions.service import Suggester
from lsp_server.types import Region


@dataclass(frozen=True, kw_only=True)
class Editing:
    """What an editor does to documents, those that are cells of notebooks included."""

    server: LanguageServer
    session: Session
    suggester: Suggester
    fills: Fills
    kept: Kept
    acceptance: Acceptance
    watch: SuspicionWatch

    def opened(self, document: lsp.TextDocumentItem) -> None:
        self.session.jobs.interrupt(document.uri, "the document was opened anew meanwhile")
        self.fills.forget(document.uri)
        self.acceptance.forget(document.uri)
        self.watch.closed(document.uri)
        self.session.documents.open(
            document.uri, document.text, language_id=str(document.language_id), version=document.version
        )
        self.suggester.ahead.rests(document.uri, 0)  # until the editor says where the cursor is

    def changed(self, uri: str, version: int, events: Iterable[lsp.TextDocumentContentChangeEvent]) -> None:
        def edited(region: Region | None, text: str) -> None:
            if region is not None:
                self.kept.edited(uri, region, text)
                self.suggester.ahead.edited(uri, region.start + len(text.encode()))
            self.acceptance.edited(uri, region, text)
            self.watch.edited(uri, region, text)
            goes_on = self.fills.edited(uri, region, text)
            if not goes_on and (region is None or not self.suggester.edited(uri, region, text)):
                # Its answer would be dropped as stale anyway: let the machine go on to the next request.
                self.session.jobs.interrupt(uri, "the document changed meanwhile")

        try:
            changes = [_change(event) for event in events]
            accepted = self.fills.changed(self.session.documents.change(uri, changes, version=version, on_edit=edited))
            if accepted is not None:
                self.acceptance.seen(uri, accepted)
            self.watch.changed(uri)
        except InputError as error:
            message = lsp.LogMessageParams(type=lsp.MessageType.Warning, message=f"dlm-fill: {error}")
            self.server.window_log_message(message)

    def closed(self, uri: str) -> None:
        self.session.jobs.interrupt(uri, "the document was closed meanwhile")
        self.watch.closed(uri)
        self.session.documents.close(uri)
        self.suggester.forget(uri)
        self.fills.forget(uri)
        self.acceptance.forget(uri)
        self.session.closed(uri)


def register(server: LanguageServer, editing: Editing) -> None:
    """Add this family's handlers to `server`."""

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: lsp.DidOpenTextDocumentParams) -> None:
        editing.opened(params.text_document)
        editing.session.leaves_alone(params.text_document.uri)  # so that the status says it before anything is asked

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: lsp.DidChangeTextDocumentParams) -> None:
        editing.changed(params.text_document.uri, params.text_document.version, params.content_changes)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE, lsp.SaveOptions(include_text=False))
    def did_save(params: lsp.DidSaveTextDocumentParams) -> None:
        editing.watch.saved(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: lsp.DidCloseTextDocumentParams) -> None:
        editing.closed(params.text_document.uri)


def _change(event: lsp.TextDocumentContentChangeEvent) -> DocumentChange:
    if isinstance(event, lsp.TextDocumentContentChangeWholeDocument):
        return DocumentChange(text=event.text)
    start, end = event.range.start, event.range.end
    return DocumentChange(text=event.text, span=((start.line, start.character), (end.line, end.character)))
