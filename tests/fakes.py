"""A Filler without a network: known texts come back, slowly if need be.

For everything around the model (pipeline, command line, server): it obeys `cancelled` and the budget
as a real one does, emits an event per step, and remembers what it was asked.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from model.types import (
    Cancelled,
    Candidate,
    Doubt,
    DraftToken,
    Fill,
    FillerInfo,
    FillEvent,
    FillRequest,
    OnEvent,
    Template,
)

_TOKEN = re.compile(r"\w+|\n|[ \t]+|[^\w\s]|\s")


@dataclass
class FakeFiller:
    """Fills hole h with `texts[h]` (the last text goes on for further holes; no texts: no candidate).

    `others` are the texts of further candidates, in order, given when the request asks for several.
    A fill takes `steps` denoise steps of `step_s` seconds each. Its budget is counted in these, not by a clock: a
    machine that is slow ends no fill early. `requests` and `stopped` grow by one entry per call, `steps_done` per
    step: what tests look at. `improbable`: words that it doubts, and what it would rather read; `looked_at`: the texts
    that it was asked about.
    """

    texts: Sequence[str]
    others: Sequence[Sequence[str]] = ()
    steps: int = 3
    step_s: float = 0.0
    confidence: float = 0.9
    context_tokens: int = 1024
    reads_other_files: bool = True
    improbable: Mapping[str, str] = field(default_factory=dict)
    looked_at: list[str] = field(default_factory=list)
    requests: list[FillRequest] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    steps_done: int = 0

    @property
    def info(self) -> FillerInfo:
        return FillerInfo(
            name="fake",
            device="cpu",
            context_tokens=self.context_tokens,
            reads_other_files=self.reads_other_files,
        )

    def count_tokens(self, text: str) -> int:
        return sum(1 for _ in _TOKEN.finditer(text))

    def doubts(
        self, template: Template, *, wanted: Sequence[tuple[int, int]], cancelled: Cancelled = lambda: False
    ) -> tuple[Doubt, ...] | None:
        """The improbable words of the text, as far as they may be doubted."""
        if cancelled():
            return None
        (hole,) = template.holes
        self.looked_at.append(hole.old_text)
        return tuple(
            Doubt(start=start, end=end, instead=self.improbable[hole.old_text[start:end]], probability=0.01, nats=5.0)
            for start, end in wanted
            if hole.old_text[start:end] in self.improbable
        )

    def fill(
        self,
        request: FillRequest,
        *,
        cancelled: Cancelled = lambda: False,
        on_event: OnEvent | None = None,
    ) -> Fill:
        """The texts, after `steps` steps; nothing when cancelled; when time is up, what there is."""
        self.requests.append(request)
        started = time.perf_counter()
        texts = self._texts(self.texts, request)
        stopped, taken = "done", 0
        for step in range(1, self.steps + 1):
            if cancelled():
                stopped = "cancelled"
                break
            taken = step
            if self.step_s:
                time.sleep(self.step_s)
            self.steps_done += 1
            if on_event is not None and texts:
                on_event(FillEvent(step=step, holes=self._drafts(texts, step), forward_passes=step))
            if request.budget.max_time_s is not None and step * self.step_s >= request.budget.max_time_s:
                stopped = "time"
                break
            if step == request.budget.max_forward_passes and step < self.steps:
                stopped = "steps"
                break
        self.stopped.append(stopped)
        candidates = () if stopped == "cancelled" else self._candidates(request)
        return Fill(
            candidates=candidates,
            forward_passes=taken,
            tokens=sum(self.count_tokens(t) for c in candidates[:1] for t in c.texts),
            prefill_ms=0.0,
            denoise_ms=(time.perf_counter() - started) * 1000,
            stopped=stopped,  # type: ignore[arg-type]
        )

    def _candidates(self, request: FillRequest) -> tuple[Candidate, ...]:
        wanted = [self.texts, *self.others][: request.candidates]
        filled = [self._texts(texts, request) for texts in wanted]
        return tuple(
            Candidate(
                texts=texts,
                confidences=(self.confidence,) * len(texts),
                confidence=self.confidence * 0.9**place,
                parses=request.parses(texts) if request.parses is not None else None,
            )
            for place, texts in enumerate(filled)
            if texts
        )

    @staticmethod
    def _texts(texts: Sequence[str], request: FillRequest) -> tuple[str, ...]:
        if not texts:
            return ()
        holes = len(request.template.holes)
        return tuple(texts[min(h, len(texts) - 1)] for h in range(holes))

    def _drafts(self, texts: tuple[str, ...], step: int) -> tuple[tuple[DraftToken, ...], ...]:
        share = step / self.steps
        return tuple(
            tuple(
                DraftToken(text=token, confidence=share, open=place >= share * len(tokens))
                for place, token in enumerate(tokens)
            )
            for tokens in (_TOKEN.findall(text) for text in texts)
        )
