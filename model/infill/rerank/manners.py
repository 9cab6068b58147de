"""When to be silent: from which confidence on to suggest to who has not asked, and what a rewriting has to be better by.

Fitted for a model by `dlm-fill eval manners`, which writes `manners.json` beside it; fit it anew when the model changes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from model.errors import UnknownModel
from model.types import Fill

MANNERS = "manners.json"


_LEAST = 1e-6


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """How likely it is that nothing belongs at a cursor: log-odds `shift` + `scale` · those that the network gives to an end."""

    shift: float
    scale: float

    def calibrated(self, said: float) -> float:
        """The probability where the network says `said`."""
        said = min(max(said, _LEAST), 1 - _LEAST)
        return 1 / (1 + math.exp(-(self.shift + self.scale * math.log(said / (1 - said)))))


@dataclass(frozen=True, kw_only=True)
class Emptiness:
    """How likely it is that nothing belongs at a cursor inside a line, and at one that begins a line.

    Two, since the network tells the end of a complete line from a torn one, but hardly ever leaves a new line empty.
    """

    inside: Nothing
    lines: Nothing

    def of(self, *, whole_lines: bool) -> Nothing:
        return self.lines if whole_lines else self.inside


@dataclass(frozen=True, kw_only=True)
class Manners:
    """`min_confidence`: suggest from this confidence on. `rewrite_margin_nats`: a rewriting is so much likelier than
    the old text, or the old text stays. `nothing`: None where it was not fitted; the network's word is taken then.
    """

    min_confidence: float = 0.0
    rewrite_margin_nats: float = 6.0
    nothing: Emptiness | None = None

    @classmethod
    def read(cls, path: Path) -> Manners:
        """What was fitted for a model and lies beside it; the defaults if there is nothing.

        Raises UnknownModel if the file is damaged.
        """
        if not path.exists():
            return cls()
        try:
            written = json.loads(path.read_text("utf-8"))
            bounds = {name: float(written[name]) for name in ("min_confidence", "rewrite_margin_nats")}
            nothing = written.get("nothing")
            fitted = (
                Emptiness(inside=_nothing(nothing["inside"]), lines=_nothing(nothing["lines"])) if nothing else None
            )
            return cls(**bounds, nothing=fitted)
        except (ValueError, KeyError, TypeError) as error:
            raise UnknownModel(
                f"{path} is damaged: delete it for the defaults; dlm-fill eval manners --fit writes a new one"
            ) from error


def _nothing(written: Mapping[str, float]) -> Nothing:
    return Nothing(shift=float(written["shift"]), scale=float(written["scale"]))


def with_nothing(fill: Fill, said: float | None, nothing: Nothing | None, *, may_stay_empty: bool) -> Fill:
    """The fill with how likely it is that nothing belongs in its hole; `said`: the network's word for that.

    Where that was fitted and the hole may stay empty, each candidate is as sure as that something belongs there, and it.
    """
    if said is None or nothing is None:
        return replace(fill, nothing=said)
    chance = nothing.calibrated(said)
    if not may_stay_empty:
        return replace(fill, nothing=chance)
    lower = tuple(
        replace(c, confidence=c.confidence * (1 - chance), confidences=tuple(x * (1 - chance) for x in c.confidences))
        for c in fill.candidates
    )
    return replace(fill, nothing=chance, candidates=lower)
