"""What hangs on the server's streams: nobody reads its standard error, or its editor is killed without a word."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lsp_server.bench.connection import Connection
from tests.lsp_server.editor import ROOT, URI, within

SERVER = [sys.executable, str(ROOT / "tests" / "lsp_server" / "fake_server.py")]
INITIALIZE: dict[str, Any] = {"processId": None, "rootUri": None, "capabilities": {}}
PIPE_BYTES = 1 << 16


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """(end to read, end to write); what is still open is closed."""
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            try:
                os.close(end)
            except OSError:
                continue


async def test_a_standard_error_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    """Each fill says more than a pipe holds, as a chatty library may."""
    config = {"texts": ["filled"], "noise_bytes": 2 * PIPE_BYTES}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path)}
    with pipe() as (unread, stderr):
        process = await asyncio.create_subprocess_exec(
            *SERVER, json.dumps(config), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=environment
        )
        connection = Connection(process, lambda *_: None)
        await within(120, connection.request("initialize", INITIALIZE)[1])
        connection.notify("initialized", {})
        document = {"uri": URI, "languageId": "python", "version": 1, "text": "x = \n" * 5}
        connection.notify("textDocument/didOpen", {"textDocument": document})
        for line in range(5):
            asked = {"textDocument": {"uri": URI}, "position": {"line": line, "character": 4}}
            asked["context"] = {"triggerKind": 1}
            answer = await within(60, connection.request("textDocument/inlineCompletion", asked)[1])
            assert answer["result"][0]["insertText"] == "filled"
        assert await connection.stop(patience_s=60) == 0
        assert b"noise" in os.read(unread, 1000), "what there was room for is there to be read"


CLIENT = """
import json, subprocess, sys, time

server = subprocess.Popen(json.loads(sys.argv[1]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False)

def send(**message):
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    server.stdin.write(b"Content-Length: %d\\r\\n\\r\\n" % len(body) + body)
    server.stdin.flush()

send(id=1, method="initialize", params={"processId": None, "rootUri": None, "capabilities": {}})
send(method="initialized", params={})
document = {"uri": "file:///a.py", "languageId": "python", "version": 1, "text": "x = \\n"}
send(method="textDocument/didOpen", params={"textDocument": document})
send(id=2, method="textDocument/inlineCompletion", params={
    "textDocument": {"uri": "file:///a.py"}, "position": {"line": 0, "character": 4}, "context": {"triggerKind": 1}})
time.sleep(3600)
"""


async def test_a_server_does_not_outlive_an_editor_that_is_killed_in_the_middle_of_a_fill(tmp_path: Path) -> None:
    """It neither writes its process's number anywhere nor has to be asked: it holds a pipe, which ends when it does."""
    record, gate = tmp_path / "fills", tmp_path / "never"
    config = {"texts": ["x"], "record": str(record), "fill_gate": str(gate), "deaf": True}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path)}
    with pipe() as (ended, held):
        command = [sys.executable, "-c", CLIENT, json.dumps([*SERVER, json.dumps(config)])]
        client = await asyncio.create_subprocess_exec(*command, env=environment, pass_fds=[held])
        try:
            os.close(held)
            async with asyncio.timeout(120):
                while not record.with_suffix(".begun").exists():  # noqa: ASYNC110 - another process writes it
                    await asyncio.sleep(0.01)
        finally:
            client.kill()
            await client.wait()
        assert await within(60, asyncio.to_thread(os.read, ended, 1)) == b"", "the last process that held it has ended"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_standard_error_stays_what_it_was_for_others(tmp_path: Path) -> None:
    """Its flags belong to the editor, too, which may share it with other programs."""
    with pipe() as (_, stderr):
        process = await asyncio.create_subprocess_exec(
            *SERVER, json.dumps({"texts": []}), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
            env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path)},
        )  # fmt: skip
        connection = Connection(process, lambda *_: None)
        await within(120, connection.request("initialize", INITIALIZE)[1])
        assert os.get_blocking(stderr)
        assert await connection.stop(patience_s=60) == 0
