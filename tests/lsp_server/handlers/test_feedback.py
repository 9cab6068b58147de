"""Status, previews and counts over the wire; and that no code gets into any of the files."""

from __future__ import annotations

import json
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pygls.exceptions import JsonRpcException

from lsp_server.feedback.store import read
from tests.lsp_server.editor import URI, connected, until, within


async def test_the_status_is_told_from_loading_to_ready_and_busy_while_filling() -> None:
    async with connected(holds=["fill"]) as editor:
        editor.open("x = \n")
        asked = editor.complete(0, 4)
        await until(lambda: editor.statuses[-1].state == "busy")
        editor.let("fill")
        await asked
        await until(lambda: editor.statuses[-1].state == "ready")
        told = [(s.state, s.model, s.device) for s in editor.statuses]
        assert told[0] == ("loading", "", "")
        assert told[1] == ("ready", "fake", "cpu")
        assert told[-2:] == [("busy", "fake", "cpu"), ("ready", "fake", "cpu")]


async def test_a_model_that_does_not_load_is_a_status_with_the_remedy() -> None:
    async with connected(wait=False, load_error="no such model: nonsense; known are builtin") as editor:
        await until(lambda: bool(editor.statuses) and editor.statuses[-1].state == "error")
        assert editor.statuses[-1].message == "no such model: nonsense; known are builtin"


async def test_who_does_not_want_the_status_is_not_told() -> None:
    async with connected(options={"status": False}) as editor:
        editor.open("x = \n")
        await editor.complete(0, 4)
        assert editor.statuses == []
        assert editor.previews == []


async def test_previews_show_masks_and_each_denoise_step_of_commands_alone() -> None:
    async with connected(texts=["a + 😀"], steps=3, options={"preview": True}) as editor:
        editor.open("s = '😀' \n", version=4)
        editor.previews.clear()
        await editor.complete(0, 9, automatic=True)
        await editor.fill((0, 9, 0, 9))
        await until(lambda: len(editor.previews) >= 4)
        assert [(p.uri, p.version, p.step, p.forwardPasses) for p in editor.previews] == [
            (URI, 4, step, step) for step in (0, 1, 2, 3)
        ]
        masks, first, *_, last = (list(p.holes[0].tokens) for p in editor.previews)
        assert "".join(t.text for t in first) == "".join(t.text for t in last) == "a + 😀"
        assert [(t.text, t.confidence, t.open) for t in masks] == [("", 0, True)] * 3
        assert any(t.open for t in first)
        assert not any(t.open for t in last)
        assert all(0 <= t.confidence <= 1 for t in first)
        where = editor.previews[0].holes[0].range
        assert (where.start.line, where.start.character, where.end.character) == (0, 9, 9)


async def test_previews_of_several_holes_come_with_their_ranges() -> None:
    async with connected(texts=["a", "bb"], steps=2, options={"preview": True}) as editor:
        editor.open("x = 1\ny = 2\n")
        editor.previews.clear()
        await editor.fill((0, 4, 0, 5), (1, 4, 1, 5))
        holes = editor.previews[-1].holes
        assert [(h.range.start.line, "".join(t.text for t in h.tokens)) for h in holes] == [(0, "a"), (1, "bb")]


async def test_what_clients_tell_is_counted_and_nonsense_is_passed_over(tmp_path: Path) -> None:
    async with connected(texts=["value"], state=tmp_path) as editor:
        editor.open("x = \n")
        await editor.complete(0, 4)
        for method, params in (
            ("dlm/didShow", {"uri": URI}),
            ("dlm/didAccept", {"uri": URI, "acceptedLength": 3}),
            ("dlm/didReject", {"uri": URI}),
            ("dlm/didReject", {"uri": URI}),
            ("dlm/didShow", {"uri": 7}),
            ("dlm/didAccept", {"acceptedLength": -1, "class": [{}]}),
            ("dlm/didReject", None),
        ):
            editor.client.protocol.notify(method, params)
        editor.change(((0, 4, 0, 4), "v"))
        assert [i.insert_text for i in await editor.complete(0, 5, automatic=True)] == ["alue"]
        editor.client.protocol.notify("dlm/didShow", {"uri": URI})
        editor.client.protocol.notify("dlm/didReject", {"uri": URI})
        await editor.leave()
    counts = read(path=tmp_path / "dlm-fill" / "metrics.sqlite3", since=date(2000, 1, 1))
    assert (counts["shown"], counts["shown characters"]) == (3, 14), "the document that the editor waits with is one"
    assert counts["rejected"] == 1, "what is left of an accepted one is not rejected, and nothing is rejected twice"
    assert (counts["accepted"], counts["accepted characters"]) == (1, 3)
    assert (counts["suggested"], counts["answered from the cache"]) == (3, 1)


async def test_who_wants_no_counts_gets_no_file(tmp_path: Path) -> None:
    async with connected(state=tmp_path, options={"metrics": False}) as editor:
        editor.open("x = \n")
        await editor.complete(0, 4)
        await editor.leave()
    assert files_below(tmp_path) == []


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


CANARY = "kanarienvogel"


@pytest.mark.parametrize("load", [{}, {"load_crash": CANARY}], ids=["at work", "without a model"])
async def test_no_code_gets_into_any_file_log_or_count(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], load: dict[str, Any]
) -> None:
    """A word typed into documents, suggested by the model and sent in every field is in nothing that is written."""
    uri = f"file:///nowhere/{CANARY}.py"
    async with connected(
        texts=[f"{CANARY}(1)"],
        others=[[CANARY]],
        state=tmp_path,
        wait=not load,
        options={"preview": True, CANARY: 1},
        **load,
    ) as editor:
        for document in (URI, uri):
            editor.open(f"{CANARY} = \n", uri=document)
            editor.change(((0, 0, 0, 0), CANARY), uri=document)
            for automatic in (True, False):
                try:
                    await within(60, editor.complete(0, 29, automatic=automatic, uri=document))
                except JsonRpcException:
                    assert load
            editor.client.protocol.notify("dlm/didShow", {"uri": document, "text": CANARY})
            editor.client.protocol.notify("dlm/didAccept", {"uri": document, "acceptedLength": 3})
        for method in ("dlm/didAccept", "dlm/nothing", "textDocument/didChange"):
            params = {"uri": CANARY, CANARY: CANARY}
            editor.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode())
        try:
            await editor.fill((0, 0, 0, 3))
            await editor.command(CANARY, [CANARY])
        except JsonRpcException:
            pass
        await editor.leave()
        told = " ".join(m.message for m in editor.client.log_messages)
        told += " ".join(m.message for m in editor.client.messages)
        told += " ".join(s.message for s in editor.statuses)
    written = b"".join(path.read_bytes() for path in files_below(tmp_path))
    assert CANARY.encode() not in written
    assert CANARY not in capfd.readouterr().err
    assert CANARY not in told.replace(f"unknown key '{CANARY}'", "")  # an option's name is no code
    if not load:
        file = tmp_path / "dlm-fill" / "metrics.sqlite3"
        assert sqlite3.connect(file).execute("SELECT COUNT(*) FROM counts").fetchone()[0] > 3


async def test_what_is_accepted_is_counted_once_whoever_tells(tmp_path: Path) -> None:
    async with connected(texts=["value"], others=[["other()"]], state=tmp_path) as editor:
        editor.open("x = \n\n")
        items = await editor.complete(0, 4)
        editor.change(((0, 4, 0, 4), "other()"))
        await editor.complete(1, 0)
        editor.change(((1, 0, 1, 0), "value"))
        assert items[1].command is not None
        await editor.command(items[1].command.command, list(items[1].command.arguments or ()))
        await editor.leave()
    counts = read(path=tmp_path / "dlm-fill" / "metrics.sqlite3", since=date(2000, 1, 1))
    assert (counts["accepted"], counts["accepted characters"]) == (2, 12)
