"""Nothing that an editor does again and again leaves something behind in the server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from lsp_server.bench.watched import MEMORY
from lsp_server.server import create_server
from tests.fakes import FakeFiller
from tests.lsp_server.editor import URI, Editor, connected, within

TIMES = 100


async def configures(editor: Editor, n: int) -> None:
    editor.configure({"dlm-fill": {"candidates": 1 + n % 3}})


async def fills_with_progress(editor: Editor, n: int) -> None:
    assert (await editor.fill((0, 0, 0, 1)))["applied"]


async def completes(editor: Editor, n: int) -> None:
    editor.change(((0, 0, 0, 0), "abcdefg"[n % 7]))
    assert await editor.complete(1, 4)


async def cancels(editor: Editor, n: int) -> None:
    editor.change(((0, 0, 0, 0), "abcdefg"[n % 7]))
    answer = editor.complete(1, 4, automatic=True)
    editor.cancel(editor.last_id)
    with suppress(JsonRpcException):
        await answer


async def errs(editor: Editor, n: int) -> None:
    for asked in (editor.command("no.such", []), editor.request("no/such", {}), editor.complete(0, 0, uri="x:y")):
        with pytest.raises(JsonRpcException):
            await asked


async def opens_and_closes(editor: Editor, n: int) -> None:
    uri = f"file:///nowhere/{n}.py"
    editor.open(f"value_{n} = \n", uri=uri)
    assert await editor.complete(0, 99, uri=uri)
    document = lsp.TextDocumentIdentifier(uri=uri)
    editor.client.text_document_did_close(lsp.DidCloseTextDocumentParams(text_document=document))


async def objects(editor: Editor) -> int:
    """Return how many objects the server holds, garbage not counted, with the document closed and opened anew.

    Jobs that were cancelled may still be ending when the server is asked: it is asked until the number no longer falls.
    """
    least: int | None = None
    for _ in range(20):
        editor.client.text_document_did_close(lsp.DidCloseTextDocumentParams(lsp.TextDocumentIdentifier(uri=URI)))
        memory = await within(60, editor.request(MEMORY, {}))
        editor.open("x\ny = \n")
        if least is not None and memory.objects >= least:
            break
        least = int(memory.objects)
        await asyncio.sleep(0.1)
    assert least is not None
    return least


@pytest.mark.parametrize(
    "does", [configures, fills_with_progress, completes, cancels, errs, opens_and_closes], ids=lambda f: f.__name__
)
async def test_memory_is_flat(does: Callable[[Editor, int], Awaitable[None]]) -> None:
    """One object kept each time would be 3 × TIMES between the two halves.

    Each half counts by its least: timers that were cancelled stay with asyncio until there are a hundred of them.
    """
    async with connected(progress=True, forgets=True, options={"status": False}) as editor:
        editor.open("x\ny = \n")
        counts = []
        async with asyncio.timeout(600):
            for _ in range(6):
                for n in range(TIMES):
                    await does(editor, n)
                counts.append(await objects(editor))
        assert min(counts[3:]) - min(counts[:3]) < TIMES, counts


@pytest.mark.parametrize("refused", [False, True])
async def test_answers_of_the_editor_leave_nothing_either(refused: bool) -> None:
    """What pygls keeps of a request of the server's is a string, which is no object that holds others."""
    server = create_server(lambda name, *, device: FakeFiller(["x"]))
    protocol = server.protocol
    written = Written()
    protocol.set_writer(written)
    for _ in range(3):
        asked = protocol.send_request(lsp.WORKSPACE_APPLY_EDIT, lsp.ApplyWorkspaceEditParams(lsp.WorkspaceEdit()))
        answer: dict[str, object] = {"jsonrpc": "2.0", "id": written.last_id}
        answer |= {"error": {"code": -32601, "message": "no"}} if refused else {"result": {"applied": True}}
        protocol.handle_message(protocol.structure_message(answer))
        assert asked.done()
        assert (protocol._request_futures, protocol._result_types) == ({}, {})  # noqa: SLF001  what pygls keeps is what is asked


class Written:
    """What the server has written, of which the id of the last request is remembered."""

    def __init__(self) -> None:
        self.last_id: object = None

    def write(self, data: bytes) -> None:
        self.last_id = json.loads(data.partition(b"\r\n\r\n")[2])["id"]

    def close(self) -> None:
        """There is nothing to close."""
