"""A client of one language server process: JSON-RPC over its standard input and output, nothing else."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

Json: TypeAlias = Any
_LONGEST_LINE = 1 << 16


class Connection:
    """Sends requests, matches answers, and calls `on_notification(method, params)` for what comes unasked.

    `on_request(method, params)` says what the server's own requests are answered with; without it, with null.
    `strays` counts answers to nothing: to what was never asked, or has been answered before.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        on_notification: Callable[[str, Json], None],
        on_request: Callable[[str, Json], Json] | None = None,
    ) -> None:
        self._process, self._on_notification, self._on_request = process, on_notification, on_request
        self.strays = 0
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._reading = asyncio.ensure_future(self._read())

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        environment: Mapping[str, str],
        on_notification: Callable[[str, Json], None],
        on_request: Callable[[str, Json], Json] | None = None,
    ) -> Connection:
        """Start the server `command`. Its standard error is dropped."""
        pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=nowhere, env=dict(environment), limit=_LONGEST_LINE
        )
        return cls(process, on_notification, on_request)

    def notify(self, method: str, params: Json) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def request(self, method: str, params: Json) -> tuple[int, asyncio.Future[Json]]:
        """(id, the whole answer to come: with "result" or "error")."""
        number = next(self._ids)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        if self._reading.done():
            answer.set_exception(ConnectionError("the server has ended"))
        else:
            self._send({"id": number, "method": method, "params": params})
        return number, answer

    def cpu_ms(self) -> float:
        """Processor time that the server has used so far, in milliseconds; 0 where the system does not tell."""
        status = Path(f"/proc/{self._process.pid}/stat")
        if not status.exists():
            return 0.0
        fields = status.read_text("utf-8").rpartition(")")[2].split()
        return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_kib(self) -> int:
        """The server's resident memory; 0 where the system does not tell."""
        status = Path(f"/proc/{self._process.pid}/status")
        rows = status.read_text("utf-8").splitlines() if status.exists() else []
        return next((int(row.split()[1]) for row in rows if row.startswith("VmRSS")), 0)

    async def drained(self) -> None:
        """Return once what was sent is on its way, so that a server which is slow to read is waited for."""
        assert self._process.stdin is not None, "started with a pipe"
        await self._process.stdin.drain()

    async def stop(self, *, patience_s: float = 5.0) -> int | None:
        """Ask the server to leave: its exit code. None if it had to be ended, which is done after a while."""
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(patience_s):
                await self.request("shutdown", None)[1]
                self.notify("exit", None)
                await self._process.wait()
        code = self._process.returncode
        if code is None:
            self._process.kill()
            await self._process.wait()
        self._reading.cancel()
        return code

    def _send(self, message: dict[str, Json]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None, "started with a pipe"
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    async def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None, "started with a pipe"
        with suppress(asyncio.IncompleteReadError):
            while True:
                head = await stream.readuntil(b"\r\n\r\n")
                (length,) = (
                    int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
                )
                self._take(json.loads(await stream.readexactly(length)))
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the server has ended"))

    def _take(self, message: dict[str, Json]) -> None:
        if "method" not in message:
            answer = self._waiting.pop(message["id"], None)
            self.strays += answer is None
            if answer is not None and not answer.done():
                answer.set_result(message)
        elif "id" in message:
            result = self._on_request(message["method"], message.get("params")) if self._on_request else None
            self._send({"id": message["id"], "result": result})
        else:
            self._on_notification(message["method"], message.get("params"))
