"""The stages of one request: draft, write or denoise, score, choose, and repair what is not accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from model.attempts import Attempt, acceptable, attempt_of, merged, ranked, with_scores, written_attempt
from model.beam import search
from model.canvas import Canvas, Decision
from model.denoiser import Prefilled, Spec
from model.drafting import Drafted, draft_rows, judged
from model.engine import Denoised, Draws, Meter, OnStep, Stopped, denoise, repeated
from model.events import beam_event, event_of, finished_event
from model.framing import Codec, Framed, TokenTable, rules_of
from model.holes.ties import ties_of
from model.proposal import Proposal
from model.ranking import Ranking, best_first
from model.repair import MOST_JUDGED, closed, fitting, mended, rework
from model.samplers import Sampler
from model.samplers.base import layer_of
from model.samplers.drawn import Drawn
from model.start import first_canvas, rewrites
from model.surroundings import Surroundings
from model.trace import Recorder
from model.types import Accepts, Cancelled, Candidate, FillRequest, OnEvent, Span

SPARE_ROWS = 2
"""Rows drawn beyond the candidates asked for, since some come out equal."""
SPARE_CANDIDATES = 3
"""Handed back beyond those asked for, since they are there: the caller may find the best ones unfit."""
TEMPERATURE = 0.8
SEED_STEP = 7919
"""Between the seeds of a request's own rows and of each round of repair."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the stages of one request share.

    table: what is known of every token. drafts: copies proposed at most; 0 leaves the network alone. content_if_sure:
    whether a draft that the network is sure of ends the request.
    """

    request: FillRequest
    codec: Codec
    spec: Spec
    table: TokenTable
    ranking: Ranking | None
    drafts: int
    content_if_sure: bool
    sampler: Sampler
    framed: Framed
    prefilled: Prefilled
    lengths: list[int]
    meter: Meter
    cancelled: Cancelled
    on_event: OnEvent | None
    recorder: Recorder | None
    judge: Accepts | None
    around: Sequence[Surroundings]


def repaired(job: Job, attempts: list[Attempt]) -> list[Attempt]:
    """The attempts; where none is accepted, also what can be made of them."""
    if job.judge is None:
        return attempts
    return mended(
        attempts,
        job.judge,
        order=partial(_order, job),
        again=partial(_decided_anew, job),
        score=partial(scored, job),
        close=partial(closed, framed=job.framed, codec=job.codec, spec=job.spec),
    )


def _order(job: Job, attempts: Sequence[Attempt]) -> list[int]:
    return best_first([attempt.features(None, job.around) for attempt in attempts], job.ranking)


def chosen(job: Job, attempts: list[Attempt]) -> tuple[Candidate, ...]:
    """The candidates, best first: what is accepted before what is not."""
    request, judged = job.request, job.judge
    limit = request.candidates + SPARE_CANDIDATES
    fits = fitting(attempts, request.template.holes)
    rank = partial(ranked, fits, job.around, parses=request.parses, ranking=job.ranking)
    found = rank(limit=limit)
    if judged is None or all(judged(c.texts) is None for c in found[: request.candidates]):
        return found
    return tuple(sorted(rank(limit=MOST_JUDGED), key=lambda c: judged(c.texts) is not None)[:limit])


def _decided_anew(job: Job, attempt: Attempt, spans: Sequence[Span], round_: int) -> list[Attempt]:
    """What comes of the attempt when `spans` of it are denoised anew; nothing when there is no time left."""
    if job.meter.spent or job.cancelled():
        return []
    rows = rework(
        attempt,
        spans,
        job.framed,
        job.codec,
        job.spec,
        sizes=[max(n, len(ids)) for n, ids in zip(job.lengths, attempt.ids, strict=True)],
        ties=ties_of(job.request.template.holes),
    )
    if job.recorder is not None:
        job.recorder.labels = ("repair",) * rows.canvas.rows
    seed = job.request.seed + SEED_STEP * (round_ + 1)
    done = _denoise_rows(job, rows.canvas, ended=rows.ended, temperature=rows.temperature, seed=seed)
    if done.stopped == "cancelled":
        return []
    made = [attempt_of(done.canvas, row, job.framed, job.codec) for row in range(done.canvas.rows)]
    kept = [replace(a, drafts=attempt.drafts, kept=min(attempt.kept, 0.5)) for a in made if a is not None]
    return scored(job, acceptable(merged(kept)))


def attempted(job: Job) -> tuple[list[Attempt], int, Stopped]:
    """(attempts, tokens committed, why it stopped): copied drafts and what the loop makes of masks and drafts."""
    drafted = _drafted(job)
    copied = list(drafted.attempts)
    if job.content_if_sure and drafted.sure and job.request.candidates == 1:
        if job.on_event is not None:
            job.on_event(finished_event(copied[0].texts, confidence=float(np.exp(copied[0].log_probs[0].mean()))))
        return copied[:1], sum(len(ids) for ids in copied[0].ids), "done"
    if job.cancelled():
        return [], 0, "cancelled"
    if _searches(job):
        written, tokens, stopped = _written(job)
        return acceptable(merged([*copied, *written])), tokens, stopped
    denoised = _denoised(job, drafted)
    if denoised.stopped == "cancelled":
        return [], denoised.tokens, "cancelled"
    own_rows = denoised.canvas.rows - len(drafted.origins)
    made = []
    for row in np.flatnonzero(denoised.canvas.used.any(axis=1)).tolist():
        attempt = attempt_of(denoised.canvas, row, job.framed, job.codec)
        if attempt is not None and row >= own_rows:
            attempt = replace(attempt, drafts=drafted.origins[row - own_rows], kept=0.5)
        elif attempt is not None:
            attempt = replace(attempt, written_rank=row)
        if attempt is not None:
            made.append(attempt)
    return acceptable(merged([*copied, *made])), denoised.tokens, denoised.stopped


def _searches(job: Job) -> bool:
    """Whether to write by left-to-right search: where the caller leaves the choice, and one hole is all there is."""
    free = job.request.sampler == "auto" and job.request.steps is None
    return free and job.spec.beam > 0 and job.framed.holes == 1 and job.request.template.holes[0].is_plain


def _written(job: Job) -> tuple[list[Attempt], int, Stopped]:
    spec, request, on_event = job.spec, job.request, job.on_event
    written, tokens, stopped = search(
        job.prefilled,
        request.template.holes[0],
        spec=spec,
        table=job.table,
        width=max(spec.beam, request.candidates),
        meter=job.meter,
        cancelled=job.cancelled,
        on_beam=None
        if on_event is None
        else lambda step, beam: on_event(beam_event(step, beam, framed=job.framed, codec=job.codec)),
    )
    attempts = [written_attempt(text, rank, job.framed, job.codec) for rank, text in enumerate(written)]
    return [attempt for attempt in attempts if attempt is not None], tokens, stopped


def _drafted(job: Job) -> Drafted:
    spec = job.spec
    if not spec.scores or any(hole.tie or rewrites(hole) for hole in job.request.template.holes):
        return Drafted()
    rows = draft_rows(
        job.request.template,
        job.framed,
        job.codec,
        spec,
        extra_context=job.request.extra_context,
        other_files=job.request.other_files,
        lengths=job.lengths,
        limit=job.drafts,
    )
    if not rows or job.cancelled():
        return Drafted()
    drafted = judged(rows, job.prefilled, job.framed, job.codec, spec)
    job.meter.count_pass()
    if job.recorder is not None:
        job.recorder.drafts = drafted.attempts
    return drafted


def _denoised(job: Job, drafted: Drafted) -> Denoised:
    """The batch of fresh masks (first row greedy, the others drawn) and of drafts under repair, decided."""
    spec, request = job.spec, job.request
    wanted = request.candidates + (SPARE_ROWS if request.candidates > 1 else 0)
    holes = request.template.holes
    start = partial(first_canvas, framed=job.framed, codec=job.codec, spec=spec, prefilled=job.prefilled)
    fresh, passes = start(holes, job.lengths, rows=wanted)
    for _ in range(passes):
        job.meter.count_pass()
    repaired = drafted.repaired
    canvas = fresh if repaired is None else Canvas.stack([fresh, repaired])
    drawn = layer_of(job.sampler, Drawn)
    temperature = np.full(canvas.rows, drawn.temperature if drawn else 0, dtype=np.float32)
    if drawn is None:
        temperature[1:wanted] = TEMPERATURE
    ended = np.zeros((canvas.rows, job.framed.holes), dtype=bool)
    ended[wanted:] = True  # a draft ends where its source did
    ended[:, [h for h, hole in enumerate(holes) if hole.length_tokens is not None]] = True
    if job.recorder is not None:
        others = (f"drawn {n + 1}" for n in range(wanted - 1))
        job.recorder.labels = ("from masks", *others, *(["draft, repaired"] * (canvas.rows - wanted)))
    return _denoise_rows(job, canvas, ended=ended, temperature=temperature, seed=request.seed)


def _denoise_rows(
    job: Job, canvas: Canvas, *, ended: NDArray[np.bool_], temperature: NDArray[np.float32], seed: int
) -> Denoised:
    spec, drawn = job.spec, layer_of(job.sampler, Drawn)
    return denoise(
        job.prefilled,
        canvas,
        sampler=job.sampler,
        rules=rules_of(job.request.template, job.table, spec, framed=job.framed, codec=job.codec),
        canvas_tokens=spec.canvas_tokens,
        ended=ended,
        draws=Draws(temperature=temperature, seed=seed, top_p=drawn.top_p if drawn else 1.0),
        meter=job.meter,
        cancelled=job.cancelled,
        on_step=_on_step(job),
        hopeless=partial(repeated, ended=ended, temperature=temperature),
    )


def _on_step(job: Job) -> OnStep | None:
    """Who is told of each step: the trace, and whoever looks on."""
    recorder, on_event = job.recorder, job.on_event
    if on_event is None:
        return recorder.on_step if recorder else None
    show = partial(event_of, framed=job.framed, codec=job.codec)

    def told(step: int, canvas: Canvas, proposal: Proposal, decision: Decision) -> None:
        if recorder is not None:
            recorder.on_step(step, canvas, proposal, decision)
        on_event(replace(show(step, canvas, proposal, decision), forward_passes=job.meter.passes))

    return told


def scored(job: Job, attempts: list[Attempt]) -> list[Attempt]:
    """The attempts with comparable scores, if the budget has room for the pass that this takes."""
    if job.meter.spent or not job.spec.scores or all(attempt.scored for attempt in attempts):
        return attempts
    scored = with_scores(attempts, job.prefilled, mask_id=job.spec.mask_id)
    job.meter.count_pass()
    return scored
