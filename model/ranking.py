"""Which candidate is best: a pure function of a few features, so that its weights can be fitted on data.

Log-probabilities alone choose badly: their sum favours short candidates, and a model always likes its own
fill. What else speaks for a draft is how much of the surroundings recurs around it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from model.errors import UnknownModel


@dataclass(frozen=True, kw_only=True)
class Features:
    """What is known of one candidate.

    mean_log_prob, sum_log_prob: nats per token and in all, left to right (as committed if it was not scored).
    left_chars, right_chars: how much of the text around recurs around the draft's source (0: not a draft).
    likeness: how like the surroundings of the draft's source are, see `drafts.Draft` (0: not a draft).
    kept: share of the draft's tokens that stand as they were copied (0: not a draft).
    repetition: share of its token triples that occurred before in it.
    sources: how many places, and the model's own fill, propose this same text. tokens: its length, per line.
    parses: None if unknown.
    """

    mean_log_prob: float
    sum_log_prob: float
    left_chars: float = 0.0
    right_chars: float = 0.0
    likeness: float = 0.0
    kept: float = 0.0
    repetition: float = 0.0
    sources: int = 1
    tokens: float = 0.0
    parses: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Utility per unit of each signal. With these defaults a whole copy with ten characters matched on each side
    is worth about 2.4 nats per token of the model's own preference, one with forty on each side about 5.4.
    """

    mean_log_prob: float = 1.0
    sum_log_prob: float = 0.0
    copied: float = -3.4
    likeness: float = 0.6
    left_match: float = 0.0
    right_match: float = 0.0
    repetition: float = -4.0
    agreement: float = 0.3
    parses: float = 1.0
    breaks: float = -3.0
    tokens: float = 0.0

    @classmethod
    def read(cls, path: Path) -> Weights:
        """The weights that were fitted for a model and lie beside it; the defaults if there are none.

        Raises UnknownModel if the file is damaged.
        """
        if not path.exists():
            return cls()
        try:
            return cls(**json.loads(path.read_text("utf-8"))["weights"])
        except (ValueError, KeyError, TypeError) as error:
            raise UnknownModel(f"{path} is damaged: fit it anew, or delete it to rank by the defaults") from error


def signals(features: Features) -> dict[str, float]:
    """What each weight of `Weights` is multiplied by, by name. The match counts for whole copies only."""
    whole = features.kept >= 1.0
    return {
        "mean_log_prob": max(features.mean_log_prob, -12.0),
        "sum_log_prob": features.sum_log_prob,
        "copied": float(whole),
        "likeness": features.likeness if whole else 0.0,
        "left_match": math.log1p(features.left_chars) if whole else 0.0,
        "right_match": math.log1p(features.right_chars) if whole else 0.0,
        "repetition": features.repetition,
        "agreement": math.log2(max(1, features.sources)),
        "parses": float(features.parses is True),
        "breaks": float(features.parses is False),
        "tokens": math.log1p(features.tokens),
    }


def utility(features: Features, weights: Weights | None = None) -> float:
    """How good the candidate is; only differences mean something."""
    chosen, given = weights or Weights(), signals(features)
    return math.fsum(getattr(chosen, f.name) * given[f.name] for f in fields(chosen))


def best_first(candidates: Sequence[Features], weights: Weights | None = None) -> list[int]:
    """Indices of `candidates`, best first; equals keep their order."""
    return sorted(range(len(candidates)), key=lambda i: -utility(candidates[i], weights))
