"""Typing into a file of a running server, a character at a time, and what each keystroke met."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from lsp_server.bench.connection import Connection
from lsp_server.bench.large_source import stdlib_source
from lsp_server.bench.watched import COUNTS
from lsp_server.feedback.metrics import DROPPED
from lsp_server.suggestions.service import UNREAD
from model.measuring import percentile, since_ms, spread

URI = "file:///nowhere/bench_{}.py"
Met: TypeAlias = Literal["a fill", "the cache", "an unread context", "no request"]
_PING_EVERY_S = 0.005
_TYPED_CHARS = 12


@dataclass(frozen=True, kw_only=True)
class Hand:
    """How somebody types: so many lines a file, after a rest at each place, one key every `pace_s` seconds at most."""

    lines: int
    rest_s: float
    pace_s: float


@dataclass(kw_only=True)
class _Keystrokes:
    """Milliseconds from key to answer, and the server's processor time, by what the keystroke met."""

    ms: dict[Met, list[float]] = field(default_factory=dict)
    cpu_ms: dict[Met, float] = field(default_factory=dict)
    suggested: int = 0

    def add(self, met: Met, ms: float, cpu_ms: float, *, suggested: bool) -> None:
        self.ms.setdefault(met, []).append(ms)
        self.cpu_ms[met] = self.cpu_ms.get(met, 0.0) + cpu_ms
        self.suggested += suggested

    def of(self, met: Met) -> dict[str, Any]:
        times = self.ms.get(met, [])
        if not times:
            return {"count": 0}
        return {"count": len(times), "ms": spread(times, digits=3), "cpu_ms": round(self.cpu_ms[met] / len(times), 1)}


async def typed(connection: Connection, size: int, hand: Hand, choice: random.Random) -> dict[str, Any]:
    """Type lines into a file of `size` lines, each in another place, and say what the keystrokes met."""
    uri, lines = URI.format(size), stdlib_source(size).decode("utf-8", "replace").split("\n")[:size]
    telling = [n for n in range(size // 10, size) if len(lines[n].strip()) > 16 and lines[n].isascii()]
    document = {"uri": uri, "languageId": "python", "version": 1, "text": "\n".join(lines)}
    connection.notify("textDocument/didOpen", {"textDocument": document})
    found, version = _Keystrokes(), 1
    async with _pinged(connection) as lags:
        for place in range(hand.lines + 1):
            if place == 1:  # the first place warms up
                found = _Keystrokes()
                lags.clear()
            line = choice.choice(telling)
            text = lines[line]
            start = len(text) - len(text.lstrip()) + choice.randrange(4)
            version += 1
            connection.notify("textDocument/didChange", _change(uri, version, line, start, len(text), ""))
            cursor = {"textDocument": {"uri": uri}, "position": {"line": line, "character": start}}
            connection.notify("dlm/didMoveCursor", cursor)
            await asyncio.sleep(hand.rest_s)
            for at in range(start, min(start + _TYPED_CHARS, len(text))):
                version += 1
                pace = asyncio.ensure_future(asyncio.sleep(hand.pace_s))
                before = (await connection.request(COUNTS, {})[1])["result"]
                began, used = time.perf_counter(), connection.cpu_ms()
                connection.notify("textDocument/didChange", _change(uri, version, line, at, at, text[at]))
                answer = await connection.request("textDocument/inlineCompletion", asked_at(uri, line, at + 1))[1]
                ms, cpu_ms = since_ms(began), connection.cpu_ms() - used
                met = _met(before, (await connection.request(COUNTS, {})[1])["result"])
                found.add(met, ms, cpu_ms, suggested=bool(answer.get("result")))
                await pace
            version += 1
            end = min(start + _TYPED_CHARS, len(text))
            connection.notify("textDocument/didChange", _change(uri, version, line, start, end, text[start:]))
    connection.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    keystrokes = [ms for times in found.ms.values() for ms in times]
    return {
        "lines": size,
        "keystrokes": len(keystrokes),
        "suggested": found.suggested,
        "unread": len(found.ms.get("an unread context", [])),
        "keystroke_ms": spread(keystrokes, digits=3),
        "with_a_fill": found.of("a fill"),
        "from_the_cache": found.of("the cache"),
        "with_an_unread_context": found.of("an unread context"),
        "without_a_request": found.of("no request"),
        "loop_lag_ms": {**spread(lags, digits=3), "p99": round(percentile(lags, 0.99), 3)},
    }


def _met(before: dict[str, int], after: dict[str, int]) -> Met:
    """What a keystroke met, by what was counted before and after it."""

    def more(name: str) -> bool:
        return after.get(name, 0) > before.get(name, 0)

    if not more("requests"):
        return "no request"
    if more("answered from the cache"):
        return "the cache"
    return "an unread context" if more(DROPPED + UNREAD) else "a fill"


@asynccontextmanager
async def _pinged(connection: Connection) -> AsyncIterator[list[float]]:
    """Round trips, in milliseconds, of requests that the server answers without doing anything."""
    lags: list[float] = []

    async def ping() -> None:
        while True:
            began = time.perf_counter()
            await connection.request("$/dlm/ping", {})[1]
            lags.append(since_ms(began))
            await asyncio.sleep(_PING_EVERY_S)

    pinging = asyncio.ensure_future(ping())
    try:
        yield lags
    finally:
        pinging.cancel()
        with suppress(asyncio.CancelledError):
            await pinging


def asked_at(uri: str, line: int, character: int) -> dict[str, Any]:
    """What an automatic request for suggestions says."""
    position = {"line": line, "character": character}
    return {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 2}}


def _change(uri: str, version: int, line: int, start: int, end: int, text: str) -> dict[str, Any]:
    span = {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}
    return {"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"range": span, "text": text}]}
