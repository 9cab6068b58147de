from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator

import pytest

from model.backends.left_to_right.sequential import SequentialFiller
from model.backends.remote.address import parse_address
from model.backends.remote.completions import Completions
from model.backends.remote.keys import ApiKey
from model.backends.remote.llamacpp import LlamaCpp
from model.backends.remote.mercury import Mercury
from model.backends.remote.service import Service
from model.backends.remote.transport import Transport
from tests.model.backends.remote.server import Server, serving

SECRET = "sk-very-secret-key"
KEY = ApiKey(SECRET, origin="THE_VARIABLE")
KINDS: dict[str, type[Service]] = {"openai": Completions, "mercury": Mercury, "llamacpp": LlamaCpp}
Open = Callable[..., SequentialFiller]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def waits() -> list[float]:
    """What the transport would have slept, in seconds."""
    return []


@pytest.fixture
def opened(server: Server, waits: list[float]) -> Iterator[Open]:
    """Opens a filler of a kind over the server, with a key, and a clock that does not wait."""
    fillers: list[SequentialFiller] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    def open_filler(
        kind: str = "openai",
        *,
        url: str = "",
        model: str = "coder",
        key: ApiKey | None = KEY,
        sleeps: Callable[[float], Awaitable[None]] = sleep,
        now: Callable[[], float] = lambda: 0.0,
        budget_now: Callable[[], float] = time.monotonic,
    ) -> SequentialFiller:
        address = parse_address(f"{kind}:{url or server.url}#{model}")
        transport = Transport(address, key, sleep=sleeps, now=now, draw=lambda: 0.0)
        fillers.append(SequentialFiller(KINDS[kind](transport), now=budget_now))
        return fillers[-1]

    yield open_filler
    for filler in fillers:
        filler.close()
