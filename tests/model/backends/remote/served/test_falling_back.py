"""Who fills while a server is away, when it is looked for, and what no other model would mend."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from model.backends.remote.served.falling_back import LONGEST_WAIT_S, FallingBack
from model.errors import AccessDenied, BadRequest, QuotaExceeded, ServerFailed, Unreachable
from model.types import FillerInfo, FillRequest, Hole, Template
from tests.fakes import FakeFiller

REQUEST = FillRequest(template=Template(pieces=("a = ", "\n"), holes=(Hole(),)))
PATIENCE_S = 60.0


class Away(FakeFiller):
    """A server that fails in the way of `error` while it has one. `greetings` it did not answer are counted."""

    error: Exception | None = None
    there = True
    greetings = 0

    @property
    def info(self) -> FillerInfo:
        return FillerInfo(
            name="big", device="gpu:8012", context_tokens=4096, sent_to="gpu:8012", reads_other_files=True
        )

    def greet(self) -> bool:
        self.greetings += 1
        return self.there

    def close(self) -> None: ...

    def fill(self, request: FillRequest, **more: Any) -> Any:
        if self.error is not None:
            raise self.error
        return super().fill(request, **more)


class Waits:
    """Waits as long as a test wants: each takes one `go`. `seconds`: what was waited."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.go, self.asked = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, seconds: float) -> bool:
        self.seconds.append(seconds)
        self.asked.release()
        return not self.go.acquire(timeout=PATIENCE_S)

    def next(self) -> None:
        self.go.release()
        assert self.asked.acquire(timeout=PATIENCE_S)


def text(filler: FallingBack) -> str:
    return filler.fill(REQUEST).candidates[0].texts[0]


def test_the_server_fills_while_it_is_there() -> None:
    opened: list[str] = []
    filler = FallingBack(Away(["theirs"]), lambda: opened.append("x") or FakeFiller(["ours"]))  # type: ignore[func-returns-value]
    assert text(filler) == "theirs"
    assert filler.info.sent_to == "gpu:8012"
    assert not opened, "no other model is loaded for nothing"


@pytest.mark.parametrize("error", [Unreachable("gone"), ServerFailed("broken")])
def test_while_it_is_away_ours_fills_and_it_is_looked_for_with_growing_waits(error: Exception) -> None:
    remote, waits = Away(["theirs"]), Waits()
    filler = FallingBack(remote, lambda: FakeFiller(["ours"]), wait=waits)
    remote.error, remote.there = error, False
    assert text(filler) == "ours"
    assert filler.info.name == "fake (gpu:8012 is away)"
    assert filler.info.sent_to == "", "other files may be read again: they stay here"
    assert waits.asked.acquire(timeout=PATIENCE_S)
    for _ in range(8):
        waits.next()
        assert text(filler) == "ours"
    assert waits.seconds == [1, 2, 4, 8, 16, 32, LONGEST_WAIT_S, LONGEST_WAIT_S, LONGEST_WAIT_S]
    fills_before = len(remote.requests)
    remote.error, remote.there = None, True
    waits.go.release()
    for thread in threading.enumerate():
        if thread.name == "look-for-server":
            thread.join(timeout=PATIENCE_S)
    assert text(filler) == "theirs"
    assert len(remote.requests) == fills_before + 1
    assert filler.info.name == "big"


def test_a_busy_server_is_asked_again_for_the_next_fill() -> None:
    remote = Away(["theirs"])
    filler = FallingBack(remote, lambda: FakeFiller(["ours"]))
    remote.error = QuotaExceeded("too many")
    assert text(filler) == "ours"
    assert "is away" not in filler.info.name
    remote.error = None
    assert text(filler) == "theirs"


@pytest.mark.parametrize("error", [AccessDenied("no key"), BadRequest("no such sampler")])
def test_what_the_user_must_mend_is_said(error: Exception) -> None:
    remote = Away(["theirs"])
    remote.error = error
    filler = FallingBack(remote, lambda: FakeFiller(["ours"]))
    with pytest.raises(type(error)):
        filler.fill(REQUEST)


def test_a_server_that_is_not_there_at_first_is_no_error() -> None:
    remote, waits = Away(["theirs"]), Waits()
    remote.there = False
    filler = FallingBack(remote, lambda: FakeFiller(["ours"]), wait=waits)
    assert "is away" in filler.info.name
    assert text(filler) == "ours"
    assert not remote.requests, "no fill waits for it"
    waits.go.release()
