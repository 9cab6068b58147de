"""A server without an editor, and one on a port."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from contextlib import suppress

import pytest

from lsp_server.cli import main as cli
from tests.lsp_server.editor import ROOT, connected, within


async def test_it_leaves_when_the_editors_process_has_ended() -> None:
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=subprocess.PIPE)
    async with connected(parent=parent.pid) as editor:
        assert editor.process.returncode is None
        parent.kill()
        await parent.wait()
        assert await within(60, editor.process.wait()) == 1


async def test_an_editor_that_cannot_be_seen_is_not_taken_for_dead() -> None:
    gone = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await gone.wait()
    async with connected(parent=gone.pid, texts=["1"]) as editor:
        editor.open("x = \n")
        assert len(await editor.complete(0, 4)) == 1


async def test_it_serves_on_a_port_of_this_machine() -> None:
    async with asyncio.timeout(120):
        server, reader, writer = await served_on_a_port()
        try:
            params: dict[str, object] = {"processId": None, "rootUri": None, "capabilities": {}}
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).encode()
            writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            assert b"Content-Length" in await reader.readuntil(b"\r\n\r\n")
            writer.close()
        finally:
            if server.returncode is None:
                server.kill()
            await server.wait()


async def served_on_a_port() -> tuple[asyncio.subprocess.Process, asyncio.StreamReader, asyncio.StreamWriter]:
    """A server and a connection to it. Another program may take the free port that was found: then one more try."""
    while True:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "lsp_server.cli.main", "lsp", "--tcp", f"127.0.0.1:{port}"]
        server = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
        while server.returncode is None:
            with suppress(ConnectionRefusedError):
                return server, *await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("place", ["0.0.0.0:9", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:x", "9"])
def test_no_other_place_is_served(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["lsp", "--tcp", place]) == 2
    assert "is not 127.0.0.1:PORT" in capsys.readouterr().err
