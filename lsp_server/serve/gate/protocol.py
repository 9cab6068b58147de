"""HTTP/1.1 with a deadline for the head of a request: uvicorn waits for one for ever."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0


class PunctualProtocol(H11Protocol):
    """Closes a connection that has sent no whole head in time, whether it sent a part of it or nothing."""

    head_s = HEAD_SECONDS
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._expect_nothing()
        elif self._deadline is None:
            self._expect()

    def _expect(self) -> None:
        self._deadline = asyncio.get_running_loop().call_later(self.head_s, self._too_late)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()


def protocol(head_s: float) -> type[Any]:
    """The protocol with another deadline, in seconds."""
    return type("Punctual", (PunctualProtocol,), {"head_s": head_s})
