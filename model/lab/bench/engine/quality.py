"""What drafts do to forward passes and exact match, and what the reported confidence is worth."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from model.infill.infiller import Infiller
from model.lab.eval.cases import Case
from model.lab.eval.measure import CaseResult, calibration_error, reliability
from model.lab.eval.report import mcnemar
from model.lab.eval.systems import filler_system


def quality(engine: Infiller, other: Infiller, cases: Sequence[Case]) -> dict[str, object]:
    """Both with and without drafts on every case, lengths chosen freely, as users meet it.

    `other` is the same engine without drafts and with a network of its own, lest it profit from contexts read before.
    """
    with_drafts, without = filler_system(engine), filler_system(other)
    on, off = [], []
    for case in cases:
        on.append(with_drafts(case))
        off.append(without(case))
    fewer = statistics.fmean(r.forward_passes for r in on) - statistics.fmean(r.forward_passes for r in off)
    return {
        "drafts": {
            "on": _figures(on),
            "off": _figures(off),
            "passes_difference": round(fewer, 2),
            "mcnemar": mcnemar(on, off),
        },
        "reliability": {"bins": reliability(on, bins=10), "error": calibration_error(on)},
    }


def _figures(results: Sequence[CaseResult]) -> dict[str, float]:
    return {
        "cases": len(results),
        "exact_percent": round(100 * statistics.fmean(r.stripped for r in results), 1),
        "forward_passes": round(statistics.fmean(r.forward_passes for r in results), 2),
        "parses_percent": round(100 * statistics.fmean(bool(r.parses) for r in results), 1),
        "ms_p50": round(statistics.median(r.ms for r in results), 1),
    }
