"""notebookDocument/didOpen, didChange, didClose: notebooks, whose cells are documents that know each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server.documents.notebooks import Cell
from lsp_server.handlers.documents import Editing

SYNC = lsp.NotebookDocumentSyncOptions(notebook_selector=[lsp.NotebookDocumentFilterWithNotebook(notebook="*")])


def register(server: LanguageServer, editing: Editing) -> None:
    """Add this family's handlers to `server`."""
    notebooks = editing.session.notebooks

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_OPEN)
    def did_open(params: lsp.DidOpenNotebookDocumentParams) -> None:
        notebooks.open(params.notebook_document.uri, _cells(params.notebook_document.cells))
        for document in params.cell_text_documents:
            editing.opened(document)

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_CHANGE)
    def did_change(params: lsp.DidChangeNotebookDocumentParams) -> None:
        uri, change = params.notebook_document.uri, params.change.cells
        if change is None:
            return
        if change.structure is not None:
            array = change.structure.array
            notebooks.splice(uri, array.start, array.delete_count, _cells(array.cells or ()))
            for document in change.structure.did_open or ():
                editing.opened(document)
            for closed in change.structure.did_close or ():
                editing.closed(closed.uri)
        notebooks.turn(uri, _cells(change.data or ()))
        for text in change.text_content or ():
            editing.changed(text.document.uri, text.document.version, text.changes)

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def did_close(params: lsp.DidCloseNotebookDocumentParams) -> None:
        notebooks.close(params.notebook_document.uri)
        for document in params.cell_text_documents:
            editing.closed(document.uri)


def _cells(cells: Iterable[lsp.NotebookCell]) -> Iterator[Cell]:
    for cell in cells:
        yield Cell(uri=cell.document, code=cell.kind == lsp.NotebookCellKind.Code)
