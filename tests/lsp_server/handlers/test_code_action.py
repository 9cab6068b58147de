"""Code actions over the wire: offered without a model, filled when chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from lsp_server.handlers.code_action import action_of
from tests.lsp_server.editor import URI, Editor, connected, span_of

TEXT = "def f(x):\n    '😀'; y = ___\n    return ___\n\ndef g():\n    return ___\n"


async def offered(
    editor: Editor, *place: int, only: Sequence[lsp.CodeActionKind | str] | None = None
) -> dict[str, lsp.CodeAction]:
    params = lsp.CodeActionParams(
        text_document=lsp.TextDocumentIdentifier(uri=URI),
        range=span_of(*place),
        context=lsp.CodeActionContext(diagnostics=[], only=only),
    )
    found = await editor.request(lsp.TEXT_DOCUMENT_CODE_ACTION, params)
    own = [action for action in found or [] if action.kind == lsp.CodeActionKind.RefactorRewrite]  # refactorings apart
    return {action.title.removeprefix("dlm-fill: "): action for action in own}


async def test_placeholders_of_a_function_are_filled_jointly_once_chosen(tmp_path: Path) -> None:
    async with connected(texts=["x + 1", "y"], record=tmp_path / "fills", resolves=True) as editor:
        editor.open(TEXT, version=3)
        actions = await offered(editor, 1, 0, 1, 0)
        assert list(actions) == ["Fill 2 placeholders, each seeing the others"]
        (action,) = actions.values()
        assert action.edit is None
        assert editor.recorded() == [], "nothing is computed before it is chosen"
        resolved = await editor.request(lsp.CODE_ACTION_RESOLVE, action)
        (change,) = resolved.edit.document_changes
        assert change.text_document == lsp.OptionalVersionedTextDocumentIdentifier(uri=URI, version=3)
        assert list(change.edits) == [
            lsp.TextEdit(range=span_of(1, 14, 1, 17), new_text="x + 1"),
            lsp.TextEdit(range=span_of(2, 11, 2, 14), new_text="y"),
        ]
        (fill,) = editor.recorded()
        assert fill["holes"] == 2


async def test_a_selection_is_filled_anew_or_rewritten_in_part(tmp_path: Path) -> None:
    async with connected(texts=["z"], record=tmp_path / "fills", resolves=True) as editor:
        editor.open("value = old + 1\n")
        actions = await offered(editor, 0, 8, 0, 15)
        assert list(actions) == ["Fill the selection anew", "Rewrite what looks wrong in the selection"]
        for action in actions.values():
            await editor.request(lsp.CODE_ACTION_RESOLVE, action)
        assert [fill["strengths"] for fill in editor.recorded()] == [[1.0], [0.4]]
        assert await offered(editor, 0, 8, 0, 15, only=[lsp.CodeActionKind.QuickFix]) == {}
        assert len(await offered(editor, 0, 8, 0, 15, only=[lsp.CodeActionKind.Refactor])) == 2


async def test_what_changed_since_elsewhere_moves_the_edit_and_what_changed_there_is_refused() -> None:
    async with connected(texts=["x + 1", "y"], resolves=True) as editor:
        editor.open(TEXT)
        (action,) = (await offered(editor, 1, 0, 1, 0)).values()
        editor.change(((0, 0, 0, 0), "#\n"), ((2, 4, 2, 7), "''🎉"))
        resolved = await editor.request(lsp.CODE_ACTION_RESOLVE, action)
        (change,) = resolved.edit.document_changes
        assert change.text_document.version == 2
        assert [edit.range for edit in change.edits] == [span_of(2, 15, 2, 18), span_of(3, 11, 3, 14)]
        editor.change(((2, 15, 2, 16), ""))
        with pytest.raises(
            JsonRpcException, match=r"version 1 was to be filled; it was edited there since: ask again"
        ) as raised:
            await editor.request(lsp.CODE_ACTION_RESOLVE, action)
        assert raised.value.code == lsp.LSPErrorCodes.ContentModified


def test_who_cannot_resolve_gets_a_command() -> None:
    action = action_of("Fill it", {"uri": URI}, lazily=False)
    assert action.command == lsp.Command(title="dlm-fill: Fill it", command="dlm.fill", arguments=[{"uri": URI}])
    assert action.edit is None


async def test_the_command_takes_what_an_action_holds() -> None:
    async with connected(texts=["1"], resolves=True) as editor:
        editor.open(TEXT)
        (action,) = (await offered(editor, 5, 0, 5, 0)).values()
        result = await editor.command("dlm.fill", [action.data])
        assert result["applied"] is True
        (change,) = editor.applied[0].edit.document_changes or ()
        assert isinstance(change, lsp.TextDocumentEdit)
        assert [edit.range for edit in change.edits] == [span_of(5, 11, 5, 14)]


async def test_what_another_tool_reported_gets_a_quick_fix(tmp_path: Path) -> None:
    async with connected(texts=["names"], record=tmp_path / "fills", resolves=True) as editor:
        editor.open("def f(names):\n    return nams\n", version=3)
        diagnostic = lsp.Diagnostic(range=span_of(1, 11, 1, 15), message="Undefined name `nams`", source="ruff")
        params = lsp.CodeActionParams(
            text_document=lsp.TextDocumentIdentifier(uri=URI),
            range=span_of(1, 11, 1, 11),
            context=lsp.CodeActionContext(diagnostics=[diagnostic], only=[lsp.CodeActionKind.QuickFix]),
        )
        (action,) = await editor.request(lsp.TEXT_DOCUMENT_CODE_ACTION, params)
        assert action.title == "dlm-fill: Repair: Undefined name `nams`"
        assert list(action.diagnostics or []) == [diagnostic]
        resolved = await editor.request(lsp.CODE_ACTION_RESOLVE, action)
        (change,) = resolved.edit.document_changes
        assert [(edit.range, edit.new_text) for edit in change.edits] == [(span_of(1, 11, 1, 15), "names")]
