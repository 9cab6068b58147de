"""Whoever asks and gets nothing is told why, once, with the remedy; who just types is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types as lsp

from tests.lsp_server.editor import Editor, connected, span_of


def told(editor: Editor) -> list[str]:
    return [message.message for message in editor.client.messages if message.message.startswith("dlm-fill:")]


async def ask_for_actions(editor: Editor, uri: str, kind: lsp.CodeActionTriggerKind | None) -> None:
    params = lsp.CodeActionParams(
        text_document=lsp.TextDocumentIdentifier(uri=uri),
        range=span_of(0, 0, 0, 3),
        context=lsp.CodeActionContext(diagnostics=[], trigger_kind=kind),
    )
    assert not await editor.request(lsp.TEXT_DOCUMENT_CODE_ACTION, params)


async def test_an_excluded_file_says_so_to_who_asks(tmp_path: Path) -> None:
    (tmp_path / ".dlmignore").write_text("private/\n")
    for name, rule in (
        (".env", r".env*"),
        ("private/a.py", "private/ (.dlmignore:1)"),
        ("credentials", "credentials*"),
    ):
        async with connected(folders=[tmp_path]) as editor:
            uri = (tmp_path / name).as_uri()
            editor.open("key = 1\n", uri=uri)
            for _ in range(3):
                assert await editor.complete(0, 3, uri=uri, automatic=True) == []
                await ask_for_actions(editor, uri, None)
                await ask_for_actions(editor, uri, lsp.CodeActionTriggerKind.Automatic)
            assert told(editor) == []
            assert await editor.complete(0, 3, uri=uri) == []
            assert await editor.complete(0, 3, uri=uri) == []
            (message,) = told(editor)
            assert f"excluded by {rule}" in message
            assert "\n" not in message
            await ask_for_actions(editor, uri, lsp.CodeActionTriggerKind.Invoked)
            await editor.arrived()
            assert set(told(editor)) == {message}


async def test_a_switch_that_is_off_and_a_place_where_nothing_fits_say_so() -> None:
    async with connected(options={"enabled": False}, wait=False) as editor:
        editor.open("x = 1\n")
        assert await editor.complete(0, 5) == []
        assert told(editor) == ["dlm-fill: switched off here: set enabled to true in your editor, or in dlm-fill.toml"]
    async with connected(texts=["  "]) as editor:
        editor.client.messages.clear()  # of the empty document with which the connection began
        editor.open("x = 1\n")
        assert await editor.complete(0, 5, automatic=True) == []
        assert told(editor) == []
        for _ in range(2):
            assert await editor.complete(0, 5) == []
        assert len([message for message in told(editor) if "nothing that fits was found here" in message]) == 1


@pytest.mark.parametrize("name", ["credentials.py", "secrets.ts", "id_rsa_parser.py"])
async def test_source_code_is_filled_whatever_it_is_called(name: str, tmp_path: Path) -> None:
    async with connected(folders=[tmp_path]) as editor:
        uri = (tmp_path / name).as_uri()
        editor.open("x = \n", uri=uri)
        assert await editor.complete(0, 4, uri=uri, automatic=True)
