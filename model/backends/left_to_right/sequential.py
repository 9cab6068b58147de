"""A `Filler` over a `Writer`: holes one after the other, earlier fills standing in their place; candidates side by side."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from model.backends.left_to_right.answers import ModelAnswer, check, ranked
from model.backends.left_to_right.writer import Middle, Writer
from model.infill.holes.pins import Split
from model.types import (
    MASK,
    TEMPERATURE,
    Cancelled,
    DraftToken,
    Fill,
    FillerInfo,
    FillEvent,
    FillRequest,
    Hole,
    OnEvent,
)

Stopped: TypeAlias = Literal["done", "cancelled", "time"]

LOOK_S = 0.02
"""How often `cancelled` is asked, in seconds."""


@dataclass
class _Way:
    """One way to fill all holes, as far as it has come. `temperature` 0: the likeliest."""

    texts: list[str]
    temperature: float
    seed: int
    at: int = 0
    done: bool = False


@dataclass
class _Progress:
    """The ways of one request, and what its listener has been told."""

    on_event: OnEvent | None
    holes: tuple[Hole, ...]
    ways: list[_Way] = field(default_factory=list)
    step: int = 0
    first_piece_at: float | None = None

    def heard(self, way: _Way) -> None:
        """A piece has come in."""
        self.first_piece_at = self.first_piece_at or time.perf_counter()
        if self.on_event is None or way is not self.ways[0]:
            return
        self.step += 1
        told = [
            (DraftToken(text=text, confidence=1.0, open=False),) if text else () for text in way.texts[: way.at + 1]
        ]
        behind = tuple(hole.masked for hole in self.holes[way.at + 1 :])
        self.on_event(FillEvent(step=self.step, holes=(*told[:-1], (*told[-1], MASK), *behind)))

    @property
    def finished(self) -> list[tuple[str, ...]]:
        return [tuple(way.texts) for way in self.ways if way.done]

    def so_far(self) -> list[tuple[str, ...]]:
        """What can be used when time is up: finished ways, else the whole lines of the one that is nearly finished."""
        if self.finished:
            return self.finished
        ways = [way for way in self.ways if way.at == len(way.texts) - 1 and "\n" in way.texts[-1]]
        return [(*way.texts[:-1], way.texts[-1].rpartition("\n")[0]) for way in ways[:1]]


class SequentialFiller:
    """Text in, text out, by a back end that writes one gap at a time. One call at a time.

    `now`: the clock of the budget, in seconds; the writer's transport reads the same.
    """

    def __init__(self, writer: Writer, *, now: Callable[[], float] = time.monotonic) -> None:
        self._writer, self._now = writer, now
        self._runner = asyncio.Runner()

    @property
    def info(self) -> FillerInfo:
        return self._writer.info

    def count_tokens(self, text: str) -> int:
        return self._writer.count_tokens(text)

    def fill(
        self, request: FillRequest, *, cancelled: Cancelled = lambda: False, on_event: OnEvent | None = None
    ) -> Fill:
        """Fill all holes. What is under way is given up some 20 ms after `cancelled` says so.

        Raises BadRequest for what such a back end cannot do, RemoteError and UnknownModel when it fails.
        """
        check(request, name=self.info.name, rewrites=self._writer.rewrites)
        split = Split.of(request)
        request = split.request
        progress = _Progress(on_event=split.on_event(on_event), holes=request.template.holes)
        started = time.perf_counter()
        stopped = "cancelled" if cancelled() else self._runner.run(self._watched(request, progress, cancelled))
        ended = time.perf_counter()
        first = min(progress.first_piece_at or ended, ended)
        ways = [] if stopped == "cancelled" else progress.finished if stopped == "done" else progress.so_far()
        candidates = ranked(request, ways)
        fill = Fill(
            candidates=candidates,
            forward_passes=0,
            tokens=sum(self.count_tokens(text) for candidate in candidates[:1] for text in candidate.texts),
            prefill_ms=(first - started) * 1000,
            denoise_ms=(ended - first) * 1000,
            stopped=stopped,
        )
        return split.fill(fill)

    def close(self) -> None:
        """Close connections. The filler is of no use afterwards."""
        self._runner.run(self._writer.close())
        self._runner.close()

    async def _watched(self, request: FillRequest, progress: _Progress, cancelled: Cancelled) -> Stopped:
        """Fill while nobody minds; why it ended."""
        limit_s = request.budget.max_time_s
        end = None if limit_s is None else self._now() + limit_s
        work = asyncio.ensure_future(self._fill_all(request, progress, until=end))
        try:
            while not work.done():
                await asyncio.wait([work], timeout=LOOK_S if end is None else min(LOOK_S, end - self._now()))
                if cancelled():
                    return "cancelled"
                if end is not None and self._now() >= end and not work.done():
                    return "time"
            work.result()
            return "done"
        finally:
            work.cancel()  # closes the streams that are open
            await asyncio.wait([work])
            if not work.cancelled():
                work.exception()  # has been looked at: asyncio would log it otherwise
            await _nothing_left()

    async def _fill_all(self, request: FillRequest, progress: _Progress, *, until: float | None) -> None:
        """Every way side by side. Raises what went wrong if no way could be finished."""
        holes = len(request.template.holes)
        ways = progress.ways
        ways += [
            _Way(texts=[""] * holes, temperature=TEMPERATURE if k else 0.0, seed=request.seed + k)
            for k in range(request.candidates)
        ]
        at_once = self._writer.several and holes == 1
        groups = [ways[:1], ways[1:]] if at_once else [[way] for way in ways]
        jobs = [self._fill_group(request, progress, group, until=until) for group in groups if group]
        outcomes = await asyncio.gather(*jobs, return_exceptions=True)
        errors = [outcome for outcome in outcomes if outcome is not None]
        if errors and not progress.finished:
            raise errors[0]

    async def _fill_group(
        self, request: FillRequest, progress: _Progress, ways: Sequence[_Way], *, until: float | None
    ) -> None:
        """Fill the holes of one way in order; or the only hole of several ways at once."""
        template, (first, *_) = request.template, ways
        for h, hole in enumerate(template.holes):
            same = next((e for e in range(h) if hole.tie and template.holes[e].tie == hole.tie), None)
            for way in ways:
                way.at = h
                way.texts[h] = "" if same is None else way.texts[same]
            if same is not None:
                continue
            answer = ModelAnswer(hole)
            texts, pieces = first.texts, template.pieces
            middle = Middle(
                prefix="".join(piece + text for piece, text in zip(pieces, texts[:h], strict=False)) + pieces[h],
                suffix="".join(
                    text + piece for text, piece in zip(["", *texts[h + 1 :]], pieces[h + 1 :], strict=True)
                ),
                max_tokens=answer.max_tokens,
                stop=answer.stop,
                temperature=first.temperature,
                seed=first.seed,
                count=len(ways),
                old_text=hole.old_text if hole.strength < 1 else "",
                until=until,
            )
            await self._write(middle, answer, progress, ways)
        for way in ways:
            way.done = True

    async def _write(self, middle: Middle, answer: ModelAnswer, progress: _Progress, ways: Sequence[_Way]) -> None:
        """Write the hole that the ways have come to, until it is complete."""
        raw = [""] * len(ways)
        async with aclosing(self._writer.write(middle)) as pieces:
            async for piece in pieces:
                if not 0 <= piece.index < len(ways):
                    continue  # more than was asked for
                raw[piece.index] += piece.text
                way = ways[piece.index]
                way.texts[way.at] = answer.trimmed(raw[piece.index])
                progress.heard(way)
                if all(map(answer.is_complete, raw)):
                    break


async def _nothing_left() -> None:
    """When nothing but this runs on the loop any more.

    Generators that are let go before their end (those within an HTTP client's answer) are closed by the loop's next
    turns. Without these they would wait for the next fill, and a process that ends before it says that they do.
    """
    while True:
        await asyncio.sleep(0)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if not others:
            return
        await asyncio.wait(others)
