from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from tests.lsp_server.editor import Editor, connected

BOOK = "file:///w/book.ipynb"
Cells = Sequence[tuple[str, str]]


def cell_uri(number: int, book: str = BOOK) -> str:
    return f"vscode-notebook-cell{book.removeprefix('file')}#W{number}sZmlsZQ%3D%3D"


def item(number: int, language: str, text: str, book: str = BOOK) -> lsp.TextDocumentItem:
    return lsp.TextDocumentItem(uri=cell_uri(number, book), language_id=language, version=1, text=text)


def kind(language: str) -> lsp.NotebookCellKind:
    return lsp.NotebookCellKind.Markup if language == "markdown" else lsp.NotebookCellKind.Code


def cells_of(cells: Cells, book: str = BOOK, first: int = 0) -> list[lsp.NotebookCell]:
    return [
        lsp.NotebookCell(kind=kind(language), document=cell_uri(number, book))
        for number, (language, _) in enumerate(cells, start=first)
    ]


def open_book(editor: Editor, cells: Cells, book: str = BOOK) -> None:
    document = lsp.NotebookDocument(uri=book, notebook_type="jupyter-notebook", version=1, cells=cells_of(cells, book))
    texts = [item(number, *cell, book=book) for number, cell in enumerate(cells)]
    for text in texts:
        editor.versions[text.uri] = 1
    editor.client.notebook_document_did_open(
        lsp.DidOpenNotebookDocumentParams(notebook_document=document, cell_text_documents=texts)
    )


def change(editor: Editor, cells: lsp.NotebookDocumentCellChanges, book: str = BOOK) -> None:
    document = lsp.VersionedNotebookDocumentIdentifier(uri=book, version=2)
    event = lsp.NotebookDocumentChangeEvent(cells=cells)
    editor.client.notebook_document_did_change(
        lsp.DidChangeNotebookDocumentParams(notebook_document=document, change=event)
    )


async def last(editor: Editor) -> dict[str, Any]:
    return editor.recorded()[-1]


CELLS = (
    ("python", "import numpy as np"),
    ("markdown", "# Prose about secrets"),
    ("python", "a = np.ones(3)\n"),
    ("sql", "SELECT 1"),
    ("python", "b = \n"),
    ("python", "print(b)"),
)


@pytest.mark.asyncio
async def test_cells_of_one_notebook_are_read_as_one_file_in_order_without_prose() -> None:
    async with connected(notebooks=True, inline=True) as editor:
        assert editor.initialized is not None
        assert editor.initialized.capabilities.notebook_document_sync is not None
        open_book(editor, CELLS)
        open_book(editor, [("python", "other = 1"), ("markdown", "prose")], "file:///w/other.ipynb")
        editor.open("plain = 1\n", uri="file:///w/plain.py")
        assert await editor.complete(0, 4, uri=cell_uri(4))
        asked = await last(editor)
        assert asked["pieces"] == ["import numpy as np\n\na = np.ones(3)\n\nb = ", "\n\nprint(b)"]
        assert asked["other_files"] == ["plain = 1\n", "other = 1"]


@pytest.mark.asyncio
async def test_cells_that_come_move_change_and_go_are_followed() -> None:
    async with connected(notebooks=True, inline=True) as editor:
        open_book(editor, CELLS)
        array = lsp.NotebookCellArrayChange(start=0, delete_count=1, cells=cells_of([("python", "")], first=7))
        structure = lsp.NotebookDocumentCellChangeStructure(
            array=array,
            did_open=[item(7, "python", "import os")],
            did_close=[lsp.TextDocumentIdentifier(uri=cell_uri(0))],
        )
        edit = lsp.TextDocumentContentChangeWholeDocument(text="a = os.sep")
        content = lsp.NotebookDocumentCellContentChanges(
            document=lsp.VersionedTextDocumentIdentifier(uri=cell_uri(2), version=2), changes=[edit]
        )
        change(editor, lsp.NotebookDocumentCellChanges(structure=structure, text_content=[content]))
        prose = lsp.NotebookCell(kind=lsp.NotebookCellKind.Markup, document=cell_uri(5))
        change(editor, lsp.NotebookDocumentCellChanges(data=[prose]))
        assert await editor.complete(0, 4, uri=cell_uri(4))
        assert (await last(editor))["pieces"] == ["import os\n\na = os.sep\n\nb = ", "\n"]
        with pytest.raises(JsonRpcException, match="open it in the editor first"):
            await editor.complete(0, 0, uri=cell_uri(0))
        editor.client.notebook_document_did_close(
            lsp.DidCloseNotebookDocumentParams(
                notebook_document=lsp.NotebookDocumentIdentifier(uri=BOOK),
                cell_text_documents=[lsp.TextDocumentIdentifier(uri=cell_uri(n)) for n in (2, 3, 4, 5, 7)],
            )
        )
        with pytest.raises(JsonRpcException, match="open it in the editor first"):
            await editor.complete(0, 4, uri=cell_uri(4))


@pytest.mark.asyncio
async def test_a_command_fills_a_cell(tmp_path: Path) -> None:
    async with connected(notebooks=True, texts=["b = np.sum(a)"]) as editor:
        open_book(editor, CELLS)
        result = await editor.fill((0, 0, 0, 4), uri=cell_uri(4), version=1)
        assert result["applied"]
        (change,) = editor.applied[0].edit.document_changes or ()
        assert isinstance(change, lsp.TextDocumentEdit)
        assert change.text_document.uri == cell_uri(4)
        assert change.edits[0].range == lsp.Range(start=lsp.Position(0, 0), end=lsp.Position(0, 4))
        assert (await last(editor))["pieces"][0] == "import numpy as np\n\na = np.ones(3)\n\n"


@pytest.mark.asyncio
async def test_what_excludes_a_notebook_excludes_its_cells_whatever_they_are_called(tmp_path: Path) -> None:
    (tmp_path / ".dlmignore").write_text("private*.ipynb\n")
    book = (tmp_path / "private 100%25.ipynb").as_uri()
    async with connected(notebooks=True, folders=[tmp_path]) as editor:
        uri = "cell:0123#4"
        document = lsp.NotebookDocument(
            uri=book,
            notebook_type="jupyter-notebook",
            version=1,
            cells=[lsp.NotebookCell(kind=lsp.NotebookCellKind.Code, document=uri)],
        )
        text = lsp.TextDocumentItem(uri=uri, language_id="python", version=1, text="key = 'canary'\n")
        editor.client.notebook_document_did_open(
            lsp.DidOpenNotebookDocumentParams(notebook_document=document, cell_text_documents=[text])
        )
        assert await editor.complete(0, 3, uri=uri) == []
        with pytest.raises(JsonRpcException, match="excluded by private"):
            await editor.fill((0, 0, 0, 3), uri=uri)
        editor.open("key = \n", uri=(tmp_path / "a.py").as_uri())
        assert await editor.complete(0, 6, uri=(tmp_path / "a.py").as_uri())
        assert (await last(editor))["other_files"] == []


@pytest.mark.asyncio
async def test_cells_of_an_editor_without_notebooks_see_each_other() -> None:
    async with connected() as editor:
        for number, text in enumerate(["a = 1", "b = \n"]):
            editor.open(text, uri=cell_uri(number))
        editor.open("c = 3", uri=cell_uri(0, "file:///w/other.ipynb"))
        for name, text in (("untitled:Untitled-1", "d = 4"), ("untitled:Untitled-2", "e = 5")):
            editor.open(text, uri=name)
        assert await editor.complete(0, 4, uri=cell_uri(1))
        assert (await last(editor))["other_files"] == ["a = 1", "e = 5", "d = 4", "c = 3"]
        assert await editor.complete(0, 5, uri="untitled:Untitled-1")
        assert (await last(editor))["other_files"][0] == "e = 5"
