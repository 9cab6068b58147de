"""A server on this machine that answers as it is told, remembers what it was asked, and sees clients leave."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE_S = 20.0
"""After so long a test has failed anyway."""


@dataclass
class Reply:
    """An answer. `events`: a stream of server-sent events instead of a body.

    then: what comes behind the last event. "end"; "hold": nothing, until the client leaves; "break": the connection
    breaks. drop: the connection breaks before anything is said.
    """

    status: int = 200
    body: Any = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    events: Sequence[Any] | None = None
    then: str = "end"
    drop: bool = False


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    body: Any


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[Reply] = []
        self.asked: list[Asked] = []
        self.client_left = threading.Event()
        self.holding = threading.Event()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Silent: clients that leave are what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["content-length"]))
        asked = Asked(path=self.path, headers={k.lower(): v for k, v in self.headers.items()}, body=json.loads(content))
        with self.server.lock:
            self.server.asked.append(asked)
            reply = self.server.script.pop(0)
        if reply.drop:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.events is None:
            body = reply.raw if reply.raw is not None else json.dumps(reply.body).encode()
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in reply.events:
            self._chunk(event if isinstance(event, bytes) else f"data: {json.dumps(event)}\n\n".encode())
        if reply.then == "end":
            self._chunk(b"data: [DONE]\n\n")
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = reply.then != "end"
        if reply.then == "hold":
            self._wait_for_the_client_to_leave()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _wait_for_the_client_to_leave(self) -> None:
        self.server.holding.set()
        self.connection.settimeout(PATIENCE_S)
        with suppress(TimeoutError):
            try:
                gone = self.connection.recv(1) == b""
            except ConnectionError:
                gone = True
            if gone:
                self.server.client_left.set()


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
