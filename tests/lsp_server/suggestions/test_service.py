"""Who waits for whom, what is stopped, and what goes on while the user types what is coming: without a client."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from lsp_server.configuration.settings import Settings
from lsp_server.documents.store import DocumentChange
from lsp_server.feedback.metrics import Metrics
from lsp_server.session.session import Session
from lsp_server.suggestions.question import at_cursor
from lsp_server.suggestions.service import Suggester
from lsp_server.types import Region
from model.errors import ModelError
from model.types import Fill, FillRequest
from tests.fakes import FakeFiller

URI = "file:///a.py"


async def test_what_was_asked_for_stays_in_sight_while_it_is_typed_though_it_is_unsure() -> None:
    desk = Desk(FakeFiller(["value + 1"], confidence=0.1), "x = ‸\n")
    desk.session.configuration.initialize({"minConfidence": 0.5})

    async def seen(*, automatic: bool) -> list[bool]:
        now = desk.session.documents.snapshot(URI)
        line, column = desk.place(desk.cursor)
        question = at_cursor(desk.session.documents, now, line=line, column=column)
        return [s.unsure for s in await desk.suggester.suggest(question, asked=1, automatic=automatic)]

    assert await seen(automatic=True) == [True]
    assert await seen(automatic=False) == [False]
    assert await seen(automatic=True) == [False]
    desk.type("val")
    assert await seen(automatic=True) == [False]


class HeldFiller(FakeFiller):
    """Shows how its text begins, then waits until it is let go or cancelled."""

    def __init__(self, *texts: str) -> None:
        super().__init__(list(texts), steps=2)
        self.begun, self.go = threading.Event(), threading.Event()

    def fill(self, request: FillRequest, *, cancelled: Any = lambda: False, on_event: Any = None) -> Fill:
        def held(event: Any) -> None:
            on_event(event)
            self.begun.set()
            while not cancelled() and not self.go.is_set():
                self.go.wait(0.001)

        return super().fill(request, cancelled=cancelled, on_event=held)


@dataclass
class Desk:
    """A document that is typed in, and the suggester that looks on."""

    filler: FakeFiller
    text: str
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        self.session = Session(lambda name, *, device: self.filler, options=Settings())
        self.suggester = Suggester(self.session, self.metrics)
        before, _, after = self.text.partition("‸")
        self.cursor = len(before.encode())
        self.version = 1
        self.session.documents.open(URI, before + after, language_id="python", version=1)

    def ask(self, *, asked: int = 1, automatic: bool = True) -> asyncio.Task[list[str]]:
        async def texts() -> list[str]:
            now = self.session.documents.snapshot(URI)
            line, column = self.place(self.cursor)
            question = at_cursor(self.session.documents, now, line=line, column=column)
            return [s.text for s in await self.suggester.suggest(question, asked=asked, automatic=automatic)]

        return asyncio.ensure_future(texts())

    def place(self, offset: int) -> tuple[int, int]:
        source = self.session.documents.snapshot(URI).source
        return source[:offset].count(b"\n"), offset - source[:offset].rfind(b"\n") - 1

    def type(self, text: str, *, at: int | None = None) -> None:
        """What handlers/documents.py does when the editor tells of a change."""
        at = self.cursor if at is None else at

        def edited(region: Region | None, new: str) -> None:
            if region is None or not self.suggester.edited(URI, region, new):
                self.session.jobs.interrupt(URI, "the document changed meanwhile")

        self.version += 1
        change = DocumentChange(text=text, span=(self.place(at), self.place(at)))
        self.session.documents.change(URI, [change], version=self.version, on_edit=edited)
        if at <= self.cursor:
            self.cursor += len(text.encode())


async def begun(filler: HeldFiller) -> None:
    assert await asyncio.to_thread(filler.begun.wait, 60)


async def test_typing_what_is_suggested_asks_the_model_once() -> None:
    desk = Desk(FakeFiller(["value + 1"]), "x = ‸\n")
    assert await desk.ask() == ["value + 1"]
    for typed, rest in (("v", "alue + 1"), ("alu", "e + 1"), ("e", " + 1")):
        desk.type(typed)
        assert await desk.ask() == [rest]
    assert len(desk.filler.requests) == 1
    assert desk.metrics.take()["answered from the cache"] == 3
    desk.type("s")
    assert await desk.ask() == ["value + 1"]
    assert len(desk.filler.requests) == 2


async def test_what_is_under_way_goes_on_while_its_text_is_typed() -> None:
    filler = HeldFiller("value + 1")
    desk = Desk(filler, "x = ‸\n")
    first = desk.ask()
    await begun(filler)
    desk.type("va")
    second = desk.ask()
    await asyncio.sleep(0)
    first.cancel()  # as an editor does that has sent a newer request
    filler.go.set()
    assert await second == ["lue + 1"]
    assert len(filler.requests) == 1
    assert filler.stopped == ["done"]


async def test_what_is_under_way_stops_when_something_else_is_typed() -> None:
    filler = HeldFiller("value + 1")
    desk = Desk(filler, "x = ‸\n")
    first = desk.ask()
    await begun(filler)
    desk.type("w")
    assert await first == []
    filler.go.set()
    assert await desk.ask() == ["value + 1"]
    assert filler.stopped == ["cancelled", "done"]
    assert desk.metrics.take()["dropped: the document changed meanwhile"] == 1


async def test_an_edit_elsewhere_stops_it_although_it_says_how_the_text_begins() -> None:
    filler = HeldFiller("value + 1")
    desk = Desk(filler, "x = ‸\n")
    first = desk.ask()
    await begun(filler)
    desk.type("v", at=0)
    assert await first == []


async def test_a_guess_that_does_not_come_true_is_asked_anew() -> None:
    """The text under way began as typed, but ends otherwise: it is not shown; the model is asked for the new state."""
    filler = HeldFiller("value + 1")
    desk = Desk(filler, "x = ‸\n")
    first = desk.ask()
    await begun(filler)
    filler.texts = ["other"]  # what the first fill comes to
    desk.type("v")
    second = desk.ask()
    await asyncio.sleep(0)
    filler.go.set()
    assert await second == ["other"]
    assert len(filler.requests) == 2
    assert filler.requests[1].template.pieces[0] == "x = v"
    await first


async def test_a_request_that_waited_in_vain_and_is_stale_does_not_ask_for_a_past_state() -> None:
    filler = HeldFiller("value + 1")
    desk = Desk(filler, "x = ‸\n")
    desk.ask()
    await begun(filler)
    desk.type("v")
    second = desk.ask()
    await asyncio.sleep(0)
    desk.type("x")
    assert await second == []
    assert len(filler.requests) == 1


async def test_who_shared_a_fill_that_was_displaced_does_not_displace_in_turn() -> None:
    filler = HeldFiller("value")
    desk = Desk(filler, "a = b = ‸\n")
    shared = [desk.ask(), desk.ask()]
    await begun(filler)
    desk.cursor = 4
    newer = desk.ask()
    await asyncio.sleep(0)
    assert [await one for one in shared] == [[], []]
    filler.go.set()
    assert await newer == ["value"]
    assert filler.stopped == ["cancelled", "done"]


async def test_the_same_state_is_filled_once_also_for_one_who_comes_while_it_runs() -> None:
    filler = HeldFiller("value")
    desk = Desk(filler, "x = ‸\n")
    asking = [desk.ask(), desk.ask(automatic=False)]
    await begun(filler)
    asking.append(desk.ask())
    await asyncio.sleep(0)
    asking[0].cancel()
    filler.go.set()
    assert await asking[1] == await asking[2] == ["value"]
    assert len(filler.requests) == 1


async def test_who_wants_several_does_not_get_what_is_made_for_one() -> None:
    desk = Desk(FakeFiller(["a"], others=[["b"]]), "x = ‸\n")
    assert await desk.ask() == ["a"]
    assert await desk.ask(asked=2, automatic=False) == ["a", "b"]
    assert await desk.ask() == ["a", "b"]  # the handler shows as many as it should
    assert len(desk.filler.requests) == 2


async def test_work_stops_when_nobody_waits_any_more() -> None:
    filler = HeldFiller("value")
    desk = Desk(filler, "x = ‸\n")
    asking = desk.ask()
    await begun(filler)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    filler_stopped: Callable[[], bool] = lambda: filler.stopped == ["cancelled"]  # noqa: E731
    async with asyncio.timeout(60):
        while not filler_stopped():  # noqa: ASYNC110 - it stops on another thread
            await asyncio.sleep(0.001)


async def test_that_there_is_nothing_to_say_is_remembered_but_not_when_it_was_cut_short() -> None:
    desk = Desk(FakeFiller([","]), "x = [1‸]\n")
    assert await desk.ask() == await desk.ask() == []
    assert len(desk.filler.requests) == 1
    assert desk.metrics.take()["dropped: trivial"] == 1


async def test_errors_reach_everyone_who_waits() -> None:
    desk = Desk(FakeFiller(["x"]), "x = ‸\n")

    def fail(*_: Any, **__: Any) -> Fill:
        raise ModelError("broken")

    desk.filler.fill = fail  # type: ignore[method-assign]
    asking = [desk.ask(), desk.ask()]
    for one in asking:
        with pytest.raises(ModelError, match="broken"):
            await one


@pytest.mark.parametrize(
    ("automatic", "text", "mend"),
    [
        (False, "x = ‸\n", "all"),
        (True, "x = ‸\n", "searching"),
        (True, "y = 1\nx = f(‸\n", "searching"),
        (True, "y = (\n\n\nz = 1\nx = ‸\n", "searching"),  # an error elsewhere is not the fill's
        (True, "x = ‸\nz = 1\n\ndef f(:\n    pass\n", "searching"),
        (False, "x = ‸\nz = 1\n\ndef f(:\n    pass\n", "all"),
    ],
)
async def test_who_merely_types_waits_little_for_what_does_not_parse(automatic: bool, text: str, mend: str) -> None:
    desk = Desk(FakeFiller(["1"]), text)
    assert await desk.ask(automatic=automatic) == ["1"]
    (request,) = desk.filler.requests
    assert request.mend == mend
    assert request.accepts is not None
