"""One storm over one server process: random requests, edits and cancels, every answer accounted for."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lsp_server.bench.connection import Connection
from lsp_server.bench.storm.asks import ACTION, CHANGE, INLINE, Asks, Json
from lsp_server.bench.storm.desk import Encoding, Paper, StormDesk
from lsp_server.bench.watched import MEMORY, TEXT

PATIENCE_S = 120.0
"""The server counts as hung if nothing comes from it for this many seconds."""
SETTLES_S, SETTLES_ASKED = 0.5, 10
"""Ask for the server's memory this often at most, so many seconds apart."""
_LONGEST_LOADING_S = 300.0
_MOST_OUTSTANDING = 24
_WARM_SHARE = 0.4
_EXPECTED = {-32601, -32602, -32800, -32801, -32803}
"""Error codes that say: no such method, bad parameters, cancelled, the document changed, the model failed."""
_FILES = ("one.py", "two.py", "three.rs", "four.js", "notes.txt", ".env")
_LANGUAGES = {"py": "python", "rs": "rust", "js": "javascript"}


@dataclass
class Totals:
    """What was sent and what came back. `wrong` says what must not happen; an empty list is a passed storm."""

    requests: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    notifications: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    texts_compared: int = 0
    edits_applied: int = 0
    suggestions: int = 0


class Storm:
    """A connection, the documents on both sides, and the totals."""

    def __init__(self, *, seed: int, encoding: Encoding, max_time_ms: int) -> None:
        self.totals = Totals()
        self._chance = random.Random(seed)
        papers = [
            Paper(uri=f"file:///nowhere/storm/{name}", language=_LANGUAGES.get(name.rpartition(".")[2], "plaintext"))
            for name in _FILES
        ]
        self._encoding = encoding
        self._desk = StormDesk(papers, encoding, self._chance)
        self._asks = Asks(self._desk, self._chance, max_time_ms=max_time_ms)
        self._open: dict[int, asyncio.Future[Json]] = {}
        self._ready = asyncio.Event()
        self._connection: Connection

    async def run(self, command: Sequence[str], environment: Mapping[str, str], *, requests: int) -> dict[str, Any]:
        """The report of `requests` requests to the server `command`; raises TimeoutError if it does not get ready."""
        self._connection = connection = await Connection.start(command, environment, self._told, self._asked)
        started, memory = time.perf_counter(), list[dict[str, int]]()
        try:
            await self._initialize()
            started = time.perf_counter()
            for part in (int(_WARM_SHARE * requests), requests - int(_WARM_SHARE * requests)):
                if not await self._blow(part):
                    break
                memory.append(await self._memory())
        except ConnectionError:
            self.totals.wrong.insert(0, "the server has ended")
        finally:
            seconds = time.perf_counter() - started
            code = await connection.stop(patience_s=PATIENCE_S)
        if code != 0:
            self.totals.wrong.insert(0, f"the server left with {code}")
        if connection.strays:
            self.totals.wrong.insert(0, f"{connection.strays} answers to requests that were answered, or never sent")
        return self._report(seconds, memory, code)

    async def _initialize(self) -> None:
        general = {"positionEncodings": [self._encoding]}
        window, text_document = {"workDoneProgress": True}, {"codeAction": {"resolveSupport": {"properties": ["edit"]}}}
        capabilities = {"general": general, "window": window, "textDocument": text_document}
        options = {"metrics": False, "completionList": True, **self._asks.settings}
        asked = {"processId": None, "rootUri": None, "capabilities": capabilities, "initializationOptions": options}
        async with asyncio.timeout(_LONGEST_LOADING_S):
            answer = await self._connection.request("initialize", asked)[1]
            assert answer["result"]["capabilities"]["positionEncoding"] == self._encoding
            self._connection.notify("initialized", {})
            await self._ready.wait()
        for paper in self._desk.papers:
            self._connection.notify("textDocument/didOpen", paper.opened)

    async def _blow(self, requests: int) -> bool:
        """Whether all of them were answered."""
        for _ in range(requests):
            while self._chance.random() < 0.55:
                self._disturb()
            kind, paper, method, params = self._asks.request()
            self._request(kind, paper, method, params)
            await self._connection.drained()
            await asyncio.sleep(0)
            if len(self._open) >= _MOST_OUTSTANDING or self._chance.random() < 0.25:
                all_of_them = self._chance.random() < 0.2
                if not await self._wait(asyncio.ALL_COMPLETED if all_of_them else asyncio.FIRST_COMPLETED):
                    return False
        return await self._wait(asyncio.ALL_COMPLETED)

    async def _wait(self, how: str) -> bool:
        """Whether something (or everything) that was asked is answered before patience ends."""
        if not self._open:
            return True
        done, waiting = await asyncio.wait(set(self._open.values()), timeout=PATIENCE_S, return_when=how)
        if waiting and (not done or how == asyncio.ALL_COMPLETED):
            self.totals.wrong.insert(0, f"{len(waiting)} requests hung")
            return False
        return True

    def _request(self, kind: str, paper: Paper, method: str, params: Json) -> None:
        text, version = paper.text, paper.version
        number, answer = self._connection.request(method, params)
        self.totals.requests[kind] += 1
        self._open[number] = answer

        def answered(future: asyncio.Future[Json]) -> None:
            self._open.pop(number, None)
            if future.cancelled() or future.exception() is not None:
                self.totals.wrong.append(f"{kind}: no answer, the server has ended")
                return
            message = future.result()
            if error := message.get("error"):
                self.totals.answers[str(error["code"])] += 1
                if error["code"] not in _EXPECTED:
                    self.totals.wrong.append(f"{kind}: {error['code']} {error['message']}")
                return
            self.totals.answers["result"] += 1
            if method == TEXT:
                self._compare(kind, text, message["result"]["text"])
            elif method == ACTION and message["result"]:
                self._asks.actions = [*self._asks.actions[-20:], *message["result"]]
            elif method == INLINE and message["result"]:
                self.totals.suggestions += len(message["result"])
                if paper.version == version:
                    self._accept(paper, message["result"][0])

        answer.add_done_callback(answered)

    def _compare(self, kind: str, mine: str, servers: str) -> None:
        self.totals.texts_compared += 1
        if mine != servers:
            self.totals.wrong.append(f"{kind}: the server's text differs ({len(servers)} for {len(mine)} characters)")

    def _accept(self, paper: Paper, item: Json) -> None:
        """Check where a suggestion would go, and now and then type how it begins."""
        try:
            start, end = (self._desk.index(paper, item["range"][side]) for side in ("start", "end"))
        except (ValueError, IndexError) as error:
            self.totals.wrong.append(f"a suggestion for no place: {error}")
            return
        if start == end and self._chance.random() < 0.5:
            self._notify(CHANGE, self._desk.typed(paper, start, item["insertText"][: self._chance.randint(1, 4)]))

    def _disturb(self) -> None:
        """Send something that gets no answer."""
        draw, paper = self._chance.random(), self._desk.any()
        if draw < 0.55:
            self._notify(CHANGE, self._desk.edited(paper))
        elif draw < 0.75:
            number = self._chance.choice([*self._open, 1_000_000_000])
            self._notify("$/cancelRequest", {"id": number})
        elif draw < 0.8:
            self._notify("textDocument/didClose", {"textDocument": paper.name})
            paper.version = self._chance.randrange(1 << 30)  # never one that was before: a version names one text
            self._notify("textDocument/didOpen", paper.opened)
        else:
            self._notify(*self._asks.notification())

    def _notify(self, method: str, params: Json) -> None:
        self.totals.notifications[method] += 1
        self._connection.notify(method, params)

    def _told(self, method: str, params: Json) -> None:
        if method == "dlm/status" and params["state"] in ("ready", "error"):
            self._ready.set()
        if method == "$/progress" and params["value"]["kind"] == "begin" and self._chance.random() < 0.1:
            self._notify("window/workDoneProgress/cancel", {"token": params["token"]})
        if method == "window/logMessage" and "dropped a message" in params["message"]:
            self.totals.answers["notification dropped"] += 1

    def _asked(self, method: str, params: Json) -> Json:
        """What the editor answers."""
        if method != "workspace/applyEdit":
            return None
        try:
            applied = self._desk.applied(params["edit"]) if self._chance.random() < 0.8 else None
        except (ValueError, IndexError) as error:
            self.totals.wrong.append(f"an edit for no place: {error}")
            applied = None
        if applied is None:
            return {"applied": False, "failureReason": "the document is at another version, or read-only"}
        self.totals.edits_applied += 1
        self._notify(CHANGE, applied[1])
        return {"applied": True}

    async def _memory(self) -> dict[str, int]:
        """What the server holds with no document open and nothing under way; the texts are compared before that.

        What was under way when the documents were closed takes a while to end, on a busy machine most of all: so it is asked
        again as long as it becomes less.
        """
        for paper in self._desk.papers:
            self._request("text", paper, TEXT, paper.name)
        await self._wait(asyncio.ALL_COMPLETED)
        for paper in self._desk.papers:
            self._notify("textDocument/didClose", {"textDocument": paper.name})
        held = [await self._held()]
        while len(held) < SETTLES_ASKED and (len(held) < 2 or held[-1]["objects"] < held[-2]["objects"]):
            await asyncio.sleep(SETTLES_S)
            held.append(await self._held())
        for paper in self._desk.papers:
            self._notify("textDocument/didOpen", paper.opened)
        return min(held, key=lambda one: one["objects"])

    async def _held(self) -> dict[str, int]:
        async with asyncio.timeout(PATIENCE_S):
            answer = await self._connection.request(MEMORY, {})[1]
        return {"resident_kib": self._connection.resident_kib(), **answer["result"]}

    def _report(self, seconds: float, memory: list[dict[str, int]], code: int | None) -> dict[str, Any]:
        totals = self.totals
        return {
            "encoding": self._encoding,
            "requests": sum(totals.requests.values()),
            "answered": sum(n for name, n in totals.answers.items() if name != "notification dropped"),
            "notifications": sum(totals.notifications.values()),
            "edits_applied": totals.edits_applied,
            "suggestions": totals.suggestions,
            "texts_compared": totals.texts_compared,
            "by_kind": dict(totals.requests),
            "by_answer": dict(totals.answers),
            "memory": memory,
            "seconds": round(seconds, 1),
            "exit_code": code,
            "wrong": totals.wrong[:20],
        }
