"""Hypotheses: ways to fill all holes that are still being compared, from the model or copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.backend import CachedContext, Prediction
from model.canvas import Canvas
from model.infill.decoding.beam_texts import BeamHypothesis
from model.infill.drafts.matches import Draft
from model.infill.encoding import Codec, EncodedPrompt
from model.infill.rerank.nearby_text import NearbyText
from model.infill.rerank.ranking import Features, Ranking, chances_of, order_of, utility
from model.types import Candidate, Parses

PARSED_BEYOND = 3
"""Parse this many hypotheses more than were asked for, in case the best ones do not parse."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Hypothesis:
    """`ids[h]`: int64 [n], the tokens of hole h with its final slot. `log_probs[h]`: float32 [n], nats.

    `drafts[h]`: the draft that hole h was copied from, in whole or in part. `kept`: see `ranking.Features`.
    """

    ids: tuple[NDArray[np.int64], ...]
    log_probs: tuple[NDArray[np.float32], ...]
    texts: tuple[str, ...]
    origin: Literal["model", "draft"] = "model"
    drafts: tuple[Draft, ...] = ()
    kept: float = 0.0
    draft_rank: int | None = None
    written_rank: int | None = None
    sources: int = 1
    scored: bool = False

    @property
    def nats(self) -> float:
        """The log-probability of all its tokens."""
        return float(sum(nats.sum() for nats in self.log_probs))

    def features(self, parses: bool | None, around: Sequence[NearbyText]) -> Features:
        """What the ranking reads; `around`: the surroundings of each hole."""
        nats = self.log_probs[0] if len(self.log_probs) == 1 else np.concatenate(self.log_probs)
        total = nats.sum()
        return Features(
            mean_log_prob=float(total / len(nats)),
            sum_log_prob=float(total),
            least_log_prob=float(nats.min()),
            end_log_prob=float(nats[-1]),
            left_chars=_mean([d.left_match_chars for d in self.drafts]),
            right_chars=_mean([d.right_match_chars for d in self.drafts]),
            likeness=_mean([d.likeness for d in self.drafts]),
            kept=self.kept,
            renamed=any(draft.renamed for draft in self.drafts),
            elsewhere=any(draft.elsewhere for draft in self.drafts),
            draft_rank=self.draft_rank,
            written_rank=self.written_rank,
            repetition=max(repetition(ids) for ids in self.ids),
            sources=self.sources,
            tokens=len(nats) / sum(text.count("\n") + 1 for text in self.texts),
            chars=sum(len(text.strip()) for text in self.texts),
            known_words=_mean([s.known_words(text) for s, text in zip(around, self.texts, strict=True)]),
            repeats=any(s.repeats(text) for s, text in zip(around, self.texts, strict=True)),
            whole_lines=all(not s.line_start.strip() for s in around),
            parses=parses,
        )


def _mean(values: Sequence[float]) -> float:
    """The mean of one value per hole; 0 if there are none."""
    return float(np.mean(values) if len(values) > 1 else sum(values))


def repetition(ids: NDArray[np.int64]) -> float:
    """The share of triples of tokens that occurred before, 0 to 1."""
    triples = list(zip(ids.tolist(), ids[1:].tolist(), ids[2:].tolist(), strict=False))
    return 1 - len(set(triples)) / len(triples) if triples else 0.0


def hypothesis_of(canvas: Canvas, row: int, encoded: EncodedPrompt, codec: Codec) -> Hypothesis | None:
    """The finished row as a hypothesis; None if it does not begin with what it must."""
    said = said_in(canvas, row, encoded, codec)
    if said is None:
        return None
    holes = [canvas.hole[row] == h for h in range(encoded.holes)]
    with np.errstate(divide="ignore"):
        nats = tuple(np.maximum(np.log(canvas.confidence[row, here]), -20).astype(np.float32) for here in holes)
    return Hypothesis(ids=said[0], log_probs=nats, texts=said[1])


def said_in(
    canvas: Canvas, row: int, encoded: EncodedPrompt, codec: Codec
) -> tuple[tuple[NDArray[np.int64], ...], tuple[str, ...]] | None:
    """(ids, texts) of each hole in the finished row; None if it does not begin with what it must."""
    ids = tuple(canvas.ids[row, canvas.hole[row] == h] for h in range(encoded.holes))
    texts = tuple(encoded.text(codec, h, hole_ids) for h, hole_ids in enumerate(ids))
    return None if any(text is None for text in texts) else (ids, tuple(text or "" for text in texts))


def beam_hypothesis(written: BeamHypothesis, rank: int, encoded: EncodedPrompt, codec: Codec) -> Hypothesis | None:
    """The `rank`-th text of the beam search, scored already; None if it does not begin with what it must."""
    text = encoded.text(codec, 0, written.ids)
    if text is None:
        return None
    return Hypothesis(ids=(written.ids,), log_probs=(written.log_probs,), texts=(text,), written_rank=rank, scored=True)


def merged(hypotheses: Sequence[Hypothesis]) -> list[Hypothesis]:
    """The hypotheses without repeated texts; the first keeps what it came from and counts the others as sources.

    Texts that differ in white space around them alone are the same: of these the likeliest tokens stay.
    """
    found: dict[tuple[str, ...], Hypothesis] = {}
    for hypothesis in hypotheses:
        key = tuple(text.strip() for text in hypothesis.texts)
        same = found.get(key)
        found[key] = hypothesis if same is None else _agreeing(same, hypothesis)
    return list(found.values())


def _agreeing(first: Hypothesis, other: Hypothesis) -> Hypothesis:
    """`first`, proposed by `other` as well."""
    ranks = [rank for rank in (first.written_rank, other.written_rank) if rank is not None]
    best = other if other.scored and first.scored and other.nats > first.nats else first
    return replace(
        first, ids=best.ids, texts=best.texts, log_probs=best.log_probs, sources=first.sources + other.sources,
        written_rank=min(ranks, default=None),
    )  # fmt: skip


def acceptable(hypotheses: Sequence[Hypothesis]) -> list[Hypothesis]:
    """The hypotheses that fill every hole; if there is none, those that fill any."""
    full = [a for a in hypotheses if all(text.strip() for text in a.texts)]
    return full or [a for a in hypotheses if any(text.strip() for text in a.texts)]


def with_scores(hypotheses: Sequence[Hypothesis], cached: CachedContext, *, mask_id: int) -> list[Hypothesis]:
    """The hypotheses with left-to-right log-probabilities; one forward pass over those that lack them."""
    missing = [i for i, hypothesis in enumerate(hypotheses) if not hypothesis.scored]
    scored = list(hypotheses)
    if not missing:
        return scored
    canvas = Canvas.decided([hypotheses[i].ids for i in missing], mask_id=mask_id)
    prediction = cached.score(canvas)
    for row, i in enumerate(missing):
        nats = log_probs(canvas, prediction, row, holes=len(hypotheses[i].ids))
        scored[i] = replace(hypotheses[i], log_probs=nats, scored=True)
    return scored


def log_probs(canvas: Canvas, prediction: Prediction, row: int, *, holes: int) -> tuple[NDArray[np.float32], ...]:
    """Per hole float32 [n]: the log-probabilities of what stands in the row."""
    return tuple(prediction.current[row, : canvas.ids.shape[1]][canvas.hole[row] == h] for h in range(holes))


def ranked(
    hypotheses: Sequence[Hypothesis],
    around: Sequence[NearbyText],
    *,
    parses: Parses | None,
    ranking: Ranking | None,
    limit: int,
) -> tuple[Candidate, ...]:
    """The best `limit` hypotheses as candidates, best first. Parsing takes time: only the likeliest are parsed."""
    features = [hypothesis.features(None, around) for hypothesis in hypotheses]
    utilities = [utility(known, ranking) for known in features]
    for i in order_of(utilities)[: limit + PARSED_BEYOND]:
        if parses is not None:
            features[i] = replace(features[i], parses=parses(hypotheses[i].texts))
            utilities[i] = utility(features[i], ranking)
    chances = chances_of(utilities)
    return tuple(
        Candidate(
            texts=hypotheses[i].texts,
            confidences=(chances[i],) if len(around) == 1 else _per_hole(hypotheses[i]),
            confidence=chances[i],
            parses=features[i].parses,
            origin=hypotheses[i].origin,
        )
        for i in order_of(utilities)[:limit]
    )


def _per_hole(hypothesis: Hypothesis) -> tuple[float, ...]:
    """The mean probability (geometric) of each hole's tokens."""
    return tuple(float(np.exp(nats.mean())) for nats in hypothesis.log_probs)
