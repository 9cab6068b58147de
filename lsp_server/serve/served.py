"""What every route shares: the desk, who asks, and how long a client is waited for."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

from starlette.requests import Request

from lsp_server.serve.ask import Answer, Ask
from lsp_server.serve.desk.desk import on_loop
from lsp_server.serve.desk.watch import Watch
from lsp_server.serve.fills import may_be_read
from lsp_server.serve.replies import Refusal
from lsp_server.serve.tabby_events import Events
from model.types import FillerInfo, FillEvent, OnEvent

USER_HEADER, DOCUMENT_HEADER = "x-dlm-fill-user", "x-dlm-fill-document"
_MOST_NAME_CHARS = 200


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who sent a request: the name of the key ("" without keys), and what it may use."""

    key: str = ""
    context_tokens: int | None = None


class AnyDesk(Protocol):
    """Where asks are filled: in this process, or at replicas. `info` is None until a model is there, `failure` says why not.

    `kept_answers` is None where others keep them.
    """

    watch: Watch
    info: FillerInfo | None
    failure: str

    @property
    def models(self) -> tuple[str, ...]: ...
    @property
    def queued(self) -> int: ...
    @property
    def filling(self) -> int: ...
    @property
    def kept_answers(self) -> int | None: ...
    async def load(self) -> None: ...
    async def fill(self, ask: Ask, *, on_event: OnEvent | None = None) -> Answer: ...
    def close(self) -> None: ...


@dataclass(kw_only=True)
class Served:
    """One server's state. `max_time_s` bounds a fill; `cursor_time_s` one that somebody types beside."""

    desk: AnyDesk
    max_time_s: float = 10.0
    cursor_time_s: float = 2.0
    events: Events = field(default_factory=Events)
    clock: Callable[[], float] = time.time
    started: float = field(default_factory=time.time)

    def ask(
        self,
        request: Request,
        ask: Ask,
        *,
        user: str = "",
    ) -> Ask:
        """The ask with what the server knows: who it is, how long it may take at most, how much it may read."""
        caller = caller_of(request)
        who = user or request.headers.get(USER_HEADER, "")
        bound = self.cursor_time_s if ask.at_cursor else self.max_time_s
        options = replace(
            ask.options,
            budget=replace(ask.options.budget, max_time_s=min(bound, ask.options.budget.max_time_s or bound)),
            mend="searching" if ask.at_cursor else "all",
            may_stay_empty=ask.at_cursor,
        )
        return replace(
            ask,
            user=f"{caller.key}\0{who[:_MOST_NAME_CHARS]}",
            document=request.headers.get(DOCUMENT_HEADER, "")[:_MOST_NAME_CHARS] or ask.document,
            options=options,
            context_tokens=caller.context_tokens,
        )

    async def answer(self, request: Request, ask: Ask) -> Answer:
        """The answer; the work stops when the client has gone. Raises what `Desk.fill` raises."""
        task = asyncio.ensure_future(self.desk.fill(ask))
        gone = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Refusal(499, "the client has gone")
            return task.result()
        finally:
            for one in (task, gone):
                one.cancel()
            with suppress(asyncio.CancelledError):
                await gone


async def states_at(desk: AnyDesk, ask: Ask) -> AsyncGenerator[FillEvent | Answer, None]:
    """The states of a fill as they come, the newest only where the client is slow; at last the answer."""
    latest: asyncio.Queue[FillEvent] = asyncio.Queue(maxsize=1)

    def see(event: FillEvent) -> None:
        if latest.full():
            latest.get_nowait()
        latest.put_nowait(event)

    task = asyncio.ensure_future(desk.fill(ask, on_event=on_loop(asyncio.get_running_loop(), see)))
    try:
        while not task.done() or not latest.empty():
            get = asyncio.ensure_future(latest.get())
            await asyncio.wait({task, get}, return_when=asyncio.FIRST_COMPLETED)
            if get.done():
                yield get.result()
            else:
                get.cancel()
        yield task.result()
    finally:
        task.cancel()


def caller_of(request: Request) -> Caller:
    caller = request.scope.get("dlm_fill.caller")
    return caller if isinstance(caller, Caller) else Caller()


def readable(files: list[tuple[str, str]]) -> tuple[str, ...]:
    """The texts of (name, text) that may be copied from."""
    return tuple(text for name, text in files if text.strip() and may_be_read(name))


def new_id(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex}"


async def _gone(request: Request) -> None:
    """Return once the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
