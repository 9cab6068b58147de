"""The desk: asks come in, one at a time goes to each filler, and what nobody waits for any more is dropped.

Everything but the filling runs on the event loop's thread. A newer ask of the same user and document with another text
takes the older one's place; an equal one shares its answer. An ask that would wait too long is refused at once, so that
those who are answered are answered in time.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeAlias

from lsp_server.errors import InputError, place_of
from lsp_server.serve.ask import Answer, Ask
from lsp_server.serve.desk.answers import Answers
from lsp_server.serve.desk.idle import Idle
from lsp_server.serve.desk.queue import Queue, QueuedFill
from lsp_server.serve.desk.watch import Watch
from lsp_server.serve.fills import answer_of
from model.errors import ModelError
from model.types import Filler, FillerInfo, FillEvent, OnEvent

Open: TypeAlias = Callable[[], Filler]

_FIRST_FILL_S = 0.2
"""What a fill is taken to last before one was measured."""
_MEMORY_OF_FILLS = 0.1


class Busy(Exception):
    """The queue is full, or as good as: try again in `retry_after_s`."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many requests are waiting: try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class Failed(Exception):
    """The model failed where nobody expected it; the message names the place in our code, never a text."""


@dataclass(frozen=True, kw_only=True)
class QueueBounds:
    """queue: the most asks that wait. wait_s: an ask that would wait longer, by the mean of late, is refused."""

    queue: int = 128
    wait_s: float = 3.0


class Desk:
    """Fills asks with the fillers that `openers` open, one thread for each."""

    def __init__(
        self,
        openers: Sequence[Open],
        *,
        bounds: QueueBounds = QueueBounds(),
        watch: Watch | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.bounds, self.watch, self._clock = bounds, watch or Watch(), clock
        self._openers = tuple(openers)
        self._threads = [ThreadPoolExecutor(1, thread_name_prefix=f"fill-{n}") for n in range(len(self._openers))]
        self._idle = Idle()
        self._queue, self._answers = Queue(), Answers()
        self._jobs: dict[tuple[str, bytes], QueuedFill] = {}
        self._places: dict[tuple[str, str], QueuedFill] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._loading: asyncio.Task[None] | None = None
        self._mean_s = _FIRST_FILL_S
        self.info: FillerInfo | None = None
        self.failure = ""

    @property
    def models(self) -> tuple[str, ...]:
        """What clients may call the model."""
        return (self.info.name,) if self.info else ()

    @property
    def queued(self) -> int:
        return len(self._queue)

    @property
    def filling(self) -> int:
        return len(self._running)

    @property
    def kept_answers(self) -> int:
        return len(self._answers)

    def expected_wait_s(self) -> float:
        """How long an ask that came now would wait for its turn."""
        return (self.queued + self.filling) * self._mean_s / len(self._openers) if not self._idle else 0.0

    async def load(self) -> None:
        """Open the fillers; returns once they are there. Raises ModelError."""
        if self._loading is None:
            self._loading = asyncio.ensure_future(self._open())
        await asyncio.shield(self._loading)

    async def fill(self, ask: Ask, *, on_event: OnEvent | None = None) -> Answer:
        """The answer to an ask. Cancelling the caller stops the work once nobody else wants it.

        Raises Busy, InputError, ModelError, Failed.
        """
        await self.load()
        began = self._clock()
        digest = ask.digest()
        key = (ask.user, digest)
        kept = self._answers.find(key)
        if kept is not None:
            self.watch.counted("cached")
            return kept
        job = self._jobs.get(key)
        if job is None:
            job = self._entered(ask, digest)
        if on_event is not None:
            job.listeners.append(on_event)
        job.waiting += 1
        try:
            answer = await asyncio.shield(job.answer)
        finally:
            job.waiting -= 1
            if not job.waiting and not job.answer.done():
                self._leave(job, "cancelled")
        total_ms = 1000 * (self._clock() - began)
        if answer.outcome not in ("superseded", "cancelled"):
            self.watch.took(total_ms)
        return replace(answer, total_ms=total_ms)

    def close(self) -> None:
        """Stop everything; does not wait for the step that is running."""
        for job in list(self._jobs.values()):
            self._leave(job, "cancelled")
        for thread in self._threads:
            thread.shutdown(wait=False, cancel_futures=True)

    def _entered(self, ask: Ask, digest: bytes) -> QueuedFill:
        """A new job in the queue. Raises Busy."""
        text = ask.text_digest()
        older = self._places.get(ask.place) if ask.document else None
        if older is not None and older.text != text:
            older.superseded = True
            self._leave(older, "superseded")
        wait_s = self.expected_wait_s()
        if self.queued >= self.bounds.queue or wait_s > self.bounds.wait_s:
            self.watch.counted("refused")
            raise Busy(max(1, math.ceil(wait_s)))
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda f: None if f.cancelled() else f.exception())  # nobody may be left to ask for it
        job = QueuedFill(ask=ask, digest=digest, text=text, since=self._clock(), answer=future)
        self._jobs[ask.user, digest] = job
        if ask.document:
            self._places[ask.place] = job
        self._queue.put(job)
        self._start_next()
        return job

    def _leave(self, job: QueuedFill, outcome: str) -> None:
        """Nobody wants the job's answer any more: stop it, and answer who may still listen."""
        job.stop.set()
        self._queue.drop(job)
        self._forget(job)
        if not job.answer.done():
            self.watch.counted(outcome)
            reason = "a newer request for this document took its place" if outcome == "superseded" else "cancelled"
            info = self.info
            job.answer.set_result(
                Answer(
                    outcome="superseded" if outcome == "superseded" else "cancelled",
                    reason=reason,
                    model=info.name if info else "",
                    device=info.device if info else "",
                )
            )

    def _forget(self, job: QueuedFill) -> None:
        if self._jobs.get((job.ask.user, job.digest)) is job:
            del self._jobs[job.ask.user, job.digest]
        if self._places.get(job.ask.place) is job:
            del self._places[job.ask.place]

    def _start_next(self) -> None:
        while self._idle and (job := self._queue.take()) is not None:
            if self._clock() - job.since > self.bounds.wait_s:  # fills have become slower than they were
                self._forget(job)
                self.watch.counted("refused")
                job.answer.set_exception(Busy(max(1, math.ceil(self.expected_wait_s()))))
                continue
            filler, thread = self._idle.take(job.ask.place)
            job.running = True
            task = asyncio.ensure_future(self._run(job, filler, thread))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, job: QueuedFill, filler: Filler, thread: ThreadPoolExecutor) -> None:
        began = self._clock()
        queue_ms = 1000 * (began - job.since)
        self.watch.queued(queue_ms)

        def work() -> Answer:
            return answer_of(job.ask, filler, cancelled=job.stop.is_set, on_event=job.tell if job.listeners else None)

        try:
            answer = await asyncio.get_running_loop().run_in_executor(thread, work)
        except (InputError, ModelError) as error:
            self._settle(job, error)
        except Exception as error:  # noqa: BLE001  a defect of one request is no reason to stop serving others
            self._settle(job, Failed(f"the model failed ({place_of(error)}): try again"))
        else:
            if not job.stop.is_set():
                spent_s = self._clock() - began
                self._mean_s += _MEMORY_OF_FILLS * (spent_s - self._mean_s)
                if answer.outcome in ("done", "steps"):
                    self._answers.put((job.ask.user, job.digest), answer)
                self.watch.filled(answer)
            self._settle(job, replace(answer, queue_ms=queue_ms))
        finally:
            self._forget(job)
            self._idle.put((filler, thread))
            self._start_next()

    def _settle(self, job: QueuedFill, outcome: Answer | Exception) -> None:
        if job.answer.done():
            return
        if isinstance(outcome, Exception):
            self.watch.counted("failed" if isinstance(outcome, Failed) else "rejected")
            job.answer.set_exception(outcome)
        else:
            job.answer.set_result(outcome)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            for opener, thread in zip(self._openers, self._threads, strict=True):
                filler = await loop.run_in_executor(thread, opener)
                self.info = filler.info
                self._idle.put((filler, thread))
        except ModelError as error:
            self.failure = str(error)
            raise
        except Exception as error:
            self.failure = f"the model could not be loaded ({place_of(error)})"
            raise ModelError(self.failure) from error


def on_loop(loop: asyncio.AbstractEventLoop, call: Callable[[FillEvent], None]) -> OnEvent:
    """Hand events of the filling thread to `call` on the loop's; those that come when the loop is gone are lost."""

    def tell(event: FillEvent) -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(call, event)

    return tell
