"""A desk whose fills are made by replicas. A fill changes nothing, so one whose replica is lost is asked for again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

from lsp_server.serve.ask import Answer, Ask, digest_of
from lsp_server.serve.desk.desk import Busy, Failed
from lsp_server.serve.desk.watch import Watch
from lsp_server.serve.replies import Refusal
from model.errors import Unreachable
from model.types import FillerInfo, FillEvent, OnEvent

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.02, 0.5
_PATIENCE_S = 30.0


class Lost(Exception):
    """The replica went away, or could not be reached, before it had answered."""


@dataclass(frozen=True, kw_only=True)
class TurnedAway:
    """What a replica says instead of an answer; exceptions would not survive the way unchanged."""

    status: int
    message: str
    retry_after_s: int | None = None


Reply: TypeAlias = Answer | TurnedAway


class Replicas(Protocol):
    """The way to the replicas. Requests of one session go to one of them, while it is there. Each raises Lost."""

    async def fill(self, ask: Ask, session: str) -> Reply: ...

    def states(self, ask: Ask, session: str) -> AsyncGenerator[FillEvent | Reply, None]:
        """The states of the fill, at last the reply."""
        ...

    async def info(self) -> FillerInfo: ...


class FleetDesk:
    """Fills asks at replicas. `models`: names that a request may choose by, the first where it chooses none."""

    kept_answers = None  # they are the replicas'
    queued = 0  # so are those who wait

    def __init__(
        self,
        replicas: Replicas,
        *,
        models: tuple[str, ...] = (),
        patience_s: float = _PATIENCE_S,
        watch: Watch | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
    ) -> None:
        self.watch, self._models = watch or Watch(), models
        self._replicas, self._patience_s, self._clock, self._sleep = replicas, patience_s, clock, sleep
        self._learning: asyncio.Task[None] | None = None
        self.info: FillerInfo | None = None
        self.failure = ""
        self.filling = 0

    @property
    def models(self) -> tuple[str, ...]:
        """What clients may call the models."""
        return self._models or ((self.info.name,) if self.info else ())

    async def load(self) -> None:
        """Returns once a replica has said which model it has. Raises Unreachable."""
        if self.info is None:
            await asyncio.shield(self._learn())

    async def fill(self, ask: Ask, *, on_event: OnEvent | None = None) -> Answer:
        """The answer to an ask. Cancelling the caller stops the replica's work.

        Raises Busy, Refusal, Failed, Unreachable.
        """
        began = self._clock()
        ask = replace(ask, model=ask.model if ask.model in self._models else "")
        self.filling += 1
        try:
            reply = await self._insisting(lambda: self._once(ask, on_event))
        except asyncio.CancelledError:
            self.watch.counted("cancelled")
            raise
        except Unreachable:
            self.watch.counted("failed")
            raise
        finally:
            self.filling -= 1
        if isinstance(reply, TurnedAway):
            raise self._refusal(reply)
        total_ms = 1000 * (self._clock() - began)
        self._count(reply, total_ms)
        if not ask.model and reply.model and (self.info is None or reply.model != self.info.name):
            self._learn()  # new weights
        return reply if reply.cached else replace(reply, total_ms=total_ms)

    def close(self) -> None:
        """Nothing is held here."""

    async def _once(self, ask: Ask, on_event: OnEvent | None) -> Reply:
        """One try. Raises Lost. States are shown again from the first where a try was lost: only the last one's count."""
        session = session_of(ask)
        if on_event is None:
            return await self._replicas.fill(ask, session)
        async with aclosing(self._replicas.states(ask, session)) as states:
            async for one in states:
                if not isinstance(one, FillEvent):
                    return one
                on_event(one)
        raise Lost("the states ended without a fill")

    async def _insisting(self, attempt: Callable[[], Coroutine[Any, Any, Reply]]) -> Reply:
        """What `attempt` returns, tried again while replicas are lost. Raises Unreachable when patience is at its end."""
        end, wait_s = self._clock() + self._patience_s, _FIRST_WAIT_S
        while True:
            try:
                async with asyncio.timeout(max(0.0, end - self._clock())):
                    return await attempt()
            except (Lost, TimeoutError):
                if self._clock() + wait_s > end:
                    raise Unreachable("no replica answers: try again later") from None
            self.watch.retried()
            await self._sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def _learn(self) -> asyncio.Task[None]:
        """Ask a replica which model it has, unless that is under way."""
        if self._learning is None or self._learning.done():
            self._learning = asyncio.ensure_future(self._learnt())
        return self._learning

    async def _learnt(self) -> None:
        end, wait_s = self._clock() + self._patience_s, _FIRST_WAIT_S
        while True:
            try:
                self.info = await self._replicas.info()
            except Lost:
                if self._clock() + wait_s > end:
                    raise Unreachable("no replica answers: try again later") from None
            else:
                return
            await self._sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def _count(self, answer: Answer, total_ms: float) -> None:
        if answer.cached:
            self.watch.counted("cached")
        elif answer.outcome in ("superseded", "cancelled"):
            self.watch.counted(answer.outcome)
        else:
            self.watch.filled(answer)
            self.watch.queued(answer.queue_ms)
            self.watch.took(total_ms)

    def _refusal(self, reply: TurnedAway) -> Exception:
        """The error that the replica's own desk raised."""
        if reply.status == 429:
            self.watch.counted("refused")
            return Busy(reply.retry_after_s or 1)
        self.watch.counted("failed" if reply.status >= 500 else "rejected")
        return Failed(reply.message) if reply.status == 500 else Refusal(reply.status, reply.message)


def session_of(ask: Ask) -> str:
    """What requests share that belong at one replica: a user's document, else the user; "" for nobody's."""
    user = ask.user.strip("\0")
    return digest_of(ask.user, ask.document, ask.model).hex() if user or ask.document else ""
