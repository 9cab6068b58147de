"""Where server and editor meet, by the arguments that LSP's implementation considerations name."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lsp_server.cli import main as cli
from tests.lsp_server.editor import ROOT, within

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def started(*arguments: str, **pipes: int) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "lsp_server.cli.main", "lsp", *arguments]
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, **pipes)  # type: ignore[arg-type]


async def ended(server: asyncio.subprocess.Process) -> None:
    if server.returncode is None:
        server.kill()
    await server.wait()


async def send(writer: asyncio.StreamWriter, method: str, *, number: int | None = None, params: object = None) -> None:
    message = {"jsonrpc": "2.0", "method": method, "params": params, **({"id": number} if number is not None else {})}
    body = json.dumps(message).encode()
    writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()


async def answered(reader: asyncio.StreamReader, number: int | None, *, method: str | None = None) -> object:
    """The result of that request, or None as soon as a notification `method` comes; other messages are passed over."""
    while True:
        header = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in header.split(b"\r\n") if line.startswith(b"Content-Length"))
        message = json.loads(await reader.readexactly(int(length.split(b":")[1])))
        if (message.get("id"), message.get("method")) == (number, method):
            return message.get("result")


async def a_whole_life(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await send(writer, "initialize", number=1, params={"processId": None, "rootUri": None, "capabilities": {}})
    result = await answered(reader, 1)
    assert isinstance(result, dict)
    assert result["serverInfo"]["name"] == "dlm-fill"
    await send(writer, "initialized", params={})
    await send(writer, "shutdown", number=2)
    await answered(reader, 2)
    await send(writer, "exit")


@asynccontextmanager
async def listening(kind: str) -> AsyncIterator[tuple[str, asyncio.Future[Streams]]]:
    """(a port or a file on which an editor listens, the connection of who comes)."""
    came: asyncio.Future[Streams] = asyncio.get_running_loop().create_future()

    def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set_result((reader, writer))

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "é 1.sock"))
        if kind == "pipe":
            editor = await asyncio.start_unix_server(met, path)
        else:
            editor = await asyncio.start_server(met, "127.0.0.1", 0)
        where = path if kind == "pipe" else str(editor.sockets[0].getsockname()[1])
        try:
            yield where, came
        finally:
            editor.close()


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("socket", ["--socket=@", "--clientProcessId=1"]),
        ("socket", ["--socket", "@"]),
        ("socket", ["--socket", "--port=@"]),
        ("socket", ["--port", "@"]),
        ("pipe", ["--pipe=@", "--clientProcessId=1"]),
        ("pipe", ["--pipe", "@"]),
    ],
)
async def test_it_meets_an_editor_that_listens(kind: str, arguments: list[str]) -> None:
    async with listening(kind) as (where, came):
        server = await started(*(argument.replace("@", where) for argument in arguments))
        try:
            reader, writer = await within(120, came)
            await within(120, a_whole_life(reader, writer))
            assert await within(120, server.wait()) == 0
        finally:
            await ended(server)


@pytest.mark.parametrize("arguments", [["--stdio"], ["--stdio", "--clientProcessId=1"], ["--clientProcessId", "1"]])
async def test_standard_streams_may_be_named(arguments: list[str]) -> None:
    server = await started(*arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert server.stdin is not None
        assert server.stdout is not None
        await within(120, a_whole_life(server.stdout, server.stdin))
        assert await within(120, server.wait()) == 0
    finally:
        await ended(server)


async def test_it_leaves_with_the_process_that_its_arguments_name() -> None:
    editor = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=subprocess.PIPE)
    server = await started(f"--clientProcessId={editor.pid}", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert server.stdin is not None
        assert server.stdout is not None
        params: dict[str, object] = {"processId": None, "rootUri": None, "capabilities": {}}
        await send(server.stdin, "initialize", number=1, params=params)
        await within(120, answered(server.stdout, 1))
        await send(server.stdin, "initialized", params={})
        await within(120, answered(server.stdout, None, method="dlm/status"))
        await send(server.stdin, "$/dlm/ping", number=2)
        await within(120, answered(server.stdout, 2))  # from now on it watches the process
        editor.kill()
        await editor.wait()
        assert await within(120, server.wait()) == 1, "though its standard input is still open"
    finally:
        await ended(server)


@pytest.mark.parametrize("kind", ["socket", "pipe"])
async def test_it_leaves_without_a_word_when_the_editor_hangs_up(kind: str) -> None:
    async with listening(kind) as (where, came):
        server = await started(f"--{kind}={where}", stderr=subprocess.PIPE)
        try:
            _, writer = await within(120, came)
            writer.write(b"Content-Length: 100\r\n\r\n{")
            writer.transport.abort()
            _, said = await within(120, server.communicate())
            assert (server.returncode, said) == (1, b"")
        finally:
            await ended(server)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--stdio", "--socket=5"], "give one of"),
        (["--pipe=/x", "--tcp", "127.0.0.1:5"], "give one of"),
        (["--socket"], "names no port"),
        (["--socket=5", "--port=6"], "different ports"),
        (["--socket=0"], "no port"),
        (["--port=65536"], "no port"),
        (["--port=²"], "no port"),
        (["--pipe=/nowhere/at/all"], "no editor listens on the pipe /nowhere/at/all"),
        (["--pipe="], "no editor listens"),
        (["--clientProcessId=x"], "clientProcessId"),
    ],
)
def test_what_cannot_be_met_is_said_with_the_remedy(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lsp_server.streams.StderrRelay.begin", lambda: None)  # the stream is this process's own
    assert cli.run(["lsp", *arguments]) == 2
    said = capsys.readouterr().err
    assert why in said
    assert said.count("\n") == 1
