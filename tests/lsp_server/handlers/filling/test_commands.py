"""`dlm.fill` over the wire: a versioned edit, or a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from tests.lsp_server.editor import URI, as_json, connected, large_file, span_of, until, within


async def test_ranges_are_filled_jointly_by_one_versioned_edit(tmp_path: Path) -> None:
    async with connected(texts=["a", "bb"], record=tmp_path / "fills") as editor:
        editor.open("x = '😀' + 1\r\ny = 2\r\n", version=7)
        result = await editor.fill((1, 4, 1, 5), (0, 11, 0, 12), version=7)
        assert result["applied"] is True
        assert result["texts"] == ["a", "bb"]
        (applied,) = editor.applied
        assert applied.label == "dlm-fill: fill 2 gaps"
        (change,) = applied.edit.document_changes or ()
        assert isinstance(change, lsp.TextDocumentEdit)
        assert change.text_document == lsp.OptionalVersionedTextDocumentIdentifier(uri=URI, version=7)
        assert list(change.edits) == [
            lsp.TextEdit(range=span_of(0, 11, 0, 12), new_text="a"),
            lsp.TextEdit(range=span_of(1, 4, 1, 5), new_text="bb"),
        ]
        (fill,) = editor.recorded()
        assert fill["pieces"] == ["x = '😀' + ", "\ny = ", "\n"]


async def test_far_from_the_last_keystroke_the_enclosing_function_is_seen(tmp_path: Path) -> None:
    async with connected(texts=["call();"], record=tmp_path / "fills") as editor:
        text = large_file()
        editor.open(text, language_id="javascript")
        editor.change(((1, 0, 1, 0), " "))
        line = text[: text.index("step250(")].count("\n")
        result = await editor.fill((line, 0, line, len("step250(items, 250);")))
        assert result["applied"] is True
        (fill,) = editor.recorded()
        assert "function far(items) {\n" in fill["pieces"][0]


async def test_arguments_may_be_given_by_position() -> None:
    async with connected(texts=["5"]) as editor:
        editor.open("x = 1\n")
        result = await editor.command("dlm.fill", [URI, [as_json(0, 4, 0, 5)], 1])
        assert result["applied"] is True
        result = await editor.command("dlm.fill", [URI, [as_json(0, 4, 0, 5)]])
        assert result["applied"] is True
        assert len(editor.applied) == 2


BAD_ARGUMENTS: list[tuple[list[Any], str]] = [
    ([], "as one object or by position"),
    ([URI], "as one object or by position"),
    ([{"uri": URI}], "ranges must be a list of at least one range"),
    ([{"uri": URI, "ranges": []}], "ranges must be a list of at least one range"),
    ([{"uri": 3, "ranges": [as_json(0, 0, 0, 1)]}], "uri must be a string"),
    ([{"uri": URI, "ranges": [as_json(0, 0, 0, 1)], "version": "1"}], "version must be a whole number"),
    ([{"uri": URI, "ranges": [as_json(0, 0, 0, 1)], "range": 1}], "it does not know range"),
    ([{"uri": URI, "ranges": ["1-2"]}], "a range must be an object"),
    ([{"uri": URI, "ranges": [as_json(0, -1, 0, 1)]}], "a position must be"),
    ([{"uri": URI, "ranges": [{"start": {"line": 0}}]}], "a position must be"),
    ([{"uri": URI, "ranges": [as_json(0, 0, 9, 0)]}], "the document has 3 lines, you asked for line 10"),
    ([{"uri": URI, "ranges": [as_json(3, 0, 3, 0)]}], "the document has 3 lines, you asked for line 4"),
    ([{"uri": URI, "ranges": [as_json(1, 2, 0, 1)]}], "is reversed: give its start first"),
    ([{"uri": URI, "ranges": [as_json(0, 0, 0, 3), as_json(0, 2, 1, 1)]}], "ranges overlap"),
    ([{"uri": "file:///etc/passwd", "ranges": [as_json(0, 0, 0, 1)]}], "open it in the editor first"),
]


async def test_bad_arguments_name_the_remedy() -> None:
    async with connected() as editor:
        editor.open("x = 1\ny = 2\n")
        for arguments, message in BAD_ARGUMENTS:
            with pytest.raises(JsonRpcInvalidParams, match=message):
                await editor.command("dlm.fill", arguments)
        with pytest.raises(JsonRpcInvalidParams, match=r"no such command: dlm\.nothing; known are dlm\.fill"):
            await editor.command("dlm.nothing", [])
        assert editor.applied == []


async def test_a_range_may_end_where_a_line_after_the_last_would_start() -> None:
    async with connected(texts=["2"]) as editor:
        editor.open("a\nb")
        assert (await editor.fill((1, 0, 2, 0)))["applied"] is True
        (change,) = editor.applied[0].edit.document_changes or ()
        assert isinstance(change, lsp.TextDocumentEdit)
        assert change.edits[0].range == span_of(1, 0, 1, 1)


@pytest.mark.parametrize("called", ["Neovim", "Visual Studio Code", ""])
async def test_a_stale_version_is_dropped_with_a_reason(called: str) -> None:
    async with connected(called=called) as editor:
        editor.open("x = 1\n", version=3)
        result = await editor.fill((0, 4, 0, 5), version=2)  # of which nobody knows what was edited since
        assert result["applied"] is False
        assert "at version 3, and version 2 was to be filled" in result["reason"]
        assert editor.applied == []
        (message,) = [m.message for m in editor.client.messages if "document is at version 3" in m.message]
        if called == "Neovim":
            assert len(message) < 80, "a longer one would wait for a key there"
        else:
            assert message == f"dlm-fill: {result['reason']}", "it breaks long lines itself"


@pytest.mark.parametrize("change", [((0, 4, 0, 5), "2"), ((0, 3, 0, 4), ""), ((0, 5, 0, 5), "0"), (None, "x = 1\n")])
async def test_a_change_to_what_is_filled_drops_the_fill_with_a_reason(
    change: tuple[tuple[int, int, int, int] | None, str],
) -> None:
    async with connected(holds=["fill"]) as editor:
        editor.open("x = 1\n")
        answer = editor.fill((0, 4, 0, 5), version=1)
        await editor.until_filling()
        editor.change(change)
        result = await within(60, answer)
        assert (result["applied"], editor.applied) == (False, [])
        assert "changed meanwhile" in result["reason"]
        assert any("changed meanwhile" in m.message for m in editor.client.messages)
        assert (await editor.until_recorded(1))[0]["stopped"] == "cancelled"


async def test_a_fill_goes_where_its_place_is_by_then() -> None:
    async with connected(texts=["9", "8"], holds=["fill"]) as editor:
        editor.open("x = 1\ny = '😀' + 2\nz = 3\n", version=4)
        answer = editor.fill((1, 11, 1, 12), (2, 4, 2, 5), version=4)
        await editor.until_filling()
        editor.change(((0, 0, 0, 5), "# new\n\nx = 11"), ((3, 5, 3, 7), "🎉🎉"), ((5, 0, 5, 0), "!"))
        await editor.arrived()
        editor.let("fill")
        result = await within(60, answer)
        assert result["applied"] is True
        (change,) = editor.applied[0].edit.document_changes or ()
        assert isinstance(change, lsp.TextDocumentEdit)
        assert change.text_document.version == 5
        assert list(change.edits) == [
            lsp.TextEdit(range=span_of(3, 13, 3, 14), new_text="9"),
            lsp.TextEdit(range=span_of(4, 4, 4, 5), new_text="8"),
        ]


async def test_ranges_of_an_earlier_version_are_found_again_or_refused() -> None:
    async with connected(texts=["9"]) as editor:
        editor.open("x = 1\ny = 2\n", version=1)
        editor.change(((0, 0, 0, 0), "# new\n"))
        editor.change(((2, 0, 2, 0), "yy"), ((0, 0, 0, 5), ""))
        result = await editor.fill((1, 4, 1, 5), version=1)
        assert result["applied"] is True
        (change,) = editor.applied[0].edit.document_changes or ()
        assert isinstance(change, lsp.TextDocumentEdit)
        assert (change.text_document.version, change.edits[0].range) == (3, span_of(2, 6, 2, 7))
        for version in (1, 2):  # the edit touched this one
            result = await editor.fill((2 - (version == 1), 0, 2 - (version == 1), 1), version=version)
            assert "it was edited there since" in result["reason"]
        assert "version 9 was to be filled: ask again" in (await editor.fill((0, 0, 0, 1), version=9))["reason"]
        assert len(editor.applied) == 1


async def test_nothing_acceptable_says_so() -> None:
    async with connected(texts=[]) as editor:
        editor.open("x = 1\n")
        result = await editor.fill((0, 4, 0, 5))
        assert (result["applied"], editor.applied) == (False, [])
        assert "nothing that fits was found" in result["reason"]
        assert any("nothing that fits was found" in m.message for m in editor.client.messages)


async def test_an_editor_that_refuses_the_edit_is_believed() -> None:
    async with connected() as editor:
        editor.accepts = lsp.ApplyWorkspaceEditResult(applied=False, failure_reason="read-only")
        editor.open("x = 1\n")
        result = await editor.fill((0, 4, 0, 5))
        assert (result["applied"], result["reason"]) == (False, "the editor did not apply the fill: read-only")


async def test_an_editor_that_cannot_apply_edits_is_told_apart_from_a_bad_request() -> None:
    async with connected() as editor:
        del editor.client.protocol.fm.features[lsp.WORKSPACE_APPLY_EDIT]
        editor.open("x = 1\n")
        result = await editor.fill((0, 4, 0, 5))
        assert result["applied"] is False
        assert "the editor did not apply the fill: Method Not Found" in result["reason"]


async def test_a_cancelled_command_stops_before_the_next_step() -> None:
    async with connected(holds=["fill"]) as editor:
        editor.open("x = 1\n")
        answer = editor.fill((0, 4, 0, 5))
        await editor.until_filling()
        editor.cancel(editor.last_id)
        with pytest.raises(JsonRpcException) as raised:
            await within(60, answer)
        assert raised.value.code == lsp.LSPErrorCodes.RequestCancelled
        (fill,) = await editor.until_recorded(1)
        assert (fill["stopped"], fill["steps"]) == ("cancelled", 0)
        assert editor.applied == []


async def test_a_long_fill_shows_progress_that_can_be_cancelled() -> None:
    async with connected(holds=["fill"], progress=True) as editor:
        editor.open("x = 1\n")
        answer = editor.fill((0, 4, 0, 5))
        reports: dict[Any, list[Any]] = editor.client.progress_reports
        begin = lsp.WorkDoneProgressBegin(title="dlm-fill: filling", cancellable=True)
        await until(lambda: any(begin in r for r in reports.values()))
        (token,) = (t for t, r in reports.items() if begin in r)
        await editor.until_filling()
        editor.client.window_work_done_progress_cancel(lsp.WorkDoneProgressCancelParams(token=token))
        result = await within(60, answer)
        assert (result["applied"], result["reason"]) == (False, "nothing filled: cancelled")
        await until(lambda: len(reports[token]) == 2)
        assert (await editor.until_recorded(1))[0]["stopped"] == "cancelled"


@pytest.mark.parametrize("answer", ["Apply anyway", "Leave it", None])
async def test_what_newly_breaks_the_file_is_applied_on_the_users_word_alone(answer: str | None) -> None:
    async with connected(texts=["(1"]) as editor:
        editor.answer = None if answer is None else lsp.MessageActionItem(title=answer)
        editor.open("x = 1\ny = 2\n")
        result = await editor.fill((0, 4, 0, 5))
        (question,) = editor.questions
        assert "syntax error" in question.message
        assert [action.title for action in question.actions or ()] == ["Apply anyway", "Leave it"]
        assert result["applied"] is (answer == "Apply anyway")
        assert len(editor.applied) == (answer == "Apply anyway")
        assert ("syntax error" in result["reason"]) is not result["applied"]


async def test_nobody_is_asked_about_a_fill_that_parses() -> None:
    async with connected(texts=["(1)"]) as editor:
        editor.open("x = 1\ny = 2\n")
        assert (await editor.fill((0, 4, 0, 5)))["applied"] is True
        assert not editor.questions


async def test_nobody_is_told_that_they_asked_anew() -> None:
    async with connected(holds=["fill"]) as editor:
        editor.open("x = 1\n")
        first = editor.fill((0, 4, 0, 5))
        await editor.until_filling()
        second = editor.fill((0, 4, 0, 5))
        assert "a newer request" in (await within(60, first))["reason"]
        editor.let("fill")
        assert (await within(60, second))["applied"] is True
        assert editor.client.messages == []
