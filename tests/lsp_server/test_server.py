"""The server as a process: starting, loading, stopping, and what it makes of nonsense."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from tests.lsp_server.editor import ROOT, connected, until, within


def test_initialize_is_answered_without_torch_or_numpy() -> None:
    """A process that has answered `initialize` lists what it imported."""
    code = """
import sys, io, json
from lsp_server.server import create_server
server = create_server()
out = io.BytesIO()
body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize",
                   "params": {"processId": None, "rootUri": None, "capabilities": {}}}).encode()
server.start_io(io.BytesIO(b"Content-Length: %d\\r\\n\\r\\n" % len(body) + body), out)
answer = out.getvalue()
print(json.dumps({"modules": sorted(sys.modules), "answered": b'"capabilities"' in answer}))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    report = json.loads(run.stdout)
    assert report["answered"]
    heavy = {"torch", "numpy", "transformers", "tokenizers", "rich", "click"} & set(report["modules"])
    assert heavy == set()


async def test_what_it_can_do_is_advertised() -> None:
    async with connected(wait=False) as editor:
        assert editor.initialized is not None
        can = editor.initialized.capabilities
        assert can.inline_completion_provider is not None
        assert can.execute_command_provider is not None
        assert list(can.execute_command_provider.commands) == [
            "dlm.fill",
            "dlm.nextCandidate",
            "dlm.previousCandidate",
            "dlm.refactor",
            "dlm.didAccept",
        ]
        assert isinstance(can.text_document_sync, lsp.TextDocumentSyncOptions)
        assert can.text_document_sync.change == lsp.TextDocumentSyncKind.Incremental
        assert can.text_document_sync.open_close is True


async def test_while_loading_automatic_requests_are_empty_and_others_wait() -> None:
    async with connected(wait=False, holds=["load"]) as editor:
        editor.open("x = \n")
        asked = asyncio.ensure_future(editor.complete(0, 4))
        assert await within(60, editor.complete(0, 4, automatic=True)) == []
        assert not asked.done()
        editor.let("load")
        (item,) = await within(60, asked)
        assert item.insert_text == "filled"
        assert len(await editor.complete(0, 4, automatic=True)) == 1


async def test_loading_shows_progress_where_the_client_does() -> None:
    async with connected(progress=True, wait=False, holds=["load"]) as editor:
        reports: dict[Any, list[Any]] = editor.client.progress_reports
        await until(lambda: any(len(r) == 1 for r in reports.values()))
        editor.let("load")
        await until(lambda: any(len(r) == 2 for r in reports.values()))
        ((begin, end),) = (tuple(r) for r in reports.values())
        assert begin == lsp.WorkDoneProgressBegin(title="dlm-fill: loading the model builtin", cancellable=False)
        assert end == lsp.WorkDoneProgressEnd(message="fake on cpu")


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        ({"load_error": "no such model: nonsense; known are builtin"}, "no such model: nonsense; known are builtin"),
        ({"load_crash": "secret = 1"}, "could not be loaded (RuntimeError at fake_server.py:"),
    ],
)
async def test_a_model_that_does_not_load_is_reported_once_with_the_remedy(failure: Any, message: str) -> None:
    async with connected(wait=False, **failure) as editor:
        editor.open("x = 1\n")
        with pytest.raises(JsonRpcException) as raised:
            await within(60, editor.complete(0, 4))
        assert raised.value.code == lsp.LSPErrorCodes.RequestFailed
        assert message in raised.value.message
        assert "secret" not in raised.value.message
        assert await editor.complete(0, 4, automatic=True) == []
        shown = [m for m in editor.client.messages if m.type == lsp.MessageType.Error]
        assert len(shown) == 1
        assert message in shown[0].message
        assert "secret" not in shown[0].message


async def test_unknown_and_wrong_options_are_reported_and_the_rest_counts(tmp_path: Path) -> None:
    options = {"modle": "x", "candidates": 0, "maxTimeMs": 700, "device": None}
    async with connected(options=options, record=tmp_path / "fills") as editor:
        logged = [m.message for m in editor.client.messages]
        assert any("unknown key 'modle' has no effect; known are model, device, enabled" in m for m in logged)
        assert any("candidates must be a whole number of at least 1 and at most 16; 3 is used" in m for m in logged)
        assert len(logged) == 2
        editor.open("x = \n")
        await editor.complete(0, 4)
        assert (editor.recorded()[0]["max_time_s"], editor.recorded()[0]["candidates"]) == (0.7, 3)


async def test_a_cancelled_request_stops_before_the_next_step() -> None:
    async with connected(holds=["fill"]) as editor:
        editor.open("x = \n")
        answer = editor.complete(0, 4)
        await editor.until_filling()
        editor.cancel(editor.last_id)
        with pytest.raises(JsonRpcException) as raised:
            await within(60, answer)
        assert raised.value.code == lsp.LSPErrorCodes.RequestCancelled
        (fill,) = await editor.until_recorded(1)
        assert (fill["stopped"], fill["steps"]) == ("cancelled", 0)


async def test_a_newer_request_takes_the_older_ones_place() -> None:
    async with connected(holds=["fill"], steps=5) as editor:
        editor.open("a = b = c = d = e = \n")
        answers = [editor.complete(0, 4 * n) for n in range(1, 6)]
        older = asyncio.gather(*answers[:4])
        assert await within(60, older) == [[], [], [], []], "at once: no fill can have ended yet"
        editor.let("fill")
        assert len(await within(60, answers[4])) == 1
        *others, last = editor.recorded()
        assert (last["stopped"], last["steps"]) == ("done", 5)
        assert all((fill["stopped"], fill["steps"]) == ("cancelled", 0) for fill in others)


async def test_requests_for_the_same_state_share_one_fill() -> None:
    async with connected(holds=["fill"]) as editor:
        editor.open("x = \n")
        asked = asyncio.gather(*(editor.complete(0, 4, automatic=n > 0) for n in range(4)))
        await editor.until_filling()
        editor.let("fill")
        answers = await within(60, asked)
        assert [[item.insert_text for item in items] for items in answers] == [["filled"]] * 4
        assert len(editor.recorded()) == 1


async def test_cancelling_one_of_two_that_share_a_fill_leaves_it_to_the_other() -> None:
    async with connected(holds=["fill"]) as editor:
        editor.open("x = \n")
        first = editor.complete(0, 4)
        first_id = editor.last_id
        second = editor.complete(0, 4)
        editor.cancel(first_id)
        with pytest.raises(JsonRpcException):
            await within(60, first)
        editor.let("fill")
        assert len(await within(60, second)) == 1
        assert [fill["stopped"] for fill in editor.recorded()] == ["done"]


async def test_requests_for_different_documents_do_not_stop_each_other() -> None:
    async with connected(steps=5, step_s=0.01) as editor:
        editor.open("x = \n")
        editor.open("y = \n", uri="file:///nowhere/other.py")
        both = await within(
            60, asyncio.gather(editor.complete(0, 4), editor.complete(0, 4, uri="file:///nowhere/other.py"))
        )
        assert [len(items) for items in both] == [1, 1]


async def test_typing_does_not_displace_a_fill_that_was_asked_for() -> None:
    async with connected(holds=["fill"]) as editor:
        editor.open("x = 1\ny = \n")
        asked = editor.fill((0, 4, 0, 5))
        assert await within(60, editor.complete(1, 4, automatic=True)) == []
        editor.let("fill")
        assert (await within(60, asked))["applied"] is True


@pytest.mark.parametrize("busy", ["idle", "filling", "loading"])
async def test_it_leaves_without_waiting_for_what_runs(busy: str) -> None:
    """Loading and the fill never end by themselves here, and the fill does not even notice that it is cancelled."""
    async with connected(holds=["load" if busy == "loading" else "fill"], deaf=True, wait=False) as editor:
        editor.open("x = \n")
        if busy != "idle":
            editor.complete(0, 4)
        if busy == "filling":
            await editor.until_filling()
        if busy == "loading":
            await until(lambda: bool(editor.statuses))
        assert await editor.leave() == 0


async def test_it_leaves_with_1_without_shutdown_or_when_the_editor_is_gone() -> None:
    async with connected() as editor:
        editor.client.exit(None)
        assert await within(60, editor.process.wait()) == 1
    async with connected(holds=["fill"]) as editor:
        editor.open("x = \n")
        editor.complete(0, 4)
        await editor.until_filling()
        assert editor.process.stdin is not None
        editor.process.stdin.close()
        assert await within(60, editor.process.wait()) == 1


async def test_requests_after_shutdown_are_refused() -> None:
    async with connected() as editor:
        editor.open("x = \n")
        await editor.client.shutdown_async(None)
        with pytest.raises(JsonRpcException, match="shutting down"):
            await within(60, editor.complete(0, 4))


NONSENSE: list[bytes] = [
    b"{not json",
    b"\xff\xfe\x00",
    b"[]",
    b"17",
    b"null",
    b"{}",
    b"[" * 100_000,
    b'{"jsonrpc": "1.0", "id": 1, "method": "initialize"}',
    b'{"jsonrpc": "2.0"}',
    b'{"jsonrpc": "2.0", "id": 99, "result": {}}',
    b'{"jsonrpc": "2.0", "id": 99, "error": {"code": 1, "message": "x"}}',
    b'{"jsonrpc": "2.0", "method": "no/such", "params": {"x": "secret"}}',
    b'{"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"x": "secret"}}',
    b'{"jsonrpc": "2.0", "method": "textDocument/didChange", "params": null}',
    b'{"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": "never sent"}}',
    b'{"jsonrpc": "2.0", "method": "textDocument/didClose", "params": {"textDocument": {"uri": "file:///nowhere/secret"}}}',
    json.dumps(
        {
            "jsonrpc": "2.0",
            "method": "textDocument/didChange",
            "params": {
                "textDocument": {"uri": "file:///never/opened", "version": 1},
                "contentChanges": [{"text": "secret"}],
            },
        }
    ).encode(),
]


async def test_nonsense_neither_stops_it_nor_gets_into_any_log() -> None:
    async with connected(texts=["1"]) as editor:
        editor.open("x = \n")
        for body in NONSENSE:
            editor.send(body)
            assert len(await within(60, editor.complete(0, 4))) == 1, body[:80]
        editor.process.stdin.write(b"Content-Length: many\r\nNonsense\r\n\r\n")  # type: ignore[union-attr]
        assert len(await within(60, editor.complete(0, 4))) == 1
        told = [m.message for m in editor.client.log_messages] + [m.message for m in editor.client.messages]
        assert not [message for message in told if "secret" in message]


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("no/such", {}, lsp.ErrorCodes.MethodNotFound),
        (lsp.TEXT_DOCUMENT_INLINE_COMPLETION, {"position": "secret"}, lsp.ErrorCodes.InvalidParams),
        (lsp.WORKSPACE_EXECUTE_COMMAND, {"arguments": ["secret"]}, lsp.ErrorCodes.InvalidParams),
    ],
)
async def test_every_request_gets_an_answer(method: str, params: Any, code: int) -> None:
    async with connected() as editor:
        future: Any = asyncio.get_running_loop().create_future()
        editor.client.protocol._request_futures["raw"] = future  # noqa: SLF001  pygls would refuse to send such parameters
        editor.send(json.dumps({"jsonrpc": "2.0", "id": "raw", "method": method, "params": params}).encode())
        with pytest.raises(JsonRpcException) as raised:
            await within(60, future)
        assert raised.value.code == code
        assert "secret" not in str(raised.value)


async def test_code_reaches_neither_standard_error_nor_the_editors_log(capfd: pytest.CaptureFixture[str]) -> None:
    async with connected(texts=["hidden_answer"]) as editor:
        editor.open("hidden_text = \n")
        editor.change(((0, 0, 0, 0), "hidden_edit"))
        await editor.complete(0, 25)
        await editor.fill((0, 0, 0, 3))
        with pytest.raises(JsonRpcException):
            await editor.command("dlm.fill", ["hidden_argument"])
        with pytest.raises(JsonRpcException):
            await editor.complete(0, 3, uri="file:///nowhere/never_opened.py")
        await editor.leave()
        logged = " ".join(m.message for m in editor.client.log_messages)
    assert "hidden" not in logged
    assert "hidden" not in capfd.readouterr().err
