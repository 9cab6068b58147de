"""What is fitted for a model's manners: from which confidence on to suggest, how likely nothing is, how to rewrite."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from model.infill.rerank.manners import Emptiness, Nothing
from model.lab.manners.cursors import CURSORS, NEEDLESS, WHOLE_LINES
from model.types import EMPTY_FROM

KEPT, SHOWN = 0.95, 0.05
LEFT_ALONE = 0.9
"""Of sound lines so many are to be left alone, if a margin does that."""
_STEPS, _RIDGE, _LEAST = 50, 1e-3, 1e-6


@dataclass(frozen=True, kw_only=True)
class Offered:
    """What was offered at a cursor: how sure (None: nothing), and whether it is right.

    `nothing`: how likely the network takes it that nothing belongs there, as it says it. `cursor`: which one it is.
    """

    kind: str
    confidence: float | None
    right: bool
    nothing: float = 0.0
    cursor: str = ""


def sureness(offered: Offered, nothing: Emptiness | None) -> float | None:
    """How sure what was offered is once it counts that perhaps nothing belongs there; None where it is not shown at all.

    As `model.infill.rerank.manners.with_nothing` and the server have it.
    """
    if offered.confidence is None:
        return None
    found = nothing.of(whole_lines=offered.kind in WHOLE_LINES) if nothing else None
    chance = found.calibrated(offered.nothing) if found else offered.nothing
    sure = offered.confidence * (1 - chance) if found else offered.confidence
    return sure if chance < EMPTY_FROM else None


def fitted_emptiness(offered: Sequence[Offered]) -> Emptiness | None:
    """Both parts; None where the network never says that nothing belongs at such a cursor."""
    inside, lines = (
        fitted_nothing([o for o in offered if (o.kind in WHOLE_LINES) is whole]) for whole in (False, True)
    )
    return Emptiness(inside=inside, lines=lines) if inside and lines else None


def fitted_nothing(offered: Sequence[Offered]) -> Nothing | None:
    """Log-odds by maximum likelihood (Platt 1999), whether anything belongs there; None where the network never says."""
    said = np.array([min(max(o.nothing, _LEAST), 1 - _LEAST) for o in offered])
    empty = np.array([o.kind in NEEDLESS for o in offered], dtype=np.float64)
    if not len(offered) or np.ptp(said) == 0 or np.ptp(empty) == 0:
        return None
    inputs = np.stack([np.ones(len(said)), np.log(said / (1 - said))], axis=1)
    weights = np.array([0.0, 1.0])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        slope = inputs.T @ (empty - chance) - _RIDGE * weights
        bend = (inputs * (chance * (1 - chance))[:, None]).T @ inputs + _RIDGE * np.eye(2)
        step = np.linalg.solve(bend, slope)
        weights = weights + np.clip(step, -1, 1)
        if np.abs(step).max() < _LEAST:
            break
    return Nothing(shift=round(float(weights[0]), 4), scale=round(float(weights[1]), 4))


def fitted(offered: Sequence[Offered], nothing: Emptiness | None = None) -> float:
    """The least confidence that shows at most 5 % of the needless and keeps 95 % of the right; else where what is lost
    of both, beyond these bounds, is least.
    """
    sure = [(o, sureness(o, nothing)) for o in offered]
    right = [-1.0 if s is None else s for o, s in sure if o.right]
    needless = [s for o, s in sure if o.kind in NEEDLESS]

    def missed(threshold: float) -> float:
        kept = sum(c >= threshold for c in right) / max(len(right), 1)
        shown = sum(c is not None and c >= threshold for c in needless) / max(len(needless), 1)
        return max(0.0, KEPT - kept) + max(0.0, shown - SHOWN)

    return min((n / 100 for n in range(100)), key=lambda threshold: (round(missed(threshold), 6), threshold))


def fitted_margin(changed: dict[float, float]) -> float:
    """The least margin by which nine of ten sound lines are left alone; the largest if none does.

    changed: the share of sound lines that a rewriting changes, by margin.
    """
    return next((m for m in sorted(changed) if round(1 - changed[m], 6) >= LEFT_ALONE), max(changed))


def table_of(
    offered: Sequence[Offered], threshold: float, nothing: Emptiness | None = None
) -> dict[str, dict[str, float]]:
    """By kind: cursors, offered at all, right ones of these, shown by the threshold, right ones of these."""
    rows: dict[str, dict[str, float]] = {}
    for kind in CURSORS:
        of = [o for o in offered if o.kind == kind]
        any_ = [o for o in of if o.confidence is not None]
        shown = [o for o in any_ if (sure := sureness(o, nothing)) is not None and sure >= threshold]
        rows[kind] = {
            "cursors": len(of),
            "shown_without": len(any_),
            "right_without": sum(o.right for o in any_),
            "shown": len(shown),
            "right": sum(o.right for o in shown),
        }
    return rows


def shares_of(rows: dict[str, dict[str, float]]) -> dict[str, float]:
    """The share of right suggestions that are kept, and that of needless cursors where one is shown."""
    right = math.fsum(row["right_without"] for row in rows.values())
    needless = math.fsum(rows[kind]["cursors"] for kind in NEEDLESS)
    return {
        "kept": round(math.fsum(row["right"] for row in rows.values()) / max(right, 1), 4),
        "needless_shown": round(math.fsum(rows[kind]["shown"] for kind in NEEDLESS) / max(needless, 1), 4),
    }


def read_offered(path: Path) -> dict[str, Offered]:
    """What an earlier run was offered, by cursor; an unfinished last line is left out."""
    found: dict[str, Offered] = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            one = Offered(**json.loads(line))
        except (ValueError, TypeError):
            continue
        found[one.cursor] = one
    return found


def append_offered(path: Path, offered: Offered) -> None:
    """One line more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(offered)) + "\n")
