"""textDocument/didOpen, didChange, didClose: the editor's side of the documents."""

from __future__ import annotations

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server.documents import Change
from lsp_server.errors import InputError
from lsp_server.feedback.kept import Kept
from lsp_server.session import Session
from lsp_server.suggestions.fills import Fills
from lsp_server.suggestions.service import Suggester
from lsp_server.types import Region


def register(server: LanguageServer, session: Session, suggester: Suggester, fills: Fills, kept: Kept) -> None:
    """Add this family's handlers to `server`."""

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: lsp.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        session.interrupt(document.uri, "the document was opened anew meanwhile")
        session.documents.open(
            document.uri, document.text, language_id=str(document.language_id), version=document.version
        )
        session.leaves_alone(document.uri)  # so that the status says it before anything is asked

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: lsp.DidChangeTextDocumentParams) -> None:
        uri, version = params.text_document.uri, params.text_document.version

        def edited(region: Region | None, text: str) -> None:
            if region is not None:
                kept.edited(uri, region, text)
            goes_on = fills.edited(uri, region, text)
            if not goes_on and (region is None or not suggester.edited(uri, region, text)):
                # Its answer would be dropped as stale anyway: let the machine go on to the next request.
                session.interrupt(uri, "the document changed meanwhile")

        try:
            changes = [_change(c) for c in params.content_changes]
            fills.changed(session.documents.change(uri, changes, version=version, on_edit=edited))
        except InputError as error:
            server.window_log_message(lsp.LogMessageParams(type=lsp.MessageType.Warning, message=f"dlm-fill: {error}"))

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: lsp.DidCloseTextDocumentParams) -> None:
        session.interrupt(params.text_document.uri, "the document was closed meanwhile")
        session.documents.close(params.text_document.uri)
        suggester.forget(params.text_document.uri)
        fills.forget(params.text_document.uri)
        session.closed(params.text_document.uri)


def _change(event: lsp.TextDocumentContentChangeEvent) -> Change:
    if isinstance(event, lsp.TextDocumentContentChangeWholeDocument):
        return Change(text=event.text)
    start, end = event.range.start, event.range.end
    return Change(text=event.text, span=((start.line, start.character), (end.line, end.character)))
