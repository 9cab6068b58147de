"""The server on a real socket: who is slow, who leaves, TLS, and what it says when it starts and ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from lsp_server.serve.app import Doors, create_app
from lsp_server.serve.gate.protocol import protocol
from lsp_server.serve.served import Served
from tests.fakes import FakeFiller
from tests.lsp_server.serve.serving import PATIENCE_S, HeldFiller, served_by
from tests.lsp_server.serve.test_desk import begun

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def listening(served: Served, *, doors: Doors | None = None, head_s: float = 10.0) -> AsyncGenerator[int, None]:
    """The port of a server that runs in this process."""
    config = uvicorn.Config(
        create_app(served, doors),
        http=protocol(head_s),
        ws="none",
        log_config=None,
        port=0,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    task = asyncio.ensure_future(server.serve())
    async with asyncio.timeout(PATIENCE_S):
        while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


async def all_said(port: int, data: bytes) -> bytes:
    """What the server says to `data` until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    with contextlib.suppress(ConnectionResetError):
        await writer.drain()
    said = b""
    with contextlib.suppress(ConnectionResetError):  # the server closes while it is still being sent to
        async with asyncio.timeout(PATIENCE_S):
            while part := await reader.read(65_536):
                said += part
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return said


@pytest.mark.parametrize("head", [b"", b"POST /v1/fill HTT", b"POST /v1/fill HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "])
async def test_a_head_that_never_ends_is_not_waited_for(head: bytes) -> None:
    async with listening(served_by(FakeFiller(["1"])), head_s=0.2) as port:
        assert await all_said(port, head) == b""


async def test_a_second_head_that_never_ends_is_not_waited_for_either() -> None:
    async with listening(served_by(FakeFiller(["1"])), head_s=0.2) as port:
        said = await all_said(port, b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /v1/models HTT")
    assert said.count(b"HTTP/1.1 200") == 1


async def test_a_body_that_never_ends_is_answered_with_408() -> None:
    head = b"POST /v1/fill HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50\r\nConnection: close\r\n\r\n{"
    async with listening(served_by(FakeFiller(["1"])), doors=Doors(body_s=0.2)) as port:
        said = await all_said(port, head)
    assert said.startswith(b"HTTP/1.1 408")
    assert b"send it at once" in said


@pytest.mark.parametrize(
    "data",
    [
        b"\0\1\2\3\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X-Flood: 1\r\n" * 20_000 + b"\r\n",
        b"POST /v1/fill HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/fill HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n",
    ],
    ids=["noise", "two hosts", "long path", "flood of headers", "two lengths", "negative length"],
)
async def test_what_is_no_http_is_refused_and_the_server_goes_on(data: bytes) -> None:
    async with listening(served_by(FakeFiller(["1"])), head_s=5.0) as port:
        said = await all_said(port, data)
        assert b" 200 " not in said.split(b"\r\n")[0]
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{port}/v1/models")).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_the_fill_stops_when_the_client_goes(stream: bool) -> None:
    filler = HeldFiller(["1"])
    body = json.dumps({"pieces": ["a = ", "\n"], "stream": stream}).encode()
    async with listening(served_by(filler)) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST /v1/fill HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        writer.write(head + body)
        await writer.drain()
        await begun(filler)
        writer.close()
        async with asyncio.timeout(PATIENCE_S):
            while not filler.stopped:  # noqa: ASYNC110  the filler runs on a thread
                await asyncio.sleep(0.01)
    assert filler.stopped == ["cancelled"]


async def test_states_come_while_the_fill_runs() -> None:
    class Stepping(FakeFiller):
        """Goes on to the next step when it is let."""

        def fill(self, request: Any, *, cancelled: Any = lambda: False, on_event: Any = None) -> Any:
            def see(event: Any) -> None:
                on_event(event)
                seen.acquire(timeout=PATIENCE_S)

            return super().fill(request, cancelled=cancelled, on_event=see)

    import threading

    seen = threading.Semaphore(0)
    async with (
        listening(served_by(Stepping(["one two"], steps=3))) as port,
        httpx.AsyncClient(timeout=PATIENCE_S) as client,
    ):
        body = {"pieces": ["a = ", "\n"], "stream": True}
        async with client.stream("POST", f"http://127.0.0.1:{port}/v1/fill", json=body) as reply:
            names = []
            async for line in reply.aiter_lines():
                if line.startswith("event: "):
                    names.append(line[7:])
                    seen.release()  # the next state is made once this one has arrived
    assert names == ["state", "state", "state", "fill"]


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, *names, "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return paths


@contextlib.contextmanager
def started(*options: str, environ: dict[str, str] | None = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """(the process of `dlm-fill serve`, its URL). It is interrupted at the end."""
    command = [sys.executable, "-m", "lsp_server.cli.main", "serve", "--port", "0", *options]
    process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ, **(environ or {})}
    )
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        assert "dlm-fill serves at " in line, line + process.stderr.read()
        yield process, line.split()[3]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=PATIENCE_S)


def when_ready(client: httpx.Client, url: str) -> None:
    import time

    for _ in range(int(PATIENCE_S * 10)):
        with contextlib.suppress(httpx.TransportError):
            if client.get(f"{url}/health").status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError("the server did not get ready")


@pytest.mark.slow
def test_the_command_serves_the_built_in_model_over_tls_with_a_key(
    certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    made = subprocess.run(
        [sys.executable, "-m", "lsp_server.cli.main", "serve", "--keys", str(keys), "keys", "add", "ann"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    token = made.stdout.strip()
    options = ["--certificate", str(certificate[0]), "--certificate-key", str(certificate[1]), "--keys", str(keys)]
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    with started(*options) as (process, url), httpx.Client(verify=trust, timeout=PATIENCE_S) as client:
        assert url.startswith("https://")
        when_ready(client, url)
        body = {"prompt": "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a ", "suffix": "\n"}
        assert client.post(f"{url}/v1/completions", json=body).status_code == 401
        reply = client.post(f"{url}/v1/completions", json=body, headers={"authorization": f"Bearer {token}"})
        assert reply.status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=PATIENCE_S) == 130
        assert process.stderr is not None
        assert process.stderr.read().strip() == "", "nothing is logged, and it ends quietly"


def test_what_cannot_be_served_is_said_in_a_line(tmp_path: Path) -> None:
    for options, said in (
        (["--host", "0.0.0.0", "--keys", str(tmp_path / "none")], "keys add"),
        (["--host", "no.such.host.invalid", "--keys", str(tmp_path / "none")], "keys add"),
        (["--port", "70000"], "70000"),
        (["--certificate", str(ROOT / "README.md")], "cannot be used"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "lsp_server.cli.main", "serve", *options],
            check=False,
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 2, options
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
