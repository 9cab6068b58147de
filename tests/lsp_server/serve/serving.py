"""A server without a network and a model: the app, asked in this process."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from lsp_server.serve.app import Doors, create_app
from lsp_server.serve.desk.desk import Desk, QueueBounds
from lsp_server.serve.served import Served
from model.types import Cancelled, Fill, Filler, FillRequest, OnEvent
from tests.fakes import FakeFiller

PATIENCE_S = 60.0


@dataclass
class HeldFiller(FakeFiller):
    """A filler each of whose fills waits until it is let go, or cancelled. `begun`: one release a fill that began."""

    let_go: threading.Event = field(default_factory=threading.Event)
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def fill(
        self, request: FillRequest, *, cancelled: Cancelled = lambda: False, on_event: OnEvent | None = None
    ) -> Fill:
        self.begun.release()
        while not self.let_go.wait(0.005) and not cancelled():
            pass
        return super().fill(request, cancelled=cancelled, on_event=on_event)


def served_by(filler: Filler, *, bounds: QueueBounds | None = None, fillers: int = 1) -> Served:
    return Served(desk=Desk([lambda: filler] * fillers, bounds=bounds or QueueBounds(wait_s=1000.0)))


@asynccontextmanager
async def client_of(
    served: Served, doors: Doors | None = None, *, headers: dict[str, str] | None = None, address: str = "127.0.0.1"
) -> AsyncGenerator[httpx.AsyncClient, None]:
    """A client of the app. What is still running at the end is stopped."""
    transport = httpx.ASGITransport(app=create_app(served, doors), client=(address, 1), raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8012", headers=headers, timeout=PATIENCE_S
    ) as client:
        try:
            yield client
        finally:
            served.desk.close()


def events_of(text: str) -> Iterator[tuple[str, Any]]:
    """(name, data) of server-sent events; "[DONE]" as it is."""
    for event in text.split("\n\n"):
        name, data = "", None
        for line in event.splitlines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = line[6:] if line[6:] == "[DONE]" else json.loads(line[6:])
        if data is not None:
            yield name, data


def at(body: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        body = body[step]
    return body
