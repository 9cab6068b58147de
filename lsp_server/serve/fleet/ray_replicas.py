"""The way to replicas by a handle of Ray Serve."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

from ray import exceptions as gone
from ray.serve import exceptions as serve_errors

from lsp_server.serve.ask import Ask
from lsp_server.serve.fleet.desk import FleetDesk, Lost, Reply, TurnedAway
from lsp_server.serve.settings import ServeSettings
from model.types import FillerInfo, FillEvent

_LOST = (
    gone.RayActorError,  # died, or out of reach
    gone.WorkerCrashedError,
    gone.ObjectLostError,  # an answer that was lost with its machine
    gone.TaskCancelledError,  # a replica that had to leave before it was done
    serve_errors.DeploymentUnavailableError,
    serve_errors.RequestCancelledError,
    serve_errors.BackPressureError,  # of what is asked beside fills, which tell it
)
_FULL = TurnedAway(status=429, message="too many requests are waiting: try again in 1 s", retry_after_s=1)


class RayReplicas:
    """Replicas of the deployment that `handle` leads to."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    async def fill(self, ask: Ask, session: str) -> Reply:
        """The reply. Raises Lost."""
        with _lost():
            response = self._to(session).fill.remote(ask)
            try:
                reply: Reply = await response
            except serve_errors.BackPressureError:
                return _FULL
            except asyncio.CancelledError:
                response.cancel()
                raise
            return reply

    async def states(self, ask: Ask, session: str) -> AsyncGenerator[FillEvent | Reply, None]:
        """The states of the fill, at last the reply. Raises Lost."""
        with _lost():
            response = self._to(session).options(stream=True).states.remote(ask)
            try:
                async for one in response:
                    yield one
            except serve_errors.BackPressureError:
                yield _FULL
            except (asyncio.CancelledError, GeneratorExit):
                response.cancel()
                raise

    async def info(self) -> FillerInfo:
        """Of the model that requests get which choose none. Raises Lost."""
        with _lost():
            info: FillerInfo = await self._handle.info.remote()
            return info

    def _to(self, session: str) -> Any:
        return self._handle.options(session_id=session) if session else self._handle


def desk_of(settings: ServeSettings, handle: Any) -> FleetDesk:
    """The desk whose fills are made at the replicas that `handle` leads to."""
    return FleetDesk(RayReplicas(handle), models=settings.model_names if settings.also else ())


@contextmanager
def _lost() -> Iterator[None]:
    """Turn what Ray says of a replica that went away into Lost."""
    try:
        yield
    except _LOST as error:
        raise Lost(type(error).__name__) from None
