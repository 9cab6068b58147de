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
    """Sends requests, matches answers, and calls `on_notification(method, params)` for what comes unasked."""

    def __init__(self, process: asyncio.subprocess.Process, on_notification: Callable[[str, Json], None]) -> None:
        self._process, self._on_notification = process, on_notification
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._reading = asyncio.ensure_future(self._read())

    @classmethod
    async def start(
        cls, command: Sequence[str], environment: Mapping[str, str], on_notification: Callable[[str, Json], None]
    ) -> Connection:
        """Start the server `command`. Its standard error is dropped."""
        pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=nowhere, env=dict(environment), limit=_LONGEST_LINE
        )
        return cls(process, on_notification)

    def notify(self, method: str, params: Json) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def request(self, method: str, params: Json) -> tuple[int, asyncio.Future[Json]]:
        """(id, the whole answer to come: with "result" or "error")."""
        number = next(self._ids)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        self._send({"id": number, "method": method, "params": params})
        return number, self._waiting[number]

    def cpu_ms(self) -> float:
        """Processor time that the server has used so far, in milliseconds; 0 where the system does not tell."""
        status = Path(f"/proc/{self._process.pid}/stat")
        if not status.exists():
            return 0.0
        fields = status.read_text("utf-8").rpartition(")")[2].split()
        return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def stop(self) -> None:
        """Ask the server to leave; end it if it does not."""
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(5):
                await self.request("shutdown", None)[1]
                self.notify("exit", None)
                await self._process.wait()
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._reading.cancel()

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
            if answer is not None and not answer.done():
                answer.set_result(message)
        elif "id" in message:  # progress and the like: what an editor without such things would say
            self._send({"id": message["id"], "result": None})
        else:
            self._on_notification(message["method"], message.get("params"))
