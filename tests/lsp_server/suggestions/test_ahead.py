"""What is read before anybody asks, when, and who goes first: without a client, with a filler that reads by slices."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from lsp_server.configuration.settings import Settings
from lsp_server.documents.store import DocumentChange
from lsp_server.feedback.metrics import DROPPED, Metrics
from lsp_server.session.session import Session
from lsp_server.suggestions import service
from lsp_server.suggestions.question import at_cursor
from lsp_server.suggestions.service import UNREAD, Suggester
from lsp_server.workspace.exclusions import Exclusions
from model.types import Cancelled, Candidate, Fill, FillerInfo, FillRequest, Template
from tests.fakes import FakeFiller

URI = "file:///a.py"
SLICES = 4


@dataclass
class ReadingFiller(FakeFiller):
    """Must read a place, in slices, before it fills there. `slice_` is let through one slice at a time where it is held."""

    read: list[Template] = field(default_factory=list)
    slices_asked: int = 0
    held: bool = False
    slice_: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    begun: threading.Event = field(default_factory=threading.Event)
    copies: tuple[str, ...] = ()
    keeps_up: bool = True

    @property
    def info(self) -> FillerInfo:
        return replace(super().info, reads_ahead=True, keeps_up=self.keeps_up)

    def read_ahead(self, template: Template, *, stop: Cancelled) -> bool:
        for _ in range(0 if template in self.read else SLICES):
            if stop():
                return False
            self.slices_asked += 1
            self.begun.set()
            while self.held and not self.slice_.acquire(timeout=0.001):
                if stop():
                    return False
        self.read.append(template)
        return True

    def fill(self, request: FillRequest, **options: Any) -> Fill:
        waits = request.patience_s is None or (request.template in self.read and request.patience_s >= 0)
        if waits:
            return super().fill(request, **options)
        self.requests.append(request)
        copied = tuple(Candidate(texts=(text,), confidences=(0.9,), confidence=0.9) for text in self.copies)
        return Fill(candidates=copied, forward_passes=0, tokens=0, prefill_ms=0, denoise_ms=0, stopped="unread")


@dataclass
class Desk:
    """A document with a cursor, and what is read ahead of it."""

    filler: FakeFiller
    text: str
    uri: str = URI
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        self.metrics = Metrics()
        self.session = Session(lambda name, *, device: self.filler, options=self.settings)
        self.suggester = Suggester(self.session, self.metrics)
        self.ahead = self.suggester.ahead
        before, _, after = self.text.partition("‸")
        self.cursor, self.version = len(before.encode()), 1
        self.session.documents.open(self.uri, before + after, language_id="python", version=1)

    async def ask(self, *, automatic: bool = True) -> list[str]:
        now = self.session.documents.snapshot(self.uri)
        line = now.source[: self.cursor].count(b"\n")
        column = self.cursor - now.source[: self.cursor].rfind(b"\n") - 1
        question = at_cursor(self.session.documents, now, line=line, column=column)
        return [s.text for s in await self.suggester.suggest(question, asked=1, automatic=automatic)]

    def type(self, text: str) -> None:
        """Type at the end of the only line."""
        self.version += 1
        change = DocumentChange(text=text, span=((0, self.cursor), (0, self.cursor)))
        self.session.documents.change(self.uri, [change], version=self.version)
        self.cursor += len(text.encode())
        self.ahead.edited(self.uri, self.cursor)


async def until(true: Callable[[], bool]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(120):
        while not true():  # noqa: ASYNC110 - it changes on another thread
            await asyncio.sleep(0.002)


@pytest.fixture
async def reading() -> AsyncIterator[ReadingFiller]:
    filler = ReadingFiller(["value + 1"])
    yield filler
    filler.held = False


async def test_where_the_cursor_rests_is_read_what_a_fill_there_is_shown(reading: ReadingFiller) -> None:
    desk = Desk(reading, "x = ‸\n")
    desk.ahead.rests(URI, desk.cursor)
    await until(lambda: bool(reading.read))
    assert await desk.ask() == ["value + 1"]
    (request,) = reading.requests
    assert reading.read == [request.template]
    assert request.patience_s is not None


async def test_an_unread_place_is_read_then_answered_and_who_asked_for_it_waits(reading: ReadingFiller) -> None:
    desk = Desk(reading, "x = ‸\n")
    assert await desk.ask() == ["value + 1"], "who has stopped typing asks once, and sees it when it is there"
    assert desk.metrics.take()[DROPPED + UNREAD] == 1
    other = Desk(ReadingFiller(["value + 1"]), "x = ‸\n")
    assert await other.ask(automatic=False) == ["value + 1"]


async def test_what_takes_too_long_to_read_is_answered_next_time(
    reading: ReadingFiller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "READING_S", 0.0)
    desk = Desk(reading, "x = ‸\n")
    assert await desk.ask() == []
    await until(lambda: bool(reading.read))
    assert await desk.ask() == ["value + 1"], "that nothing was known is not remembered"


async def test_a_sure_copy_is_shown_before_the_place_is_read(reading: ReadingFiller) -> None:
    reading.copies = ("copied",)
    desk = Desk(reading, "x = ‸\n")
    assert await desk.ask() == ["copied"]


async def test_on_a_machine_that_is_too_slow_who_just_types_gets_copies_alone(reading: ReadingFiller) -> None:
    reading.keeps_up, reading.copies = False, ("copied",)
    desk = Desk(reading, "x = ‸\n")
    desk.ahead.rests(URI, desk.cursor)
    await until(lambda: bool(reading.read))
    assert await desk.ask() == ["copied"]
    assert await desk.ask(automatic=False) == ["copied"], "the answer to the same question"
    desk.type("1")
    assert await desk.ask(automatic=False) == ["value + 1"]


async def test_a_fill_stops_the_reading_which_then_goes_on(reading: ReadingFiller) -> None:
    reading.held = True
    desk = Desk(reading, "x = ‸\n")
    desk.ahead.rests(URI, desk.cursor)
    await until(reading.begun.is_set)
    assert await desk.ask(automatic=False) == ["value + 1"], "though no slice was let through"
    assert reading.read == []
    reading.held = False
    await until(lambda: bool(reading.read))


async def test_typing_on_does_not_stop_it_and_the_newest_place_is_read_in_the_end(reading: ReadingFiller) -> None:
    reading.held = True
    desk = Desk(reading, "x = ‸")
    desk.ahead.rests(URI, desk.cursor)
    await until(reading.begun.is_set)
    desk.type("f(")
    reading.held = False
    await until(lambda: len(reading.read) == 2)
    assert [template.pieces[0] for template in reading.read] == ["x = ", "x = f("]


async def test_a_cursor_that_moves_on_has_nothing_read_but_where_it_rests(reading: ReadingFiller) -> None:
    desk = Desk(reading, "a = 1\nb = 2\nc = 3\n‸")
    for offset in (0, 6, 12, 18):
        desk.ahead.rests(URI, offset)
        await asyncio.sleep(0)
    await until(lambda: bool(reading.read))
    assert [template.pieces[0] for template in reading.read] == ["a = 1\nb = 2\nc = 3\n"]


@pytest.mark.parametrize("setting", [{"enabled": False}, {"automatic": False}])
async def test_nothing_is_read_where_nothing_is_suggested_unasked(reading: ReadingFiller, setting: Any) -> None:
    desk = Desk(reading, "x = ‸\n", settings=Settings(**setting))
    desk.ahead.wanted(URI, desk.cursor)
    assert await desk.ahead.has_read(most_s=60)
    assert reading.slices_asked == 0


async def test_what_no_model_may_see_is_not_read(reading: ReadingFiller, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KEY=1\n")
    desk = Desk(reading, "KEY=‸\n", uri=(tmp_path / ".env").as_uri())
    desk.session.exclusions = Exclusions((tmp_path,))
    desk.ahead.wanted(desk.uri, desk.cursor)
    assert await desk.ahead.has_read(most_s=60)
    assert reading.slices_asked == 0


async def test_a_filler_that_need_not_read_is_asked_for_fills_alone() -> None:
    filler = FakeFiller(["value + 1"])
    desk = Desk(filler, "x = ‸\n")
    desk.ahead.wanted(URI, desk.cursor)
    assert await desk.ahead.has_read(most_s=60)
    assert filler.requests == []
    assert await desk.ask() == ["value + 1"]


async def test_a_model_that_fails_while_it_reads_ahead_fails_nobody(reading: ReadingFiller) -> None:
    desk = Desk(reading, "x = ‸\n")

    def fail(*_: Any, **__: Any) -> bool:
        raise RuntimeError("broken")

    reading.read_ahead = fail  # type: ignore[method-assign]
    desk.ahead.wanted(URI, desk.cursor)
    assert await desk.ahead.has_read(most_s=60)
    assert await desk.ask(automatic=False) == ["value + 1"]


async def test_a_place_within_a_character_is_moved_to_its_start(reading: ReadingFiller) -> None:
    desk = Desk(reading, "x = '‸é'\n")
    desk.ahead.wanted(URI, desk.cursor + 1)
    await until(lambda: bool(reading.read))
    assert reading.read[0].pieces == ("x = '", "é'\n")


async def test_a_closed_document_is_read_no_further(reading: ReadingFiller) -> None:
    reading.held = True
    desk = Desk(reading, "x = ‸\n")
    desk.ahead.rests(URI, desk.cursor)
    await until(reading.begun.is_set)
    desk.suggester.forget(URI)
    desk.session.documents.close(URI)
    assert await desk.ahead.has_read(most_s=60)
    assert reading.read == []
