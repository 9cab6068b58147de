"""When edited lines are looked at, what is shown, and that who asks for a fill goes first: without a client."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lsp_server.configuration.settings import Settings
from lsp_server.diagnostics.watch import SuspicionWatch
from lsp_server.documents.store import DocumentChange
from lsp_server.feedback.metrics import Metrics
from lsp_server.session.session import Session
from lsp_server.suggestions.service import Suggester
from lsp_server.transforms.suspicious.suspicions import Suspicion
from lsp_server.types import Region, Snapshot
from lsp_server.workspace.exclusions import Exclusions
from model.types import Cancelled, Doubt, Filler, Template
from tests.fakes import FakeFiller

URI = "file:///nowhere/a.py"
TEXT = "count = 1\nprint()\nprint()\n"


@dataclass
class SlowFiller(FakeFiller):
    """Looks at nothing before `go` is set, unless it is cancelled."""

    begun: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    cancelled_after: int = 0

    def doubts(
        self, template: Template, *, wanted: Sequence[tuple[int, int]], cancelled: Cancelled = lambda: False
    ) -> tuple[Doubt, ...] | None:
        self.begun.set()
        while not self.go.wait(0.001):
            if cancelled():
                self.cancelled_after += 1
                return None
        return super().doubts(template, wanted=wanted, cancelled=cancelled)


class Desk:
    """A document, its watch, and what was shown of it: the versions with (start, text, instead) of each word."""

    def __init__(
        self,
        filler: Filler,
        *,
        text: str = TEXT,
        uri: str = URI,
        suspicious: bool = True,
        rests_after_s: float = 0.01,
    ) -> None:
        self.shown = list[tuple[int | None, list[tuple[int, str, str]]]]()
        self.said = list[str]()
        self.session = Session(lambda name, *, device: filler, options=Settings(suspicious=suspicious))
        ahead = Suggester(self.session, Metrics()).ahead
        self.watch = SuspicionWatch(
            self.session, ahead, show=self._show, complain=self.said.append, rests_after_s=rests_after_s
        )
        self.uri, self.version = uri, 1
        self.session.documents.open(uri, text, language_id="python", version=1)

    def _show(self, snapshot: Snapshot, found: Sequence[Suspicion]) -> None:
        assert all(snapshot.source[one.region.start : one.region.end].decode() == one.text for one in found)
        self.shown.append((snapshot.version, [(one.region.start, one.text, one.instead) for one in found]))

    def type(self, text: str, *, at: int, line: int = 0) -> None:
        self.version += 1
        place = (line, at)

        def told(region: Region | None, new: str) -> None:
            self.watch.edited(self.uri, region, new)

        change = DocumentChange(text=text, span=(place, place))
        self.session.documents.change(self.uri, [change], version=self.version, on_edit=told)
        self.watch.changed(self.uri)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - it changes on another thread
            await asyncio.sleep(0.002)


async def test_edited_lines_are_looked_at_when_the_document_rests_and_no_others() -> None:
    filler = FakeFiller([], improbable={"cuont": "count", "print": "write"})
    desk = Desk(filler)
    desk.type("cuont", at=6, line=1)
    await until(lambda: bool(desk.shown))
    assert filler.looked_at == ["print(cuont)\n"]
    assert desk.shown == [(2, [(10, "print", "write"), (16, "cuont", "count")])]


async def test_an_edit_elsewhere_keeps_what_is_shown_and_an_edit_of_the_word_takes_it_away() -> None:
    desk = Desk(FakeFiller([], improbable={"cuont": "count"}))
    desk.type("cuont", at=6, line=1)
    await until(lambda: len(desk.shown) == 1)
    desk.type("# \n", at=0)
    await asyncio.sleep(0.1)
    assert len(desk.shown) == 1
    assert [one.region.start for one in desk.watch.shown(URI)] == [19]
    desk.type("s", at=11, line=2)
    assert desk.shown[1:] == [(4, [])], "at once: the word is another one"


async def test_saving_looks_at_once() -> None:
    filler = FakeFiller([], improbable={"cuont": "count"})
    desk = Desk(filler, rests_after_s=3600)
    desk.type("cuont", at=6, line=1)
    desk.watch.saved(URI)
    desk.watch.saved("file:///nowhere/else.py")
    await until(lambda: bool(desk.shown))


async def test_a_fill_goes_first_and_the_lines_are_looked_at_afterwards() -> None:
    filler = SlowFiller(["x"], improbable={"cuont": "count"})
    desk = Desk(filler)
    desk.type("cuont", at=6, line=1)
    await until(filler.begun.is_set)

    def fill(_: Filler, __: Cancelled) -> str:
        filler.go.set()
        return "filled"

    assert await desk.session.jobs.run(URI, fill, automatic=False) == "filled"
    assert filler.cancelled_after == 1
    await until(lambda: bool(desk.shown))


async def test_an_edit_stops_what_is_under_way_which_is_begun_anew() -> None:
    filler = SlowFiller([], improbable={"cuont": "count"})
    desk = Desk(filler)
    desk.type("cuont", at=6, line=1)
    await until(filler.begun.is_set)
    desk.type("x = 1; ", at=0, line=0)
    await until(lambda: filler.cancelled_after == 1)
    filler.go.set()
    await until(lambda: bool(desk.shown))
    assert desk.shown[0] == (3, [(23, "cuont", "count")])


async def test_off_by_default_and_for_files_that_no_model_may_see(tmp_path: Path) -> None:
    assert not Settings().suspicious
    filler = FakeFiller([], improbable={"cuont": "count"})
    off = Desk(filler, suspicious=False)
    (tmp_path / ".dlmignore").write_text("*.py\n")
    excluded = Desk(filler, uri=(tmp_path / "a.py").as_uri())
    excluded.session.exclusions = Exclusions((tmp_path,))
    for desk in (off, excluded):
        desk.type("cuont", at=6, line=1)
        desk.watch.saved(desk.uri)
    await asyncio.sleep(0.1)
    assert filler.looked_at == []
    assert off.shown == excluded.shown == []


async def test_switching_it_off_takes_away_what_is_shown_and_so_does_closing() -> None:
    for end in ("off", "closed"):
        desk = Desk(FakeFiller([], improbable={"cuont": "count"}))
        desk.type("cuont", at=6, line=1)
        await until(lambda desk=desk: bool(desk.shown))  # type: ignore[misc]
        if end == "off":
            desk.session.configuration.initialize({"suspicious": False})
            desk.watch.follow_settings()
        else:
            desk.watch.closed(URI)
        assert desk.shown[1:] == [(2, [])]
        assert desk.watch.shown(URI) == ()


async def test_a_model_that_cannot_tell_is_named_once() -> None:
    filler = FakeFiller([])

    class Remote:
        info = filler.info
        count_tokens = filler.count_tokens
        fill = filler.fill

    desk = Desk(Remote())
    for _ in range(2):
        desk.type("a", at=6, line=1)
        await asyncio.sleep(0.1)
    assert len(desk.said) == 1
    assert "does not tell how probable a text is" in desk.said[0]
