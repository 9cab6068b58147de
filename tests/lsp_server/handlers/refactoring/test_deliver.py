"""What `dlm.refactor` says of a change is what the document shows, whatever the editor says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from lsprotocol import types as lsp

from tests.lsp_server.editor import URI, Editor, connected, span_of, until, within

TEXT = "def f():\n    a = g()\n    return a\n"


def renamed(editor: Editor, answers: dict[str, str]) -> Awaitable[Any]:
    """The answer to the command that renames `a`."""
    at = {"line": 1, "character": 4}
    wanted = {"refactoring": "rename", "uri": URI, "range": {"start": at, "end": at}, "version": 4, "answers": answers}
    return asyncio.ensure_future(editor.command("dlm.refactor", [wanted]))


def sent(editor: Editor, index: int) -> lsp.TextDocumentEdit:
    (change,) = editor.applied[index].edit.document_changes or ()
    assert isinstance(change, lsp.TextDocumentEdit)
    return change


def places(editor: Editor, index: int) -> list[lsp.Range]:
    return [edit.range for edit in sent(editor, index).edits if not isinstance(edit, lsp.SnippetTextEdit)]


async def test_a_change_that_the_document_shows_is_confirmed() -> None:
    async with connected(texts=["x"], confirm_s=300) as editor:
        editor.open(TEXT, version=4)
        answer = renamed(editor, {"name": "b"})
        await until(lambda: len(editor.applied) == 1)
        editor.change(((2, 11, 2, 12), "b"), ((1, 4, 1, 5), "b"))
        result = await within(60, answer)
        assert (result["applied"], result["confirmed"], result["reason"]) == (True, True, "")


async def test_a_dropped_change_is_made_again_for_the_document_as_it_is() -> None:
    """What was typed meanwhile is one more place of the name; the texts of the model stay."""
    async with connected(texts=["b", "other"], confirm_s=300) as editor:
        editor.open(TEXT, version=4)
        answer = renamed(editor, {"name": "b"})
        await until(lambda: len(editor.applied) == 1)  # which this editor says to have applied
        assert places(editor, 0) == [span_of(1, 4, 1, 5), span_of(2, 11, 2, 12)]
        editor.change(((2, 0, 2, 0), "    print(a)\n"))
        await until(lambda: len(editor.applied) == 2)
        assert sent(editor, 1).text_document.version == 5
        assert places(editor, 1) == [span_of(1, 4, 1, 5), span_of(2, 10, 2, 11), span_of(3, 11, 3, 12)]
        editor.change(((3, 11, 3, 12), "b"), ((2, 10, 2, 11), "b"), ((1, 4, 1, 5), "b"))
        result = await within(60, answer)
        assert (result["applied"], result["confirmed"]) == (True, True)


async def test_the_models_names_are_kept_and_other_holes_are_not_filled() -> None:
    async with connected(texts=["by"], confirm_s=300) as editor:
        editor.open(TEXT, version=4)
        answer = renamed(editor, {})
        await until(lambda: len(editor.applied) == 1)
        editor.change(((0, 0, 0, 0), "# new\n"))
        await until(lambda: len(editor.applied) == 2)
        assert places(editor, 1) == [span_of(2, 4, 2, 5), span_of(3, 11, 3, 12)]
        editor.change(((3, 0, 3, 0), "    print(a)\n"))
        result = await within(60, answer)
        assert (result["applied"], result["confirmed"]) == (False, False)
        assert result["reason"] == "nothing changed: the document was edited meanwhile; ask again"


async def test_a_change_whose_place_was_edited_is_not_said_to_be_made() -> None:
    async with connected(texts=["x"], confirm_s=8) as editor:
        editor.open(TEXT, version=4)
        answer = renamed(editor, {"name": "b"})
        await until(lambda: len(editor.applied) == 1)
        editor.change(((2, 11, 2, 12), "c"))
        result = await within(60, answer)
        assert (result["applied"], len(editor.applied)) == (False, 1)
        assert "does not show all of the change" in result["reason"]


async def test_an_editor_that_refuses_is_not_asked_again() -> None:
    async with connected(texts=["x"]) as editor:
        editor.accepts = lsp.ApplyWorkspaceEditResult(applied=False, failure_reason="read-only")
        editor.open(TEXT, version=4)
        result = await within(60, renamed(editor, {"name": "b"}))
        assert result["reason"] == "the editor did not apply it: read-only"
        assert len(editor.applied) == 1
