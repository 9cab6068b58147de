"""`dlm-fill lsp` as editors start it: the built-in model behind the protocol, and what happens without one."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from lsp_server.feedback.store import read
from tests.e2e.builtin import DEMO, DEMO_LINE
from tests.lsp_server.editor import connected, span_of, until, within

COMMAND = [str(Path(sys.executable).with_name("dlm-fill")), "lsp"]
UNHURRIED = {"maxTimeMs": 100_000}  # on a busy machine a fill that is cut short says something else, or nothing


async def test_an_unknown_model_is_reported_to_the_user() -> None:
    async with connected(command=[*COMMAND, "--model", "no-such-model"], wait=False) as editor:
        await until(lambda: len(editor.client.messages) > 0)
        (shown,) = editor.client.messages
        assert shown.type == lsp.MessageType.Error
        assert "no-such-model" in shown.message
        editor.open("x = \n")
        with pytest.raises(JsonRpcException, match="no-such-model"):
            await within(60, editor.complete(0, 4))
        assert await editor.leave() == 0


async def test_a_model_named_at_initialize_is_the_one_that_is_opened() -> None:
    async with connected(command=COMMAND, options={"model": "no-such-model"}, wait=False) as editor:
        await until(lambda: len(editor.client.messages) > 0)
        assert "no-such-model" in editor.client.messages[0].message


async def test_an_editor_gets_a_fill_from_the_built_in_model() -> None:
    source = DEMO.read_text(encoding="utf-8")
    line = DEMO_LINE - 1
    gap = source.split("\n")[line]
    async with connected(command=COMMAND, options=UNHURRIED) as editor:
        editor.open(source)
        result = await within(120, editor.fill((line, len(gap) - 3, line, len(gap)), version=1))
        assert result["applied"] is True, result["reason"]
        ((change,),) = (a.edit.document_changes or () for a in editor.applied)
        assert isinstance(change, lsp.TextDocumentEdit)
        (edit,) = change.edits
        assert isinstance(edit, lsp.TextEdit)
        assert edit.range == span_of(line, len(gap) - 3, line, len(gap))
        assert edit.new_text.strip()
        editor.change(((line, len(gap) - 3, line, len(gap)), ""))
        items = await within(120, editor.complete(line, len(gap) - 3))
        assert all(item.range is not None and item.insert_text for item in items)
        assert await editor.leave() == 0


async def test_typing_what_the_built_in_model_suggests_needs_no_further_fill(tmp_path: Path) -> None:
    """A suggestion at the end of a line that is being typed: it shrinks as it is typed, and comes back after backspace."""
    source = (
        "def area(width, height):\n    return width * height\n\n\ndef volume(width, height, depth):\n    return wid\n"
    )
    async with connected(
        command=COMMAND, inline=True, options={**UNHURRIED, "preview": True}, state=tmp_path
    ) as editor:
        editor.open(source)
        items = await within(120, editor.complete(5, 14))
        assert items, "the pattern of the function above is there to be copied"
        text = items[0].insert_text
        assert isinstance(text, str)
        assert "\n" not in text, "text stands before the cursor"
        assert len({item.insert_text for item in items}) == len(items)
        assert all(item.range and item.range.start.line == item.range.end.line for item in items)
        assert not editor.previews, "previews are for commands"
        for typed in range(1, len(text.rstrip())):
            editor.change(((5, 13 + typed, 5, 13 + typed), text[typed - 1]))
            first, *_ = await within(120, editor.complete(5, 14 + typed, automatic=True))
            assert first.insert_text == text[typed:]
        editor.change(((5, 14, 5, 14 + len(text.rstrip()) - 1), ""))
        first, *_ = await within(120, editor.complete(5, 14, automatic=True))
        assert first.insert_text == text
        assert await editor.leave() == 0
    counts = read(path=tmp_path / "dlm-fill" / "metrics.sqlite3", since=date(2000, 1, 1))
    assert counts["requests"] - counts["answered from the cache"] == 2, "one fill to warm up, and the first suggestion"
    assert counts["answered from the cache"] == len(text.rstrip()), "each character typed, and backspace"
