"""textDocument/didOpen, didChange, didClose: the editor's side of the documents."""

from __future__ import annotations

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server.documents import Change
from lsp_server.errors import InputError
from lsp_server.session import Session


def register(server: LanguageServer, session: Session) -> None:
    """Add this family's handlers to `server`."""

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: lsp.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        session.interrupt(document.uri, "the document was opened anew meanwhile")
        session.documents.open(
            document.uri, document.text, language_id=str(document.language_id), version=document.version
        )

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: lsp.DidChangeTextDocumentParams) -> None:
        document = params.text_document
        # Its answer would be dropped as stale anyway: let the machine go on to the next request.
        session.interrupt(document.uri, "the document changed meanwhile")
        try:
            session.documents.change(
                document.uri, [_change(c) for c in params.content_changes], version=document.version
            )
        except InputError as error:
            server.window_log_message(lsp.LogMessageParams(type=lsp.MessageType.Warning, message=f"dlm-fill: {error}"))

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: lsp.DidCloseTextDocumentParams) -> None:
        session.interrupt(params.text_document.uri, "the document was closed meanwhile")
        session.documents.close(params.text_document.uri)


def _change(event: lsp.TextDocumentContentChangeEvent) -> Change:
    if isinstance(event, lsp.TextDocumentContentChangeWholeDocument):
        return Change(text=event.text)
    start, end = event.range.start, event.range.end
    return Change(text=event.text, span=((start.line, start.character), (end.line, end.character)))
