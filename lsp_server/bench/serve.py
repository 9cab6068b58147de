"""`dlm-fill bench serve`: typists at a server, the cost of HTTP over a fill in this process, and the server's memory.

Each typist types a file at a steady pace with pauses, asks at every key, and lets go of no request: so what is superseded
is the server's to drop. Answers that were at hand are left out of the times: every typist's text has a name of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import httpx

from lsp_server.errors import InputError

_KEY_SECONDS, _PAUSE_SECONDS, _BURST_KEYS = 0.12, 1.0, 8
_TEXT = """def total(prices, rate):
    result = 0
    for price in prices:
        result += price * (1 + rate)
    return result


def mean(prices):
    return total(prices, 0) / len(prices)


class Basket:
    def __init__(self, owner):
        self.owner = owner
        self.prices = []

    def add(self, price):
        self.prices.append(price)

    def remove(self, price):
        self.prices.remove(price)
"""


@dataclass
class Met:
    """What typists met: milliseconds of answers, and the number of each status."""

    ms: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    def figures(self, seconds: float) -> dict[str, Any]:
        answered = self.statuses.get(200, 0)
        return {
            "asked": sum(self.statuses.values()),
            "answered": answered,
            "superseded": self.statuses.get(409, 0),
            "refused": self.statuses.get(429, 0),
            "other": sum(count for status, count in self.statuses.items() if status not in (200, 409, 429)),
            "answers_per_s": round(answered / seconds, 2),
            "p50_ms": _quantile(self.ms, 0.5),
            "p95_ms": _quantile(self.ms, 0.95),
        }


@click.command()
@click.option("--model", default="builtin", show_default=True, metavar="NAME_OR_PATH", help="The model.")
@click.option("--typists", default="1,8,32,64", show_default=True, metavar="N,N…", help="How many type at once.")
@click.option("--seconds", default=20.0, show_default=True, help="How long each number of them types.")
@click.option("--pairs", default=20, show_default=True, help="Fills that are made both ways, to tell what HTTP costs.")
def main(model: str, typists: str, seconds: float, pairs: int) -> None:
    """Replay typists at a server of its own process; both sides in one run. The last line is JSON."""
    try:
        counts = [int(count) for count in typists.split(",")]
    except ValueError:
        raise InputError(f"--typists {typists!r}: give numbers with commas between them, as 1,8,32") from None
    with _server(model) as (process, url):
        figures: dict[str, Any] = {"model": model, "http": asyncio.run(_both_ways(model, url, pairs))}
        click.echo(f"one fill: {figures['http']}", err=True)
        rounds = []
        for count in counts:
            before_kb = _resident_kb(process.pid)
            met = asyncio.run(_typing(url, count, seconds))
            one = {"typists": count, **met.figures(seconds), "server_mb": round(_resident_kb(process.pid) / 1024)}
            one["server_grew_kb"] = _resident_kb(process.pid) - before_kb
            rounds.append(one)
            click.echo(f"{one}", err=True)
        figures["typing"] = rounds
    figures["load"] = _load()
    click.echo(json.dumps(figures))


async def _both_ways(model: str, url: str, pairs: int) -> dict[str, Any]:
    """Milliseconds of a fill in this process and by HTTP, one after the other, of texts that neither has met."""
    from lsp_server.serve.ask import Ask
    from lsp_server.serve.fills import answer_of
    from model.filler import open_filler

    filler = open_filler(model)
    here, there, above = [], [], []
    async with httpx.AsyncClient(timeout=60.0, trust_env=False) as client:
        for number in range(-2, pairs):  # the first two are not counted
            pieces = (f"# {number}\n{_TEXT}\n    def count(self):\n        return ", "\n")
            began = time.perf_counter()
            answer_of(Ask(pieces=pieces, at_cursor=True, language="python"), filler, cancelled=lambda: False)
            middle = time.perf_counter()
            body = {"pieces": pieces, "cursor": True, "language": "python"}
            reply = await client.post(f"{url}/v1/fill", json=body)
            ended = time.perf_counter()
            if number >= 0:
                here.append(1000 * (middle - began))
                there.append(1000 * (ended - middle))
                above.append(there[-1] - reply.json()["ms"]["total"])
    return {
        "in_process_p50_ms": _quantile(here, 0.5),
        "http_p50_ms": _quantile(there, 0.5),
        "around_the_fill_p50_ms": _quantile(above, 0.5),
        "around_the_fill_p95_ms": _quantile(above, 0.95),
    }


async def _typing(url: str, count: int, seconds: float) -> Met:
    met = Met()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=60.0, limits=limits, trust_env=False) as client:
        end = time.perf_counter() + seconds
        await asyncio.gather(*(_typist(client, url, number, end, met) for number in range(count)))
    return met


async def _typist(client: httpx.AsyncClient, url: str, number: int, end: float, met: Met) -> None:
    """Type the text after itself, a burst and a pause in turn, until `end`; each key asks."""
    draw = random.Random(number)
    await asyncio.sleep(draw.random())
    asked = []
    above = f"# typist {number}, {draw.random()}\n{_TEXT}\n"
    for typed in itertools.cycle(range(1, len(_TEXT))):
        if time.perf_counter() > end:
            break
        pause = _PAUSE_SECONDS if typed % _BURST_KEYS == 0 else _KEY_SECONDS
        await asyncio.sleep(pause * (0.5 + draw.random()))
        body = {"pieces": [above + _TEXT[:typed], "\n"], "cursor": True, "language": "python",
                "user": f"typist {number}", "document": "shop.py"}  # fmt: skip
        asked.append(asyncio.ensure_future(_ask(client, url, body, met)))
    await asyncio.gather(*asked)


async def _ask(client: httpx.AsyncClient, url: str, body: dict[str, Any], met: Met) -> None:
    began = time.perf_counter()
    try:
        reply = await client.post(f"{url}/v1/fill", json=body)
        status = reply.status_code
    except httpx.HTTPError:
        status = 0
    met.statuses[status] = met.statuses.get(status, 0) + 1
    if status == 200 and not reply.json()["cached"]:
        met.ms.append(1000 * (time.perf_counter() - began))


@contextlib.contextmanager
def _server(model: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A `dlm-fill serve` of its own process, ready; its limits of rate are above what typists do."""
    command = [sys.executable, "-m", "lsp_server.cli.main", "serve", "--port", "0", "--model", model]
    command += ["--rate", "100000", "--concurrency", "100000"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        if "dlm-fill serves at " not in line:
            raise InputError(f"the server does not start: {line.strip()}")
        url = line.split()[3]
        while process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{url}/health", trust_env=False).status_code == 200:
                    break
            time.sleep(0.2)
        yield process, url
    finally:
        process.terminate()
        process.wait()


def _quantile(values: Sequence[float], share: float) -> float | None:
    if not values:
        return None
    if share == 0.5:
        return round(statistics.median(values), 2)
    return round(sorted(values)[min(len(values) - 1, int(share * len(values)))], 2)


def _resident_kb(pid: int) -> int:
    """What the process holds in memory; 0 where the system does not say."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1])
    return 0


def _load() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/loadavg").read_text("ascii").strip()
    return ""
