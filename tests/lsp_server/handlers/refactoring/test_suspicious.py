"""Suspicious words over the wire: diagnostics when a document is saved, and their quick fixes."""

from __future__ import annotations

import asyncio

from lsprotocol import types as lsp

from tests.lsp_server.editor import URI, Editor, connected, span_of, until


def diagnostics(editor: Editor) -> list[lsp.Diagnostic]:
    return list(editor.client.diagnostics.get(URI, ()))


async def fixes(editor: Editor, *place: int, sent: list[lsp.Diagnostic]) -> list[lsp.CodeAction]:
    params = lsp.CodeActionParams(
        text_document=lsp.TextDocumentIdentifier(uri=URI),
        range=span_of(*place),
        context=lsp.CodeActionContext(diagnostics=sent, only=["quickfix"]),
    )
    return list(await editor.request(lsp.TEXT_DOCUMENT_CODE_ACTION, params) or [])


async def test_a_saved_documents_edited_lines_get_diagnostics_with_a_quick_fix() -> None:
    async with connected(improbable={"cuont": "count"}, options={"suspicious": True}) as editor:
        editor.open("count = 1\nprint('😀', )\n")
        editor.change(((1, 12, 1, 12), "cuont"))
        editor.client.text_document_did_save(
            lsp.DidSaveTextDocumentParams(text_document=lsp.TextDocumentIdentifier(uri=URI))
        )
        await until(lambda: bool(diagnostics(editor)))
        (found,) = diagnostics(editor)
        assert found.range == span_of(1, 12, 1, 17)
        assert found.severity == lsp.DiagnosticSeverity.Information
        assert (found.source, found.code) == ("dlm-fill", "suspicious")
        assert "`cuont`" in str(found.message)
        assert "`count`" in str(found.message)
        assert await fixes(editor, 0, 0, 0, 1, sent=[]) == []
        (fix,) = await fixes(editor, 1, 12, 1, 12, sent=[found])
        assert (fix.title, fix.kind) == ("dlm-fill: Change cuont to count", "quickfix")
        assert list(fix.diagnostics or ()) == [found]
        assert fix.edit is not None
        (change,) = fix.edit.document_changes or ()
        assert isinstance(change, lsp.TextDocumentEdit)
        assert change.text_document.version == 2
        assert [(edit.range, edit.new_text) for edit in change.edits if isinstance(edit, lsp.TextEdit)] == [
            (span_of(1, 12, 1, 17), "count")
        ]
        editor.change(((1, 12, 1, 17), "count"))
        await until(lambda: not diagnostics(editor))


async def test_without_the_setting_nothing_is_looked_for() -> None:
    async with connected(improbable={"cuont": "count"}) as editor:
        editor.open("count = 1\nprint()\n")
        editor.change(((1, 6, 1, 6), "cuont"))
        editor.client.text_document_did_save(
            lsp.DidSaveTextDocumentParams(text_document=lsp.TextDocumentIdentifier(uri=URI))
        )
        await editor.arrived()
        await asyncio.sleep(0.2)
        assert diagnostics(editor) == []
