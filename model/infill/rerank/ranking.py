"""Which candidate is best, and how likely it is right: a log-linear model of a few features, fitted on data.

Log-probabilities alone choose badly: their sum favours short candidates, and a model always likes its own
fill. What else speaks for a draft is how much of the surroundings recurs around it. A candidate of utility u
stands against all others and against "none of them is right", whose utility is 0: so the softmax over all
of these is a calibrated probability, and choosing and knowing when not to are fitted at once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter, itemgetter, mul
from pathlib import Path

from model.errors import UnknownModel

NEVER = -12.0
"""Nats: below this a token counts as not expected at all."""
MOST_SURE = 0.97
"""No text is likelier than this, whatever the network says; its odds are counted from the sum of nats."""
SHORT_CHARS = 4


@dataclass(frozen=True, kw_only=True)
class Features:
    """What is known of one candidate.

    mean_log_prob, sum_log_prob, least_log_prob, end_log_prob: nats, left to right: per token, in all, of the least
    likely token, of the end of the (last) hole.
    left_chars, right_chars: how much of the text around recurs around the draft's source (0: not a draft).
    likeness: how like the surroundings of the draft's source are, see `matches.Draft` (0: not a draft).
    kept: share of the draft's tokens that stand as they were copied (0: not a draft).
    renamed: the draft is in the names of its new place. elsewhere: it stands in another file.
    draft_rank, written_rank: its place among the drafts, and among what the model wrote; None if it was not there.
    repetition: share of its token triples that occurred before in it.
    sources: how many places, and the model's own fill, propose this same text. tokens: its length, per line.
    chars: its length without outer white space. known_words: share of its names that stand near the hole.
    repeats: it completes a line that stands near the hole already. parses: None if unknown.
    whole_lines: the hole begins a line, nothing but space stands before it there.
    """

    mean_log_prob: float
    sum_log_prob: float
    least_log_prob: float = 0.0
    end_log_prob: float = 0.0
    left_chars: float = 0.0
    right_chars: float = 0.0
    likeness: float = 0.0
    kept: float = 0.0
    renamed: bool = False
    elsewhere: bool = False
    draft_rank: int | None = None
    written_rank: int | None = None
    repetition: float = 0.0
    sources: int = 1
    tokens: float = 1.0
    chars: int = 1
    known_words: float = 0.0
    repeats: bool = False
    whole_lines: bool = False
    parses: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Utility per unit of each signal; `constant` is that of any candidate. The defaults were fitted for holes inside a
    line and the built-in model, but for `repetition`, which is too rare there to be fitted.
    """

    constant: float = -0.81
    mean_log_prob: float = 0.65
    sum_log_prob: float = 0.03
    odds: float = 0.43
    least_log_prob: float = -0.04
    end_log_prob: float = 0.43
    copied: float = -0.82
    copied_mean: float = -0.49
    copied_sum: float = -0.02
    copied_odds: float = -0.23
    renamed: float = 1.83
    elsewhere: float = 0.0
    likeness: float = 0.02
    left_match: float = 0.62
    right_match: float = 0.29
    both_match: float = 0.08
    draft_rank: float = -0.88
    written: float = 0.69
    written_rank: float = -0.23
    copied_and_written: float = -0.92
    repetition: float = -3.0
    agreement: float = 0.5
    known_words: float = 0.0
    repeats: float = -1.9
    short: float = -0.07
    parses: float = 1.88
    breaks: float = -1.88
    tokens: float = -1.22


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Weights for holes inside a line, and for holes that begin one: a copy is worth less where a whole line is open.

    `unread`: those for copies that the network has not seen; None where none were fitted.
    """

    inside: Weights = field(default_factory=Weights)
    lines: Weights = field(default_factory=Weights)
    unread: Ranking | None = None

    @classmethod
    def read(cls, path: Path) -> Ranking:
        """What was fitted for a model and lies beside it; the defaults if there is nothing.

        Raises UnknownModel if the file is damaged.
        """
        if not path.exists():
            return cls()
        try:
            written = json.loads(path.read_text("utf-8"))
            unread = _both(written["unread"]) if "unread" in written else None
            return replace(_both(written), unread=unread)
        except (ValueError, KeyError, TypeError) as error:
            raise UnknownModel(f"{path} is damaged: fit it anew, or delete it to rank by the defaults") from error

    def of(self, features: Features) -> Weights:
        """The weights for such a hole."""
        return self.lines if features.whole_lines else self.inside


def _both(written: Mapping[str, Mapping[str, float]]) -> Ranking:
    return Ranking(inside=Weights(**written["inside"]), lines=Weights(**written["lines"]))


def signals(features: Features) -> dict[str, float]:
    """What each weight of `Weights` is multiplied by, by name. The match counts for whole copies only."""
    f = features
    whole, written = f.kept >= 1.0, f.written_rank is not None
    left, right = math.log1p(f.left_chars) * whole, math.log1p(f.right_chars) * whole
    mean, total = max(f.mean_log_prob, NEVER), max(f.sum_log_prob, 5 * NEVER)
    likely = min(math.exp(f.sum_log_prob), MOST_SURE)
    odds = max(math.log(likely / (1 - likely)), NEVER) if likely > 0 else NEVER
    return {
        "constant": 1.0,
        "mean_log_prob": mean,
        "sum_log_prob": total,
        "odds": odds,
        "least_log_prob": max(f.least_log_prob, NEVER),
        "end_log_prob": max(f.end_log_prob, NEVER),
        "copied": float(whole),
        "copied_mean": mean * whole,
        "copied_sum": total * whole,
        "copied_odds": odds * whole,
        "renamed": float(f.renamed and whole),
        "elsewhere": float(f.elsewhere and whole),
        "likeness": f.likeness * whole,
        "left_match": left,
        "right_match": right,
        "both_match": left * right,
        "draft_rank": math.log1p(f.draft_rank or 0),
        "written": float(written),
        "written_rank": math.log1p(f.written_rank or 0),
        "copied_and_written": float(whole and written),
        "repetition": f.repetition,
        "agreement": math.log2(max(1, f.sources)),
        "known_words": f.known_words,
        "repeats": float(f.repeats),
        "short": float(f.chars < SHORT_CHARS),
        "parses": float(f.parses is True),
        "breaks": float(f.parses is False),
        "tokens": math.log1p(f.tokens),
    }


_NAMES = tuple(weight.name for weight in fields(Weights))
_weights_of, _signals_of = attrgetter(*_NAMES), itemgetter(*_NAMES)


def utility(features: Features, ranking: Ranking | None = None) -> float:
    """How good the candidate is: the log-odds of being right against none being right, were it the only one."""
    weights, given = (ranking or Ranking()).of(features), signals(features)
    return math.fsum(map(mul, _weights_of(weights), _signals_of(given)))


def best_first(candidates: Sequence[Features], ranking: Ranking | None = None) -> list[int]:
    """Indices of `candidates`, best first; equals keep their order."""
    return order_of([utility(features, ranking) for features in candidates])


def order_of(utilities: Sequence[float]) -> list[int]:
    """Indices of candidates of these utilities, best first; equals keep their order."""
    return sorted(range(len(utilities)), key=lambda i: -utilities[i])


def probabilities(candidates: Sequence[Features], ranking: Ranking | None = None) -> list[float]:
    """The probability that each candidate is right; what they lack to 1 is the probability that none of them is."""
    return chances_of([utility(features, ranking) for features in candidates])


def chances_of(utilities: Sequence[float]) -> list[float]:
    """The `probabilities` of candidates of these utilities."""
    highest = max(0.0, *utilities) if utilities else 0.0
    odds = [math.exp(u - highest) for u in utilities]
    total = math.fsum(odds) + math.exp(-highest)
    return [value / total for value in odds]
