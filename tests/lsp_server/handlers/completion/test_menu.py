"""The popup menu's list over the wire, for clients without inline completion."""

from __future__ import annotations

from typing import Any

import pytest
from lsprotocol import types as lsp

from tests.lsp_server.editor import URI, Editor, connected, span_of, within


async def listed(editor: Editor, line: int, character: int) -> lsp.CompletionList:
    params = lsp.CompletionParams(
        text_document=lsp.TextDocumentIdentifier(uri=URI), position=lsp.Position(line=line, character=character)
    )
    found: Any = await within(60, editor.request(lsp.TEXT_DOCUMENT_COMPLETION, params))
    assert isinstance(found, lsp.CompletionList)
    return found


async def listed_in_time(editor: Editor, line: int, character: int) -> lsp.CompletionList:
    """The list once it is there in time: a machine may be so busy that what is known is late, too."""
    while not (found := await listed(editor, line, character)).items:
        pass
    return found


async def test_an_entry_is_the_first_line_with_the_word_that_stands_there() -> None:
    async with connected(texts=["ue + '😀')\nsecond()"], others=[["ue"]]) as editor:
        editor.open("s = '😀'; print(val)\n")
        found = await listed(editor, 0, 19)
        assert found.is_incomplete
        (item,) = found.items
        assert item.text_edit == lsp.TextEdit(range=span_of(0, 16, 0, 20), new_text="value + '😀')")
        assert (item.label, item.filter_text, item.detail) == ("value + '😀')", "value + '😀')", "dlm-fill")
        assert item.sort_text == "zzzz00", "in our order, after what others are sure of"
        assert item.insert_text_format == lsp.InsertTextFormat.PlainText
        assert item.label_details == lsp.CompletionItemLabelDetails(description="dlm-fill")


async def test_what_is_late_is_there_for_the_next_request() -> None:
    async with connected(texts=["value"], holds=["fill"], list_deadline_s=0.3) as editor:
        editor.open("x = \n")
        found = await listed(editor, 0, 4)
        assert (found.is_incomplete, list(found.items)) == (True, [])
        editor.let("fill")
        (fill,) = await editor.until_recorded(1)
        assert fill["stopped"] == "done"
        found = await listed_in_time(editor, 0, 4)
        assert [item.label for item in found.items] == ["value"]
        editor.change(((0, 4, 0, 4), "val"))
        found = await listed_in_time(editor, 0, 7)
        assert [item.text_edit for item in found.items] == [lsp.TextEdit(range=span_of(0, 4, 0, 7), new_text="value")]
        assert len(editor.recorded()) == 1


async def test_late_work_stops_when_something_else_is_typed() -> None:
    async with connected(texts=["value"], holds=["fill"], list_deadline_s=0.3) as editor:
        editor.open("x = \n")
        await listed(editor, 0, 4)
        await editor.until_filling()
        editor.change(((0, 4, 0, 4), "w"))
        (fill,) = await editor.until_recorded(1)
        assert fill["stopped"] == "cancelled"


async def test_while_loading_it_is_empty_at_once() -> None:
    async with connected(wait=False, holds=["load"]) as editor:
        editor.open("x = \n")
        assert list((await listed(editor, 0, 4)).items) == []


@pytest.mark.parametrize(
    ("inline", "wanted", "served"),
    [(False, None, True), (True, None, False), (True, True, True), (False, False, False)],
)
async def test_who_has_inline_completion_gets_no_list_unless_asked_for(inline: bool, wanted: Any, served: bool) -> None:
    async with connected(wait=False, inline=inline, options={"completionList": wanted}) as editor:
        assert editor.initialized is not None
        assert (editor.initialized.capabilities.completion_provider is not None) is served


async def test_the_list_never_displaces_a_fill_that_was_asked_for() -> None:
    async with connected(holds=["fill"]) as editor:
        editor.open("x = 1\ny = \n")
        asked = editor.fill((0, 4, 0, 5))
        await editor.until_filling()
        assert list((await listed(editor, 1, 4)).items) == []
        editor.let("fill")
        assert (await within(60, asked))["applied"] is True
