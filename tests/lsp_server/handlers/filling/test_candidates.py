"""`dlm.nextCandidate` and `dlm.previousCandidate` over the wire: another candidate in place of the fill."""

from __future__ import annotations

from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams

from tests.lsp_server.editor import URI, Editor, connected, span_of

OTHERS: dict[str, Any] = {"texts": ["one"], "others": [["two\nlines"], ["three"]]}


def put(editor: Editor) -> list[lsp.TextEdit]:
    """Do with the document what the server asked for last, as an editor does, from the end to the start."""
    (change,) = editor.applied[-1].edit.document_changes or ()
    assert isinstance(change, lsp.TextDocumentEdit)
    assert change.text_document.version == editor.versions[URI]
    edits = [edit for edit in change.edits if isinstance(edit, lsp.TextEdit)]
    spans = [(e.range.start.line, e.range.start.character, e.range.end.line, e.range.end.character) for e in edits]
    editor.change(*((span, edit.new_text) for span, edit in reversed(list(zip(spans, edits, strict=True)))))
    return edits


async def another(editor: Editor, *, forwards: bool = True, uri: str | None = URI) -> dict[str, Any]:
    name = "dlm.nextCandidate" if forwards else "dlm.previousCandidate"
    result: dict[str, Any] = await editor.command(name, [{"uri": uri}] if uri else [])
    return result


async def test_the_commands_are_advertised() -> None:
    async with connected() as editor:
        assert editor.initialized is not None
        provider = editor.initialized.capabilities.execute_command_provider
        assert provider is not None
        assert {"dlm.fill", "dlm.nextCandidate", "dlm.previousCandidate"} <= set(provider.commands)


async def test_candidates_follow_each_other_round_and_round() -> None:
    async with connected(**OTHERS) as editor:
        editor.open("a = 1\r\nb = 2\r\n")
        assert (await editor.fill((0, 0, 0, 5)))["texts"] == ["one"]
        put(editor)
        result = await another(editor)
        assert result == {
            "applied": True, "confirmed": False, "reason": "", "texts": ["two\nlines"],
            "confidence": pytest.approx(0.81), "candidate": 2, "candidates": 3,
        }  # fmt: skip
        assert put(editor) == [lsp.TextEdit(range=span_of(0, 0, 0, 3), new_text="two\r\nlines")]
        assert (await another(editor))["texts"] == ["three"]
        assert put(editor) == [lsp.TextEdit(range=span_of(0, 0, 1, 5), new_text="three")]
        assert (await another(editor, uri=None))["candidate"] == 1
        put(editor)
        assert (await another(editor, forwards=False))["candidate"] == 3
        put(editor)


async def test_edits_elsewhere_move_the_fill_and_edits_of_it_keep_it() -> None:
    async with connected(**OTHERS) as editor:
        editor.open("a = 1\nb = 2\n")
        await editor.fill((0, 4, 0, 5))
        put(editor)
        editor.change(((0, 0, 0, 0), "# é🎉\n"), ((2, 0, 2, 1), "long"))
        await another(editor)
        assert put(editor) == [lsp.TextEdit(range=span_of(1, 4, 1, 7), new_text="two")]
        editor.change(((1, 4, 1, 5), "T"))
        refused = await another(editor)
        assert (refused["applied"], refused["reason"]) == (
            False, "nothing replaced: the latest fill is not there, or was edited since",
        )  # fmt: skip
        assert len(editor.applied) == 2


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
async def test_undo_and_redo_of_candidates_are_recognised(steps: int) -> None:
    async with connected(texts=["p", "q"], others=[["two", "s"], ["r", "'🎉'"]]) as editor:
        editor.open("a = 1\nb = 2\n")
        await editor.fill((0, 4, 0, 5), (1, 4, 1, 5))
        put(editor)
        documents = ["a = p\nb = q\n", "a = two\nb = s\n", "a = r\nb = '🎉'\n"]
        for _ in range(steps):
            await another(editor)
            put(editor)
        editor.change((None, documents[(steps - 1) % 3]))  # undo, as a client tells it that sends whole documents
        editor.change((None, "a = 1\nb = 2\n"))
        assert "is not there" in (await another(editor))["reason"], "the fill itself was undone"
        editor.change((None, documents[(steps - 1) % 3]))
        result = await another(editor)
        assert (result["applied"], result["candidate"]) == (True, steps % 3 + 1)
        put(editor)
        editor.change((None, documents[(steps - 1) % 3]))
        assert (await another(editor, forwards=False))["candidate"] == (steps - 2) % 3 + 1


async def test_all_gaps_change_together() -> None:
    async with connected(texts=["p", "q"], others=[["rrr", "s"]]) as editor:
        editor.open("a = 1\nb = 2\n")
        await editor.fill((0, 4, 0, 5), (1, 4, 1, 5))
        put(editor)
        assert (await another(editor))["texts"] == ["rrr", "s"]
        assert [edit.new_text for edit in put(editor)] == ["rrr", "s"]
        await another(editor)
        assert [edit.range for edit in put(editor)] == [span_of(0, 4, 0, 7), span_of(1, 4, 1, 5)]


async def test_a_fill_that_is_not_there_is_not_replaced() -> None:
    async with connected(**OTHERS) as editor:
        editor.open("a = 1\n")
        assert "fill something first" in (await another(editor))["reason"]
        await editor.fill((0, 4, 0, 5))
        assert "is not there" in (await another(editor))["reason"], "the editor has not told that it applied it"
        put(editor)
        editor.accepts = lsp.ApplyWorkspaceEditResult(applied=False, failure_reason="read-only")
        assert "read-only" in (await another(editor))["reason"]
        editor.accepts = lsp.ApplyWorkspaceEditResult(applied=True)
        assert (await another(editor))["candidate"] == 2, "the refused one comes again"
        put(editor)
        editor.change((None, "a = 1\n"))
        assert "is not there" in (await another(editor))["reason"]
        with pytest.raises(JsonRpcInvalidParams, match=r"take \{uri\}, or nothing"):
            await editor.command("dlm.nextCandidate", [3])


async def test_when_there_is_but_one_the_model_is_asked_for_more_once(tmp_path: Any) -> None:
    async with connected(texts=["one"], record=tmp_path / "fills") as editor:
        editor.open("a = 1\n")
        await editor.fill((0, 4, 0, 5))
        put(editor)
        for _ in range(2):
            assert (await another(editor))["reason"] == "no other candidate was found"
        assert [fill["candidates"] for fill in editor.recorded()] == [1, 6]


async def test_what_a_code_action_brought_can_be_replaced_too() -> None:
    async with connected(resolves=True, **OTHERS) as editor:
        editor.open("def f(x):\n    return ___\n")
        params = lsp.CodeActionParams(
            text_document=lsp.TextDocumentIdentifier(uri=URI),
            range=span_of(1, 11, 1, 11),
            context=lsp.CodeActionContext(diagnostics=[]),
        )
        action, *_ = await editor.request(lsp.TEXT_DOCUMENT_CODE_ACTION, params)
        await editor.request(lsp.CODE_ACTION_RESOLVE, action)
        editor.change(((1, 11, 1, 14), "one"))
        assert (await another(editor))["candidate"] == 2


async def accept(editor: Editor, *where: int, which: int = 0, automatic: bool = False) -> lsp.InlineCompletionItem:
    """Put a suggestion into the document in one change, as an editor does when it is accepted."""
    items = await editor.complete(*where, automatic=automatic)
    span = items[which].range
    assert span is not None
    at = (span.start.line, span.start.character, span.end.line, span.end.character)
    assert isinstance(items[which].insert_text, str)
    editor.change((at, str(items[which].insert_text)))
    return items[which]


async def test_an_accepted_suggestion_can_be_replaced_too() -> None:
    async with connected(**OTHERS) as editor:
        editor.open("é = 🎉[0]\r\nb = \r\n")
        assert (await accept(editor, 1, 4)).insert_text == "one"
        result = await another(editor)
        assert (result["texts"], result["candidate"], result["candidates"]) == (["two"], 2, 3)
        assert put(editor) == [lsp.TextEdit(range=span_of(1, 4, 1, 7), new_text="two")]
        editor.change(((0, 0, 0, 0), "# above\r\n"))
        assert (await another(editor, uri=None))["texts"] == ["three"]
        assert put(editor) == [lsp.TextEdit(range=span_of(2, 4, 2, 7), new_text="three")]
        assert (await another(editor, forwards=False))["texts"] == ["two"]


async def test_of_several_suggestions_that_which_was_accepted_is_replaced() -> None:
    async with connected(texts=["a = 1\nb = 2"], others=[["c = 3"], ["d = 4\n"]]) as editor:
        editor.open("x = 0\r\n\r\ny = 0\r\n")
        await accept(editor, 1, 0, which=1)
        assert (await another(editor, forwards=False))["texts"] == ["a = 1\nb = 2"]
        assert put(editor) == [lsp.TextEdit(range=span_of(1, 0, 1, 5), new_text="a = 1\r\nb = 2")]
        assert (await another(editor))["candidate"] == 2
        assert put(editor) == [lsp.TextEdit(range=span_of(1, 0, 2, 5), new_text="c = 3")]


async def test_closers_that_some_of_the_suggestions_replace_are_there_once() -> None:
    async with connected(texts=["x) + f(y)"], others=[["z"]]) as editor:
        editor.open("a = f()\n")
        item = await accept(editor, 0, 6)
        assert (item.insert_text, item.range) == ("x) + f(y)", span_of(0, 6, 0, 7))
        await another(editor)
        assert put(editor) == [lsp.TextEdit(range=span_of(0, 6, 0, 15), new_text="z)")]


async def test_an_entry_of_the_popup_menu_stays_before_what_is_replaced() -> None:
    async with connected(texts=["(x)"], others=[["(y)"]]) as editor:
        editor.open("pri\n")
        (item, _) = await editor.complete(0, 3, selected=((0, 0, 0, 3), "print"))
        editor.change(((0, 0, 0, 3), str(item.insert_text)))
        await another(editor)
        assert put(editor) == [lsp.TextEdit(range=span_of(0, 5, 0, 8), new_text="(y)")]


async def test_who_merely_typed_has_the_model_asked_for_more(tmp_path: Any) -> None:
    async with connected(**OTHERS, record=tmp_path / "fills") as editor:
        editor.open("b = \n")
        await accept(editor, 0, 4, automatic=True)
        assert (await another(editor))["texts"] == ["two"]
        assert [fill["candidates"] for fill in editor.recorded()] == [1, 6]


async def test_what_was_suggested_and_not_accepted_is_not_replaced() -> None:
    async with connected(**OTHERS) as editor:
        editor.open("b = \n")
        await editor.complete(0, 4)
        for typed in range(3):
            editor.change(((0, 4 + typed, 0, 4 + typed), "one"[typed]))
        assert "fill something first" in (await another(editor))["reason"], "typed, letter by letter"
        await editor.complete(0, 7)
        editor.change(((0, 7, 0, 7), "four"))
        assert "fill something first" in (await another(editor))["reason"], "something else was pasted"
        await editor.complete(0, 11)
        editor.change(((0, 0, 0, 0), "# "), ((0, 13, 0, 13), "one"))
        assert "fill something first" in (await another(editor))["reason"], "not that alone"
        await accept(editor, 0, 16)
        editor.change(((0, 16, 0, 17), "O"))
        assert "was edited since" in (await another(editor))["reason"]
