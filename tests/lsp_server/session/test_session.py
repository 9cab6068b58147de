"""Who waits for the model, who displaces whom, and what stops when: without a client."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from lsp_server.configuration.settings import Settings
from lsp_server.session.jobs import Interrupted
from lsp_server.session.session import Session
from model.errors import ModelError, UnknownModel
from model.types import Cancelled, Filler
from tests.fakes import FakeFiller

URI = "file:///a.py"


def session_with(opening: Callable[[], Filler] = lambda: FakeFiller(["x"])) -> Session:
    return Session(lambda name, *, device: opening(), options=Settings())


def until_cancelled(started: threading.Event, stopped: threading.Event) -> Callable[[Filler, Cancelled], str]:
    def work(_: Filler, cancelled: Cancelled) -> str:
        started.set()
        while not cancelled():
            stopped.wait(0.001)
        stopped.set()
        return "late"

    return work


async def test_work_gets_the_filler_on_one_thread_of_its_own() -> None:
    session = session_with()
    threads = [await session.jobs.run(URI, lambda *_: threading.get_ident(), automatic=False) for _ in range(2)]
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()
    assert session.loading.loaded


async def test_errors_of_the_work_reach_who_asked_and_nothing_is_left_behind() -> None:
    session = session_with()

    def fail(*_: object) -> str:
        raise ModelError("broken")

    with pytest.raises(ModelError, match="broken"):
        await session.jobs.run(URI, fail, automatic=False)
    assert await session.jobs.run(URI, lambda *_: "next", automatic=True) == "next"


async def test_a_newer_request_is_served_once_the_older_has_noticed() -> None:
    session, started, stopped = session_with(), threading.Event(), threading.Event()
    older = asyncio.ensure_future(session.jobs.run(URI, until_cancelled(started, stopped), automatic=True))
    await asyncio.to_thread(started.wait, 60)
    assert await session.jobs.run(URI, lambda *_: stopped.is_set(), automatic=True) is True
    assert await older == Interrupted("a newer request for this document took its place")


async def test_cancelling_who_waits_stops_the_work() -> None:
    session, started, stopped = session_with(), threading.Event(), threading.Event()
    waiting = asyncio.ensure_future(session.jobs.run(URI, until_cancelled(started, stopped), automatic=False))
    await asyncio.to_thread(started.wait, 60)
    waiting.cancel()
    assert await asyncio.to_thread(stopped.wait, 60)
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_change_interrupts_also_who_waits_for_the_model() -> None:
    go = threading.Event()

    def opening() -> Filler:
        go.wait(60)
        return FakeFiller(["x"])

    session = session_with(opening)
    waiting = asyncio.ensure_future(session.jobs.run(URI, lambda *_: "filled", automatic=False))
    await asyncio.sleep(0)
    session.jobs.interrupt(URI, "changed")
    assert await waiting == Interrupted("changed")
    assert not session.loading.loaded
    go.set()
    assert await session.jobs.run(URI, lambda *_: "filled", automatic=False) == "filled"


async def test_the_model_is_opened_once_and_its_failure_is_told_each_time() -> None:
    calls: list[int] = []

    def opening() -> Filler:
        calls.append(1)
        raise UnknownModel("no such model")

    session = session_with(opening)
    for _ in range(2):
        with pytest.raises(UnknownModel, match="no such model"):
            await session.loading.filler()
    assert calls == [1]
    assert not session.loading.loaded


async def test_an_unforeseen_failure_names_its_place_and_the_remedy_but_not_its_text() -> None:
    def opening() -> Filler:
        raise KeyError("secret")

    with pytest.raises(ModelError, match=r"KeyError at test_session\.py:\d+\): reinstall dlm-fill") as raised:
        await session_with(opening).loading.filler()
    assert "secret" not in str(raised.value)


async def test_closing_interrupts_everything() -> None:
    session, started, stopped = session_with(), threading.Event(), threading.Event()
    waiting = asyncio.ensure_future(session.jobs.run(URI, until_cancelled(started, stopped), automatic=False))
    await asyncio.to_thread(started.wait, 60)
    session.jobs.close()
    assert await waiting == Interrupted("the server is shutting down")
    assert await asyncio.to_thread(stopped.wait, 60)
