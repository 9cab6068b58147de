"""Whether a rewriting is better than what stands there: both are scored by the same pass, and the old text may win."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.infill.decoding.start import rewrites
from model.infill.generation import Job
from model.infill.hypothesis import Hypothesis
from model.infill.selection import scored


def better_than_the_old(job: Job, hypotheses: list[Hypothesis], *, margin_nats: float) -> list[Hypothesis]:
    """The hypotheses that the model finds likelier than the old text by the margin; the old text alone if none is.

    Only where every hole keeps part of its old text, by a model that scores; an old text that is not accepted loses.
    """
    holes = job.request.template.holes
    if not hypotheses or not job.spec.capabilities.scores or not all(map(rewrites, holes)) or job.meter.spent:
        return hypotheses
    old = _hypothesis_of(job, tuple(hole.old_text for hole in holes))
    if job.judge is not None and job.judge(old.texts) is not None:
        return hypotheses
    (old,) = scored(job, [old])
    if not old.scored:
        return hypotheses
    better = [a for a in hypotheses if a.scored and _nats(a) > _nats(old) + margin_nats and a.texts != old.texts]
    return better or [old]


def _hypothesis_of(job: Job, texts: Sequence[str]) -> Hypothesis:
    end = job.spec.end_of_hole_id
    final = [] if end is None else [end]
    ids = tuple(
        np.append(job.encoded.encode(job.codec, h, text), np.array(final, dtype=np.int64)).astype(np.int64)
        for h, text in enumerate(texts)
    )
    return Hypothesis(ids=ids, log_probs=tuple(np.zeros(len(i), dtype=np.float32) for i in ids), texts=tuple(texts))


def _nats(hypothesis: Hypothesis) -> float:
    return float(sum(nats.sum() for nats in hypothesis.log_probs))
