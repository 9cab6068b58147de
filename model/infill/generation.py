"""The stages of one request: draft, write or denoise, score, choose, and repair what is not accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from model.backend import CachedContext, LooksAhead, ModelSpec
from model.canvas import Canvas, Decision
from model.infill.budget import BudgetMeter, Stopped, SubBudget
from model.infill.decoding.beam import Search
from model.infill.decoding.beam_texts import BeamHypothesis
from model.infill.decoding.constraints import Proposal, constraints_of
from model.infill.decoding.demands import demand_of
from model.infill.decoding.diffusion import Denoised, Draws, OnStep, denoise, repeated
from model.infill.decoding.enclosure import enclosure_of
from model.infill.decoding.pruning import StragglerPruning
from model.infill.decoding.repeated_suffix import repeated_suffix_of
from model.infill.decoding.samplers import Sampler
from model.infill.decoding.samplers.base import layer_of
from model.infill.decoding.samplers.drawn import Drawn
from model.infill.decoding.start import first_canvas, rewrites
from model.infill.drafting import Drafted, DraftRow, draft_rows, judged, worth_scoring
from model.infill.encoding import Codec, EncodedPrompt, TokenTable
from model.infill.hypothesis import Hypothesis, acceptable, beam_hypothesis, hypothesis_of, merged
from model.infill.rerank.nearby_text import NearbyText
from model.infill.rerank.ranking import Ranking
from model.infill.trace.events import beam_event, event_of, finished_event
from model.infill.trace.recorder import Recorder
from model.types import TEMPERATURE, Accepts, Budget, Cancelled, FillRequest, OnEvent

SPARE_ROWS = 2
"""Rows drawn beyond the candidates asked for, since some come out equal."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the stages of one request share.

    table: what is known of every token. drafts: copies proposed at most; 0 leaves the network alone.
    """

    request: FillRequest
    codec: Codec
    spec: ModelSpec
    table: TokenTable
    ranking: Ranking | None
    drafts: int
    sampler: Sampler
    encoded: EncodedPrompt
    cached: CachedContext
    lengths: list[int]
    meter: BudgetMeter
    cancelled: Cancelled
    on_event: OnEvent | None
    recorder: Recorder | None
    judge: Accepts | None
    around: Sequence[NearbyText]


@dataclass(frozen=True, kw_only=True, eq=False)
class Generated:
    """What there is to compare; the number of tokens committed; why it stopped; the search that can be taken up again."""

    hypotheses: list[Hypothesis]
    tokens: int
    stopped: Stopped
    search: Search | None = None


def generate(job: Job) -> Generated:
    """Copied drafts and what the network makes of masks and drafts."""
    rows = _draft_rows(job)
    looks_ahead = isinstance(job.cached, LooksAhead)
    # Where a row more of a pass costs time, the best draft alone is scored first; it may do.
    drafted = _drafted(job, rows[:1] if looks_ahead else rows)
    copied = list(drafted.hypotheses)
    if drafted.sure and job.request.candidates == 1 and (job.judge is None or job.judge(copied[0].texts) is None):
        # The network would have written it: so it counts as a search's first text, which it need not be asked for.
        agreed = replace(copied[0], written_rank=0, sources=copied[0].sources + 1)
        if job.on_event is not None:
            job.on_event(finished_event(agreed.texts, confidence=float(np.exp(agreed.log_probs[0].mean()))))
        return Generated(hypotheses=[agreed], tokens=sum(len(ids) for ids in agreed.ids), stopped="done")
    if job.cancelled():
        return Generated(hypotheses=[], tokens=0, stopped="cancelled")
    if _searches(job):
        if isinstance(job.cached, LooksAhead):
            job.cached.guess([row.ids[0] for row in rows])
        search = _search(job)
        written, stopped = search.run()
        if looks_ahead and not job.meter.spent:
            scored = worth_scoring(rows[1:], written, job.cached, mask_id=job.spec.mask_id)
            copied += _drafted(job, scored).hypotheses
        hypotheses = acceptable(merged([*copied, *as_hypotheses(job, written)]))
        return Generated(hypotheses=hypotheses, tokens=search.tokens, stopped=stopped, search=search)
    denoised = _denoised(job, drafted)
    if denoised.stopped == "cancelled":
        return Generated(hypotheses=[], tokens=denoised.tokens, stopped="cancelled")
    own_rows = denoised.canvas.rows - len(drafted.origins)
    made = []
    for row in np.flatnonzero(denoised.canvas.used.any(axis=1)).tolist():
        hypothesis = hypothesis_of(denoised.canvas, row, job.encoded, job.codec)
        if hypothesis is not None and row >= own_rows:
            hypothesis = replace(hypothesis, drafts=drafted.origins[row - own_rows], kept=0.5)
        elif hypothesis is not None:
            hypothesis = replace(hypothesis, written_rank=row)
        if hypothesis is not None:
            made.append(hypothesis)
    hypotheses = acceptable(merged([*copied, *made]))
    return Generated(hypotheses=hypotheses, tokens=denoised.tokens, stopped=denoised.stopped)


def _searches(job: Job) -> bool:
    """Whether to write by left-to-right search: where the caller leaves the choice, and one hole is all there is.

    A network that does not denoise has no other way, whatever the hole demands.
    """
    free = job.request.sampler == "auto" and job.request.steps is None
    able = job.request.template.holes[0].is_plain or not job.spec.capabilities.denoises
    return free and job.spec.capabilities.beam > 0 and job.encoded.holes == 1 and able


def _search(job: Job) -> Search:
    spec, request, on_event = job.spec, job.request, job.on_event
    return Search(
        job.cached,
        request.template.holes[0],
        spec=spec,
        table=job.table,
        width=max(spec.capabilities.beam, request.candidates),
        wanted=request.candidates,
        meter=job.meter,
        cancelled=job.cancelled,
        margin_nats=spec.capabilities.margin_nats,
        demand=demand_of(request.template.holes[0], job.encoded, job.codec),
        enclosure=enclosure_of(job.encoded, job.codec),
        suffix=repeated_suffix_of(job.encoded, job.codec),
        start=job.encoded.context.starts_with[0],
        on_beam=None
        if on_event is None
        else lambda step, beam: on_event(beam_event(step, beam, encoded=job.encoded, codec=job.codec)),
    )


def as_hypotheses(job: Job, written: Sequence[BeamHypothesis]) -> list[Hypothesis]:
    hypotheses = [beam_hypothesis(text, rank, job.encoded, job.codec) for rank, text in enumerate(written)]
    return [hypothesis for hypothesis in hypotheses if hypothesis is not None]


def _draft_rows(job: Job) -> list[DraftRow]:
    spec = job.spec
    if not spec.capabilities.scores or any(hole.tie or rewrites(hole) for hole in job.request.template.holes):
        return []
    return draft_rows(
        job.request.template,
        job.encoded,
        job.codec,
        spec,
        extra_context=job.request.extra_context,
        other_files=job.request.other_files,
        lengths=job.lengths,
        limit=job.drafts,
    )


def _drafted(job: Job, rows: Sequence[DraftRow]) -> Drafted:
    if not rows or job.cancelled():
        return Drafted()
    drafted = judged(rows, job.cached, job.encoded, job.codec, job.spec, repairs=not _searches(job))
    job.meter.count_pass()
    if job.recorder is not None:
        job.recorder.drafts = (*job.recorder.drafts, *drafted.hypotheses)
    return drafted


def _denoised(job: Job, drafted: Drafted) -> Denoised:
    """The batch of fresh masks (first row greedy, the others drawn) and of drafts under repair, decided."""
    spec, request = job.spec, job.request
    wanted = request.candidates + (SPARE_ROWS if request.candidates > 1 else 0)
    holes = request.template.holes
    start = partial(first_canvas, encoded=job.encoded, codec=job.codec, spec=spec, cached=job.cached)
    fresh, passes = start(holes, job.lengths, rows=wanted)
    for _ in range(passes):
        job.meter.count_pass()
    repaired = drafted.repaired
    canvas = fresh if repaired is None else Canvas.stack([fresh, repaired])
    drawn = layer_of(job.sampler, Drawn)
    temperature = np.full(canvas.rows, drawn.temperature if drawn else 0, dtype=np.float32)
    if drawn is None:
        temperature[1:wanted] = TEMPERATURE
    ended = np.zeros((canvas.rows, job.encoded.holes), dtype=bool)
    ended[wanted:] = True  # a draft ends where its source did
    ended[:, [h for h, hole in enumerate(holes) if hole.length_tokens is not None]] = True
    if job.recorder is not None:
        others = (f"drawn {n + 1}" for n in range(wanted - 1))
        job.recorder.labels = ("from masks", *others, *(["draft, repaired"] * (canvas.rows - wanted)))
    return denoised_rows(job, canvas, ended=ended, temperature=temperature, seed=request.seed)


def denoised_rows(
    job: Job,
    canvas: Canvas,
    *,
    ended: NDArray[np.bool_],
    temperature: NDArray[np.float32],
    seed: int,
    passes: int | None = None,
) -> Denoised:
    """The rows decided, as many of them as are worth it, in at most so many forward passes."""
    spec, drawn = job.spec, layer_of(job.sampler, Drawn)
    late = StragglerPruning(temperature=temperature, wanted=job.request.candidates)
    meter = job.meter
    if passes is not None:
        meter = SubBudget(budget=Budget(max_forward_passes=passes), clock=meter.clock, whole=meter)
    return denoise(
        job.cached,
        canvas,
        sampler=job.sampler,
        constraints=constraints_of(job.request.template, job.table, spec, encoded=job.encoded, codec=job.codec),
        canvas_tokens=spec.canvas_tokens,
        ended=ended,
        draws=Draws(temperature=temperature, seed=seed, top_p=drawn.top_p if drawn else 1.0),
        meter=meter,
        cancelled=job.cancelled,
        on_step=_on_step(job),
        hopeless=lambda canvas: repeated(canvas, ended=ended, temperature=temperature) | late(canvas),
    )


def _on_step(job: Job) -> OnStep | None:
    """Return what tells the trace and the caller of each step; None if nobody listens."""
    recorder, on_event = job.recorder, job.on_event
    if on_event is None:
        return recorder.on_step if recorder else None
    show = partial(event_of, encoded=job.encoded, codec=job.codec)

    def told(step: int, canvas: Canvas, proposal: Proposal, decision: Decision) -> None:
        if recorder is not None:
            recorder.on_step(step, canvas, proposal, decision)
        on_event(replace(show(step, canvas, proposal, decision), forward_passes=job.meter.passes))

    return told
