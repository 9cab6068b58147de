"""Which candidate is best: a pure function of a few features, so that its weights can be fitted on data.

Log-probabilities alone choose badly: their sum favours short candidates, and a model always likes its own
fill. What else speaks for a draft is how much of the surroundings recurs around it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class Features:
    """What is known of one candidate.

    mean_log_prob, sum_log_prob: nats per token and in all, left to right (0 if it was not scored).
    left_chars, right_chars: how much of the text around recurs around the draft's source (0: not a draft).
    kept: share of the draft's tokens that stand as they were copied (0: not a draft).
    sources: how many places, and the model's own fill, propose this same text. parses: None if unknown.
    """

    mean_log_prob: float
    sum_log_prob: float
    left_chars: float = 0.0
    right_chars: float = 0.0
    kept: float = 0.0
    sources: int = 1
    parses: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Utility per unit of each signal. A copied draft whose two-sided match is long starts far ahead.

    With these defaults a match of 20 characters is worth 2.4 nats per token of the model's own preference.
    """

    mean_log_prob: float = 1.0
    sum_log_prob: float = 0.0
    two_sided_match: float = 0.08
    one_sided_match: float = 0.02
    long_match: float = 0.8
    agreement: float = 0.7
    parses: float = 1.0
    breaks: float = -3.0


LONG_MATCH_CHARS = 20
MATCH_CAP_CHARS = 80


def signals(features: Features) -> dict[str, float]:
    """What each weight of `Weights` is multiplied by, by name."""
    matched = min(features.left_chars + features.right_chars, MATCH_CAP_CHARS)
    two_sided = features.left_chars > 1 and features.right_chars > 1
    whole = features.kept >= 1.0
    return {
        "mean_log_prob": max(features.mean_log_prob, -12.0),
        "sum_log_prob": features.sum_log_prob,
        "two_sided_match": matched if two_sided and whole else 0.0,
        "one_sided_match": matched if whole and not two_sided else 0.0,
        "long_match": float(two_sided and whole and matched >= LONG_MATCH_CHARS),
        "agreement": math.log2(max(1, features.sources)),
        "parses": float(features.parses is True),
        "breaks": float(features.parses is False),
    }


def utility(features: Features, weights: Weights | None = None) -> float:
    """How good the candidate is; only differences mean something."""
    chosen = weights or Weights()
    return math.fsum(getattr(chosen, f.name) * signals(features)[f.name] for f in fields(chosen))


def best_first(candidates: Sequence[Features], weights: Weights | None = None) -> list[int]:
    """Indices of `candidates`, best first; equals keep their order."""
    return sorted(range(len(candidates)), key=lambda i: -utility(candidates[i], weights))
