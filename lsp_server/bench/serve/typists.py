"""Typists: each replays what an editor asked while somebody typed, from a place of his own in the recording."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import httpx

from lsp_server.serve.replies import OUTCOME
from lsp_server.serve.served import USER_HEADER
from model.measuring import quantile, since_ms


@dataclass(frozen=True, kw_only=True)
class Recording:
    """`asks`: (milliseconds since the start, characters of `text` typed so far) of each request that the client sent.

    `before` and `after` stand around what is typed; `fields` go along with each request.
    """

    client: str
    before: str
    text: str
    after: str
    fields: dict[str, Any]
    asks: tuple[tuple[int, int], ...]

    @property
    def asks_per_s(self) -> float:
        return 1000 * len(self.asks) / self.asks[-1][0]

    def body(self, typed: int, name: str) -> dict[str, Any]:
        """The request of llama.vim with so much typed, in a file that says `name` at its top: no two share contexts."""
        above, _, line = (f"# {name}\n{self.before}{self.text[:typed]}").rpartition("\n")
        return {"input_prefix": f"{above}\n", "prompt": line, "input_suffix": self.after, **self.fields}


def recording() -> Recording:
    """The one that comes along."""
    told = json.loads((files("lsp_server.bench.serve") / "traffic.json").read_text("utf-8"))
    told.pop("made")
    return Recording(**{**told, "asks": tuple(map(tuple, told["asks"]))})


@dataclass
class Met:
    """What typists met: milliseconds of answers, and how many requests ended in which way."""

    ms: list[float] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)

    def figures(self, seconds: float) -> dict[str, Any]:
        ways = ("answered", "superseded", "closed", "refused", "other")
        return {
            "asked": self.ends.total(),
            **{way: self.ends[way] for way in ways},
            "answers_per_s": round(self.ends["answered"] / seconds, 2),
            "p50_ms": quantile(self.ms, 0.5),
            "p95_ms": quantile(self.ms, 0.95),
        }


async def typing(url: str, count: int, seconds: float, replayed: Recording, *, closing: bool) -> Met:
    """What `count` typists meet. `closing`: a typist's editor closes the request that a newer one makes useless."""
    met = Met()
    end = time.perf_counter() + seconds
    await asyncio.gather(*(_typist(url, n, end, replayed, met, closing=closing) for n in range(count)))
    return met


async def capacity(url: str, seconds: float, replayed: Recording, *, askers: int = 2) -> float:
    """Answers a second to askers of whom each sends the recording's next request as soon as it has its answer."""
    answered = 0

    async def ask(client: httpx.AsyncClient, number: int, end: float) -> None:
        nonlocal answered
        name, headers = f"asker {number}, {random.random()}", {USER_HEADER: f"asker {number}"}
        for _, typed in itertools.cycle(replayed.asks):
            if time.perf_counter() > end:
                return
            reply = await client.post(f"{url}/infill", json=replayed.body(typed, name), headers=headers)
            answered += reply.status_code == 200

    async with _client() as client:
        began = time.perf_counter()
        await asyncio.gather(*(ask(client, number, began + seconds) for number in range(askers)))
    return answered / (time.perf_counter() - began)  # the last answers come after the time is up


async def _typist(url: str, number: int, end: float, replayed: Recording, met: Met, *, closing: bool) -> None:
    draw = random.Random(number)
    user = f"typist {number}"
    name = f"{user}, {random.random()}"  # another one in each round: what was answered once is at hand
    asked: list[asyncio.Task[None]] = []
    # Each has a client, as each has an editor: the pool of one for all would take longer than the server.
    async with _client() as client:
        for pause_s, typed in _from(replayed.asks, draw.randrange(len(replayed.asks))):
            await asyncio.sleep(pause_s)
            if time.perf_counter() > end:
                break
            if closing and asked:
                asked[-1].cancel()
            asked.append(asyncio.ensure_future(_ask(client, url, replayed.body(typed, name), user, met)))
        await asyncio.gather(*asked, return_exceptions=True)


def _from(asks: Sequence[tuple[int, int]], start: int) -> Iterator[tuple[float, int]]:
    """(seconds to wait before it, characters typed) of each request from that one on, again from the first at the end."""
    before_ms = asks[start][0]
    for ms, typed in itertools.islice(itertools.cycle(asks), start, None):
        yield max(0, ms - before_ms) / 1000, typed
        before_ms = ms


async def _ask(client: httpx.AsyncClient, url: str, body: dict[str, Any], user: str, met: Met) -> None:
    began = time.perf_counter()
    end = "other"
    try:
        with suppress(httpx.HTTPError):
            reply = await client.post(f"{url}/infill", json=body, headers={USER_HEADER: user})
            end = _end(reply)
    except asyncio.CancelledError:
        end = "closed"
        raise
    finally:
        met.ends[end] += 1
    if end == "answered":
        met.ms.append(since_ms(began))


def _end(reply: httpx.Response) -> str:
    if reply.headers.get(OUTCOME) in ("superseded", "cancelled"):
        return "superseded"
    return {200: "answered", 409: "superseded", 429: "refused"}.get(reply.status_code, "other")


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=60.0, limits=httpx.Limits(max_connections=None), trust_env=False)
