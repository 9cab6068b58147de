"""What may be answered before the network has read the context: the best copy from the text around, where it is sure.

No network says how likely the copy is. Its surroundings do: how much of them recurs around its source, and how many
sources say the same. `Ranking.unread`, fitted for the model's users with the ranking, turns that into a probability.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model.backend import ModelSpec
from model.infill.drafting import DraftRow, draft_rows
from model.infill.encoding import Codec, EncodedPrompt
from model.infill.hypothesis import Hypothesis
from model.infill.repair import judge
from model.infill.rerank.nearby_text import nearby_text
from model.infill.rerank.ranking import Features, Ranking, probabilities
from model.types import Candidate, FillRequest

SURE = 0.5
"""A copy is shown before the network has seen it where it is likelier right than wrong."""


def without_network(features: Features) -> Features:
    """The features of a copy as far as they are known before the network has read anything."""
    return replace(
        features,
        mean_log_prob=0.0,
        sum_log_prob=0.0,
        least_log_prob=0.0,
        end_log_prob=0.0,
        sources=max(1, features.sources - (features.written_rank is not None)),
        written_rank=None,
        parses=None,
    )


def sure_copy(
    request: FillRequest, encoded: EncodedPrompt, codec: Codec, spec: ModelSpec, *, ranking: Ranking | None, limit: int
) -> Candidate | None:
    """The best copy for the only hole, if it is sure enough and accepted. `limit`: drafts looked for at most; 0: none are."""
    if ranking is None or ranking.unread is None or not limit or encoded.holes > 1:
        return None
    rows = draft_rows(
        request.template,
        encoded,
        codec,
        spec,
        extra_context=request.extra_context,
        other_files=request.other_files,
        lengths=[1],
        limit=limit,
    )
    if not rows or not rows[0].complete:
        return None
    hypothesis, accepts = _copied(rows[0]), judge(request.template.holes, request.accepts)
    (chance,) = probabilities([without_network(hypothesis.features(None, nearby_text(encoded.pieces)))], ranking.unread)
    if (
        chance < SURE
        or not hypothesis.texts[0].strip()
        or (accepts is not None and accepts(hypothesis.texts) is not None)
    ):
        return None
    parsed = request.parses(hypothesis.texts) if request.parses is not None else None
    return Candidate(texts=hypothesis.texts, confidences=(chance,), confidence=chance, parses=parsed, origin="draft")


def _copied(row: DraftRow) -> Hypothesis:
    drafts = tuple(draft for draft in row.drafts if draft is not None)
    return Hypothesis(
        ids=row.ids,
        log_probs=tuple(np.zeros(len(ids), dtype=np.float32) for ids in row.ids),
        texts=tuple(draft.text for draft in drafts),
        origin="draft",
        drafts=drafts,
        draft_rank=max(draft.rank for draft in drafts),
        kept=1.0,
        sources=min(draft.sources for draft in drafts),
    )
