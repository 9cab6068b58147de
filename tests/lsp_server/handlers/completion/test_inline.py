"""Ghost text over the wire: what is suggested, where, and when nothing is."""

from __future__ import annotations

from pathlib import Path

import pytest
from pygls.exceptions import JsonRpcInvalidParams

from tests.lsp_server.editor import connected, large_file, span_of, within


async def test_a_suggestion_stands_at_the_cursor_as_plain_text(tmp_path: Path) -> None:
    async with connected(texts=["x + 1"], record=tmp_path / "fills") as editor:
        editor.open("def f(x):\n    return \n")
        items = await editor.complete(1, 11)
        assert [(item.insert_text, item.range) for item in items] == [("x + 1", span_of(1, 11, 1, 11))]
        (fill,) = editor.recorded()
        assert fill["pieces"] == ["def f(x):\n    return ", "\n"]


@pytest.mark.parametrize(("encoding", "column"), [("utf-8", 16), ("utf-16", 12), ("utf-32", 11)])
async def test_positions_are_in_the_encoding_the_client_prefers(encoding: str, column: int, tmp_path: Path) -> None:
    async with connected(texts=["1"], encodings=[encoding], record=tmp_path / "fills") as editor:
        assert editor.initialized is not None
        assert editor.initialized.capabilities.position_encoding == encoding
        editor.open("a\x0cb\u2028c = '😀'\r\n# 😀😀\r\n")
        editor.change(((0, column - 1, 0, column), '"'))  # the closing quote
        items = await editor.complete(0, column)
        assert [item.range for item in items] == [span_of(0, column, 0, column)]
        (fill,) = editor.recorded()
        assert fill["pieces"] == ["a\x0cb\u2028c = '😀\"", "\n# 😀😀\n"]


async def test_far_from_the_last_keystroke_the_enclosing_function_is_seen(tmp_path: Path) -> None:
    async with connected(texts=["1"], record=tmp_path / "fills") as editor:
        text = large_file()
        editor.open(text, language_id="javascript")
        editor.change(((1, 0, 1, 0), " "))
        await editor.complete(text[: text.index("step250(")].count("\n"), 0)
        (fill,) = editor.recorded()
        assert "function far(items) {\n" in fill["pieces"][0]
        assert "step0(" not in fill["pieces"][0], "the function is longer than the context"


async def test_without_a_preference_positions_are_utf_16(tmp_path: Path) -> None:
    async with connected(record=tmp_path / "fills") as editor:
        assert editor.initialized is not None
        assert editor.initialized.capabilities.position_encoding == "utf-16"
        editor.open("s = '😀'\n")
        await editor.complete(0, 8)
        assert editor.recorded()[0]["pieces"] == ["s = '😀'", "\n"]


async def test_lines_after_an_insertion_have_the_files_line_ends() -> None:
    async with connected(texts=["a = 1\nb = 2"]) as editor:
        editor.open("x = 0\r\n\r\ny = 0\r\n")
        (item,) = await editor.complete(1, 0)
        assert item.insert_text == "a = 1\r\nb = 2"
        assert item.range == span_of(1, 0, 1, 0)


async def test_positions_beyond_the_text_are_tolerated() -> None:
    async with connected(texts=["1"]) as editor:
        editor.open("x = \ny")
        (item,) = await editor.complete(0, 400)
        assert item.range == span_of(0, 4, 0, 4)
        (item,) = await editor.complete(77, 3)
        assert item.range == span_of(1, 1, 1, 1)


async def test_candidates_are_as_many_as_the_client_wants(tmp_path: Path) -> None:
    options = {"candidates": 3, "maxTimeMs": 1500}
    async with connected(texts=["a"], others=[["b"], ["a"]], options=options, record=tmp_path / "fills") as editor:
        editor.open("x = \n")
        items = await editor.complete(0, 4)
        assert [item.insert_text for item in items] == ["a", "b"]  # the third says the same as the first
        assert (editor.recorded()[0]["candidates"], editor.recorded()[0]["max_time_s"]) == (3, 1.5)


async def test_an_answer_extends_the_entry_selected_in_the_popup_menu(tmp_path: Path) -> None:
    async with connected(texts=["(x)"], record=tmp_path / "fills") as editor:
        editor.open("pri\n")
        items = await editor.complete(0, 3, selected=((0, 0, 0, 3), "print"))
        assert [(item.insert_text, item.range) for item in items] == [("print(x)", span_of(0, 0, 0, 3))]
        assert editor.recorded()[0]["pieces"] == ["print", "\n"]
        assert await editor.complete(0, 3, selected=((0, 0, 1, 0), "print")) == []
        # The document itself never held the entry.
        await editor.complete(0, 3)
        assert editor.recorded()[-1]["pieces"] == ["pri", "\n"]


async def test_nothing_is_asked_automatically_where_text_follows(tmp_path: Path) -> None:
    async with connected(texts=["1"], record=tmp_path / "fills") as editor:
        editor.open("f(a, b) + other\nf(g(x[1]));\n")
        assert await editor.complete(0, 2, automatic=True) == []
        assert editor.recorded() == []
        assert len(await editor.complete(1, 7, automatic=True)) == 1  # closers alone follow
        assert len(await editor.complete(0, 2)) == 1  # asked for


async def test_a_blank_answer_is_no_suggestion() -> None:
    async with connected(texts=["  "]) as editor:
        editor.open("x = \n")
        assert await editor.complete(0, 4) == []


async def test_a_document_that_changed_meanwhile_gets_nothing_and_frees_the_machine() -> None:
    async with connected(texts=["1"], holds=["fill"]) as editor:
        editor.open("x = \n")
        answer = editor.complete(0, 4)
        await editor.until_filling()
        editor.change(((0, 4, 0, 4), "y"))
        assert await within(60, answer) == []
        (fill,) = await editor.until_recorded(1)
        assert (fill["stopped"], fill["steps"]) == ("cancelled", 0)


async def test_an_unopened_file_of_the_workspace_is_read_and_no_other(tmp_path: Path) -> None:
    folder, secret = tmp_path / "work", tmp_path / "secret.py"
    folder.mkdir()
    secret.write_text("key = \n", encoding="utf-8")
    (folder / "a.py").write_text("x = \n", encoding="utf-8")
    async with connected(texts=["1"], folders=[folder], record=tmp_path / "fills") as editor:
        assert len(await editor.complete(0, 4, uri=(folder / "a.py").as_uri())) == 1
        with pytest.raises(JsonRpcInvalidParams, match="not in a workspace folder: open it in the editor first"):
            await editor.complete(0, 6, uri=secret.as_uri())
        assert len(editor.recorded()) == 1
