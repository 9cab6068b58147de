"""From keystroke to suggestion in a running language server, in files of several sizes.

A server process is driven over its pipes as an editor would: real lines of Python are typed into real Python, a
character at a time, with a change and an automatic request per keystroke; the next is typed when the answer is
there, and no sooner than `--pace` after the last. Before a line is begun the cursor rests there for `--rest` seconds, as
where a person looks before typing: the model may read the text around meanwhile. Tiny requests measure how long the
server's event loop lets a message wait (`loop_lag_ms`: with the way there and back). Other processes on the machine count
in all of it: `load` tells, and `cpu_ms` is the server's own processor time (Linux alone).
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any

import click

from lsp_server.bench.connection import Connection
from lsp_server.bench.large_source import stdlib_source
from lsp_server.bench.typed import URI, Hand, asked_at, typed
from model.measuring import about, last_line, since_ms, spread

_LONGEST_LOADING_S = 300.0


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
    *, sizes: tuple[int, ...], hand: Hand, cancels: int, model: str, device: str, seed: int
) -> dict[str, Any]:
    """The figures; raises click.ClickException if the server has no model."""
    with tempfile.TemporaryDirectory() as state:
        environment = {**os.environ, "XDG_STATE_HOME": state}
        command = [sys.executable, "-m", "lsp_server.bench.watched", model, device]
        seen, started = _Seen(), time.perf_counter()
        connection = await Connection.start(command, environment, seen)
        try:
            options = {"status": True, "metrics": False}
            asked = {"processId": None, "rootUri": None, "capabilities": {}, "initializationOptions": options}
            await connection.request("initialize", asked)[1]
            initialize_ms = since_ms(started)
            connection.notify("initialized", {})
            async with asyncio.timeout(_LONGEST_LOADING_S):
                await seen.until("ready", "error")
            if seen.state == "error":
                raise click.ClickException(f"the server could not load the model {model!r}: try `dlm-fill lsp` by hand")
            ready_ms = since_ms(started)
            files = [await typed(connection, size, hand, random.Random(seed)) for size in sizes]
            memory_kib = connection.resident_kib()
            idle = await _cancelled(connection, seen, cancels)
            leave_ms = await _left(connection, seen)
        finally:
            await connection.stop()
    return {
        "initialize_ms": round(initialize_ms),
        "ready_ms": round(ready_ms),
        "files": files,
        "resident_mib": memory_kib // 1024,
        "cancel_to_idle_ms": spread(idle, digits=3) if idle else None,
        "leave_ms": round(leave_ms),
    }


async def _cancelled(connection: Connection, seen: _Seen, count: int) -> list[float]:
    """Milliseconds from `$/cancelRequest` until the server is idle, in the middle of fills of several candidates."""
    uri = URI.format("cancel")
    text = stdlib_source(300).decode("utf-8", "replace")
    document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
    connection.notify("textDocument/didOpen", {"textDocument": document})
    times = []
    for place in range(count):
        asked = asked_at(uri, 40 + 5 * place, 0)
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
            times.append(since_ms(began))
    return times


async def _left(connection: Connection, seen: _Seen) -> float:
    """Milliseconds from `shutdown` to the end of the process, in the middle of a fill."""
    asked = asked_at(URI.format("cancel"), 250, 0)
    asked["context"] = {"triggerKind": 1}
    fills = seen.fills
    answer = connection.request("textDocument/inlineCompletion", asked)[1]
    answer.add_done_callback(lambda _: seen.changed.set())
    while seen.fills == fills and not answer.done():
        seen.changed.clear()
        await seen.changed.wait()
    began = time.perf_counter()
    await connection.stop()
    return since_ms(began)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--lines", "sizes", multiple=True, type=click.IntRange(100), default=(200, 2_000, 50_000), show_default=True
)
@click.option(
    "--typed",
    "lines_typed",
    default=12,
    show_default=True,
    type=click.IntRange(1),
    help="Lines to begin typing, per file.",
)
@click.option(
    "--rest",
    "rest_s",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Seconds that the cursor rests at a place before typing begins there.",
)
@click.option(
    "--pace",
    "pace_s",
    default=0.1,
    show_default=True,
    type=click.FloatRange(0),
    help="Seconds between keystrokes at least.",
)
@click.option("--cancels", default=10, show_default=True, type=click.IntRange(1), help="Fills to cancel.")
@click.option("--model", default="builtin", show_default=True)
@click.option("--device", default="auto", show_default=True)
@click.option("--seed", default=0, show_default=True, help="Chooses the lines.")
def main(
    sizes: tuple[int, ...],
    lines_typed: int,
    rest_s: float,
    pace_s: float,
    cancels: int,
    model: str,
    device: str,
    seed: int,
) -> None:
    """From keystroke to suggestion in a running language server; also how long its loop makes a message wait."""
    beginning = about("server", model=model, device=device)  # before it: how busy the machine was
    figures = asyncio.run(
        bench_server(
            sizes=sizes,
            hand=Hand(lines=lines_typed, rest_s=rest_s, pace_s=pace_s),
            cancels=cancels,
            model=model,
            device=device,
            seed=seed,
        )
    )
    for file in figures["files"]:
        click.echo(
            f"{file['lines']:>6} lines: keystroke {file['keystroke_ms']}  unread {file['unread']} of {file['keystrokes']}"
            f"  loop lag {file['loop_lag_ms']}"
        )
    click.echo(last_line({**beginning, **figures}))
