"""What of the hypotheses is handed back: scored, searched on for or repaired where none is accepted, ranked."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.infill.brackets import shape
from model.infill.decoding.beam import Search
from model.infill.decoding.beam_texts import BeamHypothesis
from model.infill.generation import Job, as_hypotheses, denoised_rows
from model.infill.holes.ties import ties_of
from model.infill.hypothesis import Hypothesis, acceptable, beam_hypothesis, hypothesis_of, merged, ranked, with_scores
from model.infill.repair import MOST_JUDGED, closed, fitting, mended, rework
from model.infill.rerank.ranking import best_first
from model.types import Candidate, Mending, Span

SPARE_CANDIDATES = 3
"""Handed back beyond those asked for, since they are there: the caller may find the best ones unfit."""
SEARCHED_ON: Final[Mapping[Mending, tuple[int, int]]] = MappingProxyType({"searching": (16, 48), "all": (32, 160)})
"""Forward passes at most for a text that is accepted, when nothing at hand is, and texts that are judged for it."""
DECIDED_ANEW = 24
"""Forward passes of a round of repair at most; what is open then is decided as it stands."""
SEED_STEP = 7919
"""Between the seeds of a request's own rows and of each round of repair."""


def repaired(job: Job, hypotheses: list[Hypothesis], search: Search | None) -> list[Hypothesis]:
    """The hypotheses; where none is accepted, also what the search finds further on, or what can be made of them.

    To add missing brackets costs no more than to judge the texts, so that is done in any case; a short search comes after
    it, a long one before: it finds better texts than brackets make.
    """
    if job.judge is None:
        return hypotheses
    mend = job.request.mend
    if (
        mend == "all"
        and search is not None
        and not any(job.judge(hypotheses[i].texts) is None for i in _order(job, hypotheses)[:MOST_JUDGED])
    ):
        hypotheses = merged([*hypotheses, *_searched_on(job, search)])

    def again(hypothesis: Hypothesis, spans: Sequence[Span], round_: int) -> list[Hypothesis]:
        if mend == "all":
            return _decided_anew(job, hypothesis, spans, round_)
        return _searched_on(job, search) if mend == "searching" and search is not None and not round_ else []

    return mended(
        hypotheses,
        job.judge,
        order=partial(_order, job),
        again=again,
        score=partial(scored, job),
        close=partial(closed, encoded=job.encoded, codec=job.codec, spec=job.spec),
    )


def _order(job: Job, hypotheses: Sequence[Hypothesis]) -> list[int]:
    return best_first([hypothesis.features(None, job.around) for hypothesis in hypotheses], job.ranking)


def chosen(job: Job, hypotheses: list[Hypothesis]) -> tuple[Candidate, ...]:
    """The candidates, best first: what is accepted before what is not."""
    request, judged = job.request, job.judge
    limit = request.candidates + SPARE_CANDIDATES
    fits = fitting(hypotheses, request.template.holes)
    rank = partial(ranked, fits, job.around, parses=request.parses, ranking=job.ranking)
    found = rank(limit=limit)
    if judged is None or all(judged(c.texts) is None for c in found[: request.candidates]):
        return found
    return tuple(sorted(rank(limit=MOST_JUDGED), key=lambda c: judged(c.texts) is not None)[:limit])


def _decided_anew(job: Job, hypothesis: Hypothesis, spans: Sequence[Span], round_: int) -> list[Hypothesis]:
    """What comes of the hypothesis when `spans` of it are denoised anew; nothing when there is no time left, or no backend."""
    if job.meter.spent or job.cancelled() or not job.spec.capabilities.denoises:
        return []
    rows = rework(
        hypothesis,
        spans,
        job.encoded,
        job.codec,
        job.spec,
        sizes=[max(n, len(ids)) for n, ids in zip(job.lengths, hypothesis.ids, strict=True)],
        ties=ties_of(job.request.template.holes),
    )
    if job.recorder is not None:
        job.recorder.labels = ("repair",) * rows.canvas.rows
    seed = job.request.seed + SEED_STEP * (round_ + 1)
    done = denoised_rows(
        job, rows.canvas, ended=rows.ended, temperature=rows.temperature, seed=seed, passes=DECIDED_ANEW
    )
    if done.stopped == "cancelled":
        return []
    made = [hypothesis_of(done.canvas, row, job.encoded, job.codec) for row in range(done.canvas.rows)]
    kept = [replace(a, drafts=hypothesis.drafts, kept=min(hypothesis.kept, 0.5)) for a in made if a is not None]
    return scored(job, acceptable(merged(kept)))


def _searched_on(job: Job, search: Search) -> list[Hypothesis]:
    """What is accepted of the texts that the search comes by further on."""
    judge = job.judge
    assert judge is not None, "whatever comes is accepted"

    def fits(written: BeamHypothesis) -> bool:
        hypothesis = beam_hypothesis(written, 0, job.encoded, job.codec)
        return hypothesis is not None and bool(hypothesis.texts[0].strip()) and judge(hypothesis.texts) is None

    def kind(ids: NDArray[np.int64]) -> Hashable:
        return shape(job.codec.decode(ids))

    passes, judged = SEARCHED_ON[job.request.mend]
    return as_hypotheses(job, search.until(fits, kind=kind, passes=passes, judged=judged))


def scored(job: Job, hypotheses: list[Hypothesis]) -> list[Hypothesis]:
    """The hypotheses with comparable scores, if the budget has room for the pass that this takes."""
    if job.meter.spent or not job.spec.capabilities.scores or all(hypothesis.scored for hypothesis in hypotheses):
        return hypotheses
    scored = with_scores(hypotheses, job.cached, mask_id=job.spec.mask_id)
    job.meter.count_pass()
    return scored
