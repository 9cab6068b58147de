"""A server without an editor, and one on a port."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys

import pytest

from lsp_server import cli
from tests.lsp_server.editor import ROOT, connected, within


async def test_it_leaves_when_the_editors_process_has_ended() -> None:
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=subprocess.PIPE)
    async with connected(parent=parent.pid) as editor:
        assert editor.process.returncode is None
        parent.kill()
        await parent.wait()
        assert await within(10, editor.process.wait()) == 1


async def test_an_editor_that_cannot_be_seen_is_not_taken_for_dead() -> None:
    gone = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await gone.wait()
    async with connected(parent=gone.pid, texts=["1"]) as editor:
        editor.open("x = \n")
        assert len(await editor.complete(0, 4)) == 1


async def test_it_serves_on_a_port_of_this_machine() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "lsp_server.cli", "lsp", "--tcp", f"127.0.0.1:{port}"]
    server = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    break
                except ConnectionRefusedError:
                    await asyncio.sleep(0.05)
            params: dict[str, object] = {"processId": None, "rootUri": None, "capabilities": {}}
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).encode()
            writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            assert b"Content-Length" in await reader.readuntil(b"\r\n\r\n")
            writer.close()
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()


@pytest.mark.parametrize("place", ["0.0.0.0:9", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:x", "9"])
def test_no_other_place_is_served(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["lsp", "--tcp", place]) == 2
    assert "is not 127.0.0.1:PORT" in capsys.readouterr().err
