"""What runs at a replica: a desk for each model that it has at hand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager

from ray import serve

from lsp_server.serve.ask import Ask
from lsp_server.serve.desk.desk import Desk
from lsp_server.serve.fleet.desk import Reply, TurnedAway
from lsp_server.serve.replies import refusal_of
from lsp_server.serve.served import states_at
from lsp_server.serve.settings import ServeSettings
from model.types import FillerInfo, FillEvent

_LAST_FILLS_S = 15.0


class HeldDesk:
    """A desk, and how many are served at it: Ray gives up the least recently used one, which then ends what it has begun."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self._served, self._idle = desk, 0, threading.Event()
        self._loop = asyncio.get_running_loop()
        self._idle.set()

    @contextmanager
    def used(self) -> Iterator[Desk]:
        """Hold the desk while somebody is served at it."""
        self._served += 1
        self._idle.clear()
        try:
            yield self.desk
        finally:
            self._served -= 1
            if not self._served:
                self._idle.set()

    def __del__(self) -> None:
        """Ray calls this, on a thread beside the loop's."""
        if not self._loop.is_closed():
            self._idle.wait(_LAST_FILLS_S)
            self._loop.call_soon_threadsafe(self.desk.close)


class Replica:
    """Fills asks. The first model is loaded before the replica is ready; further ones when they are asked for."""

    async def __init__(self, settings: ServeSettings) -> None:  # type: ignore[misc]  # Ray awaits it

        @serve.multiplexed(max_num_models_per_replica=settings.models_at_once)  # type: ignore[untyped-decorator]
        async def held_desk(name: str) -> HeldDesk:
            return HeldDesk(settings.desk(name))

        self._held_desk, self._first = held_desk, settings.model_names[0]
        with (await self._desk_of("")).used() as desk:
            await desk.load()

    async def fill(self, ask: Ask) -> Reply:
        """The answer, or why there is none."""
        try:
            with (await self._desk_of(ask.model)).used() as desk:
                return await desk.fill(ask)
        except Exception as error:  # noqa: BLE001  what nobody expected is raised again
            return _refused(error)

    async def states(self, ask: Ask) -> AsyncGenerator[FillEvent | Reply, None]:
        """The states of the fill as they come; at last what `fill` returns."""
        try:
            with (await self._desk_of(ask.model)).used() as desk:
                async for one in states_at(desk, ask):
                    yield one
        except Exception as error:  # noqa: BLE001
            yield _refused(error)

    async def info(self) -> FillerInfo:
        """Of the first model."""
        with (await self._desk_of("")).used() as desk:
            await desk.load()
            assert desk.info is not None
            return desk.info

    async def _desk_of(self, name: str) -> HeldDesk:
        held: HeldDesk = await self._held_desk(name or self._first)
        return held


def _refused(error: Exception) -> TurnedAway:
    refusal = refusal_of(error)
    return TurnedAway(status=refusal.status, message=str(refusal), retry_after_s=refusal.retry_after_s)
