"""Text in, text out with a local network: frame, prefill, draft, denoise, score, rank."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from model.attempts import Attempt, acceptable, attempt_of, merged, ranked, with_scores
from model.canvas import Canvas
from model.denoiser import Denoiser, Prefilled
from model.drafting import Drafted, draft_rows, judged
from model.engine import Clock, Denoised, Draws, Meter, Stopped, denoise
from model.errors import BadRequest
from model.events import event_of, finished_event
from model.framing import Codec, Framed, frame, rules_of, token_table
from model.ranking import Weights
from model.samplers import Sampler, sampler
from model.samplers.length import closed, first_lengths
from model.types import Cancelled, Candidate, Fill, FillerInfo, FillRequest, OnEvent

DRAFTS = 4
"""Copies proposed per request; 0 leaves the network alone (to measure it)."""
SPARE_ROWS = 2
"""Rows drawn beyond the candidates asked for, since some come out equal."""
SPARE_CANDIDATES = 3
"""Handed back beyond those asked for, since they are there: the caller may find the best ones unfit."""
MOST_CANDIDATES = 32
TEMPERATURE = 0.8


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What the stages of one request share."""

    request: FillRequest
    sampler: Sampler
    framed: Framed
    prefilled: Prefilled
    lengths: list[int]
    meter: Meter
    cancelled: Cancelled
    on_event: OnEvent | None


class LocalFiller:
    """A `Filler` over one network. It keeps the context cache of the last request, for the next to reuse."""

    def __init__(
        self,
        denoiser: Denoiser,
        codec: Codec,
        *,
        name: str,
        device: str,
        weights: Weights | None = None,
        drafts: int = DRAFTS,
        clock: Clock = time.monotonic,
        on_attempts: Callable[[list[Attempt]], None] | None = None,
        sure: bool = True,
    ) -> None:
        self._denoiser, self._codec = denoiser, codec
        self._name, self._device = name, device
        self._weights, self._clock, self._drafts = weights, clock, drafts
        self._on_attempts, self._sure = on_attempts, sure
        self._table = token_table(codec, vocab_size=denoiser.spec.vocab_size)
        self._prefilled: Prefilled | None = None

    @property
    def info(self) -> FillerInfo:
        return FillerInfo(name=self._name, device=self._device, context_tokens=self._denoiser.spec.context_tokens)

    def count_tokens(self, text: str) -> int:
        return self._codec.count(text)

    def fill(
        self, request: FillRequest, *, cancelled: Cancelled = lambda: False, on_event: OnEvent | None = None
    ) -> Fill:
        """See `Filler.fill`."""
        spec, template = self._denoiser.spec, request.template
        if not 1 <= request.candidates <= MOST_CANDIDATES:
            raise BadRequest(f"{request.candidates} candidates: ask for 1 to {MOST_CANDIDATES}")
        chosen = sampler(request.sampler, steps=request.steps)
        lengths = first_lengths(
            template.holes,
            canvas_tokens=spec.canvas_tokens,
            count=self._codec.count,
            final_slot=spec.end_of_hole_id is not None,
        )
        meter = Meter(budget=request.budget, clock=self._clock)
        framed = frame(template, self._codec, context_tokens=spec.context_tokens)
        if cancelled():
            return self._finished((), meter, prefill_ms=0.0, started=self._clock(), tokens=0, stopped="cancelled")
        started = self._clock()
        prefilled = self._prefilled = self._denoiser.prefill(framed.context, reuse=self._prefilled)
        prefill_ms = 1000 * (self._clock() - started)
        job = _Job(
            request=request,
            sampler=chosen,
            framed=framed,
            prefilled=prefilled,
            lengths=lengths,
            meter=meter,
            cancelled=cancelled,
            on_event=on_event,
        )
        started = self._clock()
        attempts, tokens, stopped = self._attempts(job)
        if stopped != "cancelled" and not cancelled():
            attempts = self._scored(job, attempts)
        else:
            attempts, stopped = [], "cancelled"
        if self._on_attempts is not None:  # to fit the ranking on what there was to choose from
            self._on_attempts(attempts)
        return self._finished(
            ranked(attempts, parses=request.parses, weights=self._weights, limit=request.candidates + SPARE_CANDIDATES),
            meter,
            prefill_ms=prefill_ms,
            started=started,
            tokens=tokens,
            stopped=stopped,
        )

    def _attempts(self, job: _Job) -> tuple[list[Attempt], int, Stopped]:
        """(attempts, tokens committed, why it stopped): copied drafts and what the loop makes of masks and drafts."""
        drafted = self._drafted(job)
        copied = list(drafted.attempts)
        if self._sure and drafted.sure and job.request.candidates == 1:
            if job.on_event is not None:
                job.on_event(finished_event(copied[0].texts, confidence=float(np.exp(copied[0].log_probs[0].mean()))))
            return copied[:1], sum(len(ids) for ids in copied[0].ids), "done"
        if job.cancelled():
            return [], 0, "cancelled"
        denoised = self._denoised(job, drafted)
        if denoised.stopped == "cancelled":
            return [], denoised.tokens, "cancelled"
        own_rows = denoised.canvas.rows - len(drafted.origins)
        made = []
        for row in range(denoised.canvas.rows):
            attempt = attempt_of(denoised.canvas, row, job.framed, self._codec)
            if attempt is not None and row >= own_rows:
                attempt = replace(attempt, drafts=drafted.origins[row - own_rows], kept=0.5)
            if attempt is not None:
                made.append(attempt)
        return acceptable(merged([*copied, *made])), denoised.tokens, denoised.stopped

    def _drafted(self, job: _Job) -> Drafted:
        spec = self._denoiser.spec
        rows = draft_rows(
            job.request.template,
            job.framed,
            self._codec,
            spec,
            extra_context=job.request.extra_context,
            lengths=job.lengths,
            limit=self._drafts,
        )
        if not rows or job.cancelled():
            return Drafted()
        drafted = judged(rows, job.prefilled, job.framed, self._codec, spec)
        job.meter.count_pass()
        return drafted

    def _denoised(self, job: _Job, drafted: Drafted) -> Denoised:
        """The batch of fresh masks (first row greedy, the others drawn) and of drafts under repair, decided."""
        spec, request = self._denoiser.spec, job.request
        wanted = request.candidates + (SPARE_ROWS if request.candidates > 1 else 0)
        masks = Canvas.masked(job.lengths, mask_id=spec.mask_id, rows=wanted)
        fixed = [h for h, hole in enumerate(request.template.holes) if hole.length_tokens is not None]
        fresh = closed(masks, fixed, spec.end_of_hole_id)
        repaired = drafted.repaired
        canvas = fresh if repaired is None else Canvas.stack([fresh, repaired])
        temperature = np.zeros(canvas.rows, dtype=np.float32)
        temperature[1:wanted] = TEMPERATURE
        ended = np.zeros((canvas.rows, job.framed.holes), dtype=bool)
        ended[wanted:] = True  # a draft ends where its source did
        ended[:, fixed] = True
        show = partial(event_of, framed=job.framed, codec=self._codec)
        on_event = job.on_event
        return denoise(
            job.prefilled,
            canvas,
            sampler=job.sampler,
            rules=rules_of(request.template, self._table, spec),
            canvas_tokens=spec.canvas_tokens,
            ended=ended,
            draws=Draws(temperature=temperature, seed=request.seed),
            meter=job.meter,
            cancelled=job.cancelled,
            on_step=None if on_event is None else lambda *step: on_event(show(*step)),
        )

    def _scored(self, job: _Job, attempts: list[Attempt]) -> list[Attempt]:
        """The attempts with comparable scores, if the budget has room for the pass that this takes."""
        if job.meter.spent or all(attempt.scored for attempt in attempts):
            return attempts
        scored = with_scores(attempts, job.prefilled, mask_id=self._denoiser.spec.mask_id)
        job.meter.count_pass()
        return scored

    def _finished(
        self,
        candidates: tuple[Candidate, ...],
        meter: Meter,
        *,
        prefill_ms: float,
        started: float,
        tokens: int,
        stopped: Stopped,
    ) -> Fill:
        return Fill(
            candidates=candidates,
            forward_passes=meter.passes,
            tokens=tokens,
            prefill_ms=prefill_ms,
            denoise_ms=1000 * (self._clock() - started),
            stopped=stopped,
        )
