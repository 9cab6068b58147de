"""Memory over many fills: what is held at most, and whether it grows."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model.lab.eval.cases import Case
from model.types import Budget, Filler, FillRequest, Hole, Template

SHORTEST, LONGEST = 40, 400
"""Characters on either side of a fill: thousands of them in many sizes matter more than how long they are."""
PASSES = 1
WARM = 0.2
"""Share of the fills in which caches fill up; growth is looked for in the rest."""
SAMPLES = 100
GOAL_PERCENT = 1.0


def memory(filler: Filler, cases: Sequence[Case], *, fills: int) -> dict[str, object]:
    """Peak and growth of the resident memory over `fills` short fills at places all over `cases`.

    growth_mb_per_1000: the slope of a line through all but the first WARM of the fills; growth_percent: what that line
    gained over them, of what was held when they began. Both 0 where the system does not tell the current size.
    """
    every = max(1, fills // SAMPLES)
    at, resident = [], []
    for n in range(fills):
        case = cases[n % len(cases)]
        before, after = (SHORTEST + n * step % (LONGEST - SHORTEST) for step in (53, 71))
        cut = (n * 37) % max(1, len(case.prefix) - before)
        template = Template(pieces=(case.prefix[cut : cut + before], case.suffix[:after]), holes=(Hole(max_lines=1),))
        budget = Budget(max_forward_passes=PASSES)
        filler.fill(FillRequest(template=template, language="python", seed=n, budget=budget))
        if n % every == 0 or n == fills - 1:
            at.append(n)
            resident.append(resident_mb())
    warm = np.asarray(at) >= WARM * fills
    points, held = np.asarray(at)[warm], np.asarray(resident)[warm]
    slope = float(np.polyfit(points, held, 1)[0]) if warm.sum() > 2 else 0.0
    return {
        "fills": fills,
        "peak_mb": round(peak_mb()),
        "first_mb": round(resident[0], 1),
        "warm_mb": round(float(held[0]), 1),
        "last_mb": round(resident[-1], 1),
        "growth_mb_per_1000": round(1000 * slope, 2),
        "growth_percent": round(100 * slope * float(points[-1] - points[0]) / float(held[0]), 2),
    }


def resident_mb() -> float:
    """MB of memory held now (Linux; elsewhere the most ever held)."""
    status = Path("/proc/self/statm")
    if not status.exists():
        return peak_mb()
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak_mb() -> float:
    """MB of memory, the most ever held by this process."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
