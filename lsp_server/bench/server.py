"""From keystroke to suggestion in a running language server, in files of several sizes.

A server process is driven over its pipes as an editor would: real lines of Python are typed into real Python, a
character at a time, with a change and an automatic request per keystroke; the next is typed when the answer is
there. Meanwhile tiny requests measure how long the server's event loop lets a message wait (`loop_lag_ms`: with the
way there and back). Other processes on the machine count in all of it: `load` tells, and `cpu_ms` is the server's
own processor time (Linux alone).
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import click

from lsp_server.bench.connection import Connection
from lsp_server.bench.figures import commit, stdlib_source, summary

_URI = "file:///nowhere/bench_{}.py"
_PING_EVERY_S = 0.005
_LONGEST_LOADING_S = 300.0
_TYPED_CHARS = 12


@dataclass
class _Seen:
    """What the server told by itself."""

    state: str = "loading"
    fills: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, method: str, params: Any) -> None:
        if method == "dlm/status":
            self.state = params["state"]
            self.fills += self.state == "busy"
            self.changed.set()

    async def until(self, *states: str) -> None:
        while self.state not in states:
            self.changed.clear()
            await self.changed.wait()


async def bench_server(
    *, sizes: tuple[int, ...], lines_typed: int, cancels: int, model: str, device: str, seed: int
) -> dict[str, Any]:
    """The figures; raises click.ClickException if the server has no model."""
    with tempfile.TemporaryDirectory() as state:
        environment = {**os.environ, "XDG_STATE_HOME": state}
        command = [sys.executable, "-m", "lsp_server.cli", "lsp", "--model", model, "--device", device]
        seen, started = _Seen(), time.perf_counter()
        connection = await Connection.start(command, environment, seen)
        try:
            options = {"status": True, "metrics": False}
            asked = {"processId": None, "rootUri": None, "capabilities": {}, "initializationOptions": options}
            await connection.request("initialize", asked)[1]
            initialize_ms = _since_ms(started)
            connection.notify("initialized", {})
            async with asyncio.timeout(_LONGEST_LOADING_S):
                await seen.until("ready", "error")
            if seen.state == "error":
                raise click.ClickException(f"the server could not load the model {model!r}: try `dlm-fill lsp` by hand")
            ready_ms = _since_ms(started)
            files = [await _typed(connection, seen, size, lines_typed, random.Random(seed)) for size in sizes]
            idle = await _cancelled(connection, seen, cancels)
            leave_ms = await _left(connection, seen)
        finally:
            await connection.stop()
    return {
        "initialize_ms": round(initialize_ms),
        "ready_ms": round(ready_ms),
        "files": files,
        "cancel_to_idle_ms": summary(idle) if idle else None,
        "leave_ms": round(leave_ms),
    }


async def _typed(connection: Connection, seen: _Seen, size: int, count: int, choice: random.Random) -> dict[str, Any]:
    """Type `count` lines into a file of `size` lines, each in another place."""
    uri, lines = _URI.format(size), stdlib_source(size).decode("utf-8", "replace").split("\n")[:size]
    telling = [n for n in range(size // 10, size) if len(lines[n].strip()) > 16 and lines[n].isascii()]
    document = {"uri": uri, "languageId": "python", "version": 1, "text": "\n".join(lines)}
    connection.notify("textDocument/didOpen", {"textDocument": document})
    filled, cached, version, suggested = list[float](), list[float](), 1, 0
    cpu = {True: 0.0, False: 0.0}  # by whether a fill was needed
    async with _pinged(connection) as lags:
        for place in range(count + 1):
            if place == 1:  # the first place warms up
                filled, cached, suggested, cpu = [], [], 0, dict.fromkeys(cpu, 0.0)
                lags.clear()
            line = choice.choice(telling)
            text = lines[line]
            start = len(text) - len(text.lstrip()) + choice.randrange(4)
            version += 1
            connection.notify("textDocument/didChange", _change(uri, version, line, start, len(text), ""))
            for at in range(start, min(start + _TYPED_CHARS, len(text))):
                version += 1
                fills, began, used = seen.fills, time.perf_counter(), connection.cpu_ms()
                connection.notify("textDocument/didChange", _change(uri, version, line, at, at, text[at]))
                answer = await connection.request("textDocument/inlineCompletion", _asked(uri, line, at + 1))[1]
                (filled if seen.fills > fills else cached).append(_since_ms(began))
                cpu[seen.fills > fills] += connection.cpu_ms() - used
                suggested += bool(answer.get("result"))
            version += 1
            end = min(start + _TYPED_CHARS, len(text))
            connection.notify("textDocument/didChange", _change(uri, version, line, start, end, text[start:]))
    connection.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    keystrokes = filled + cached
    return {
        "lines": size,
        "keystrokes": len(keystrokes),
        "suggested": suggested,
        "keystroke_ms": summary(keystrokes),
        "with_a_fill": {"count": len(filled), **_figures(filled, cpu[True])},
        "without_a_fill": {"count": len(cached), **_figures(cached, cpu[False])},
        "loop_lag_ms": {**summary(lags), "p99": round(sorted(lags)[int(0.99 * (len(lags) - 1))], 3)},
    }


def _figures(times_ms: list[float], cpu_ms: float) -> dict[str, Any]:
    return {"ms": summary(times_ms), "cpu_ms": round(cpu_ms / len(times_ms), 1)} if times_ms else {}


async def _cancelled(connection: Connection, seen: _Seen, count: int) -> list[float]:
    """Milliseconds from `$/cancelRequest` until the server is idle, in the middle of fills of several candidates."""
    uri = _URI.format("cancel")
    text = stdlib_source(300).decode("utf-8", "replace")
    document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
    connection.notify("textDocument/didOpen", {"textDocument": document})
    times = []
    for place in range(count):
        asked = _asked(uri, 40 + 5 * place, 0)
        asked["context"] = {"triggerKind": 1}
        fills = seen.fills
        number, answer = connection.request("textDocument/inlineCompletion", asked)
        answer.add_done_callback(lambda _: seen.changed.set())
        while seen.fills == fills and not answer.done():  # a short fill may be over before we look
            seen.changed.clear()
            await seen.changed.wait()
        began = time.perf_counter()
        connection.notify("$/cancelRequest", {"id": number})
        await seen.until("ready")
        if "error" in await answer:  # cancelled, not just finished
            times.append(_since_ms(began))
    return times


async def _left(connection: Connection, seen: _Seen) -> float:
    """Milliseconds from `shutdown` to the end of the process, in the middle of a fill."""
    asked = _asked(_URI.format("cancel"), 250, 0)
    asked["context"] = {"triggerKind": 1}
    fills = seen.fills
    answer = connection.request("textDocument/inlineCompletion", asked)[1]
    answer.add_done_callback(lambda _: seen.changed.set())
    while seen.fills == fills and not answer.done():
        seen.changed.clear()
        await seen.changed.wait()
    began = time.perf_counter()
    await connection.stop()
    return _since_ms(began)


@asynccontextmanager
async def _pinged(connection: Connection) -> AsyncIterator[list[float]]:
    """Round trips, in milliseconds, of requests that the server answers without doing anything."""
    lags: list[float] = []

    async def ping() -> None:
        while True:
            began = time.perf_counter()
            await connection.request("$/dlm/ping", {})[1]
            lags.append(_since_ms(began))
            await asyncio.sleep(_PING_EVERY_S)

    pinging = asyncio.ensure_future(ping())
    try:
        yield lags
    finally:
        pinging.cancel()
        with suppress(asyncio.CancelledError):
            await pinging


def _asked(uri: str, line: int, character: int) -> dict[str, Any]:
    position = {"line": line, "character": character}
    return {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 2}}


def _change(uri: str, version: int, line: int, start: int, end: int, text: str) -> dict[str, Any]:
    span = {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}
    return {"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"range": span, "text": text}]}


def _since_ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--lines", "sizes", multiple=True, type=click.IntRange(100), default=(200, 2_000, 50_000), show_default=True
)
@click.option("--typed", default=12, show_default=True, type=click.IntRange(1), help="Lines to begin typing, per file.")
@click.option("--cancels", default=10, show_default=True, type=click.IntRange(1), help="Fills to cancel.")
@click.option("--model", default="builtin", show_default=True)
@click.option("--device", default="auto", show_default=True)
@click.option("--seed", default=0, show_default=True, help="Chooses the lines.")
def main(sizes: tuple[int, ...], typed: int, cancels: int, model: str, device: str, seed: int) -> None:
    """From keystroke to suggestion in a running language server; also how long its loop makes a message wait."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    figures = asyncio.run(
        bench_server(sizes=sizes, lines_typed=typed, cancels=cancels, model=model, device=device, seed=seed)
    )
    about = {
        "bench": "server",
        "model": model,
        "device": device,
        "cores": os.cpu_count(),
        "load": load,
        "commit": commit(),
    }
    for file in figures["files"]:
        click.echo(f"{file['lines']:>6} lines: keystroke {file['keystroke_ms']}  loop lag {file['loop_lag_ms']}")
    click.echo(json.dumps({**about, **figures}))
