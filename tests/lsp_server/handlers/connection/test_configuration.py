"""Settings over the wire: asked for, pushed, changed while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams

from tests.lsp_server.editor import connected, until


async def test_an_editor_that_answers_is_asked_for_each_folder(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
    settings: dict[str | None, Any] = {None: {"maxTimeMs": 400}, one.as_uri(): {"maxTimeMs": 500}, two.as_uri(): None}
    async with connected(folders=[one, two], settings=settings, record=tmp_path / "fills") as editor:
        for folder in (one, two):
            editor.open("x = \n", uri=(folder / "a.py").as_uri())
            await editor.complete(0, 4, uri=(folder / "a.py").as_uri())
        assert [fill["max_time_s"] for fill in editor.recorded()] == [0.5, 0.4]
        settings[None] = {"maxTimeMs": 600, "candidates": "many"}
        editor.configure(None)
        await until(lambda: bool(editor.client.messages))
        editor.open("y = \n", uri=(two / "b.py").as_uri())
        await editor.complete(0, 4, uri=(two / "b.py").as_uri())
        assert editor.recorded()[-1]["max_time_s"] == 0.6
        editor.configure(None)
        await editor.complete(0, 0, uri=(two / "b.py").as_uri())
        (told,) = editor.client.messages
        assert told.type == lsp.MessageType.Warning
        assert told.message == (
            "dlm-fill: the setting dlm-fill: candidates must be a whole number of at least 1 and at most 16; 3 is used instead"
        )


async def test_what_other_editors_push_is_taken(tmp_path: Path) -> None:
    async with connected(record=tmp_path / "fills") as editor:
        editor.configure({"python": {"modle": 1}})
        editor.configure({"dlm-fill": {"candidates": 2, "modle": 1}})
        editor.open("x = \n")
        await editor.complete(0, 4)
        assert editor.recorded()[0]["candidates"] == 2
        assert ["unknown key 'modle'" in message.message for message in editor.client.messages] == [True]


async def test_another_model_is_loaded_while_it_runs() -> None:
    async with connected(texts=["{model}"], progress=True) as editor:
        editor.open("x = \n")
        assert (await editor.complete(0, 4))[0].insert_text == "builtin"
        editor.configure({"dlm-fill": {"model": "other"}})
        assert (await editor.complete(0, 4))[0].insert_text == "other", "nothing of the former model is remembered"
        await until(lambda: editor.statuses[-1].state == "ready")


async def test_it_can_be_switched_off_and_says_so(tmp_path: Path) -> None:
    file, uri = tmp_path / "dlm-fill.toml", (tmp_path / "a.py").as_uri()
    file.write_text("enabled = false\n")
    async with connected(folders=[tmp_path]) as editor:
        editor.open("x = \n", uri=uri)
        assert await editor.complete(0, 4, uri=uri) == []
        await until(lambda: editor.statuses[-1].state == "inactive")
        assert editor.statuses[-1].message == "switched off by the setting enabled"
        with pytest.raises(JsonRpcInvalidParams, match="set enabled to true"):
            await editor.fill((0, 0, 0, 1), uri=uri)
        file.write_text("automatic = false\n")
        assert len(await editor.complete(0, 4, uri=uri)) == 1
        assert await editor.complete(0, 4, uri=uri, automatic=True) == []
        assert editor.statuses[-1].state != "inactive"
