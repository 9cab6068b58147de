"""From fills to figures: exact match, edit similarity, parse rate, times; with bootstrap intervals."""

from __future__ import annotations

import ast
import difflib
import random
import statistics
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from model.evaluate.cases import Case


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one system made of one case. `ms` wall clock; `confidence` in [0, 1]."""

    case: str
    kind: str
    text: str
    exact: bool
    stripped: bool
    similarity: float
    parses: bool
    length_right: bool
    confidence: float = 0.0
    forward_passes: int = 0
    ms: float = 0.0
    origin: str = ""


def parses(text: str) -> bool:
    """Whether Python reads the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def judge(case: Case, text: str, **figures: object) -> Result:
    """`text` against the truth."""
    return Result(
        case=case.name,
        kind=case.kind,
        text=text,
        exact=text == case.middle,
        stripped=text.strip() == case.middle.strip(),
        similarity=difflib.SequenceMatcher(None, text.strip(), case.middle.strip(), autojunk=False).ratio(),
        parses=parses(case.prefix + text + case.suffix),
        length_right=len(text.strip()) == len(case.middle.strip()),
        **figures,  # type: ignore[arg-type]
    )


def interval(hits: Sequence[bool], *, draws: int = 1000, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the mean, in percent."""
    if not hits:
        return 0.0, 0.0
    rng = random.Random(seed)
    values = [float(h) for h in hits]
    means = sorted(statistics.fmean(rng.choices(values, k=len(values))) for _ in range(draws))
    return round(100 * means[int(draws * 0.025)], 1), round(100 * means[int(draws * 0.975)], 1)


def summary(results: Sequence[Result]) -> dict[str, object]:
    """The figures of one system over cases of one kind (or all)."""
    times = sorted(r.ms for r in results)
    return {
        "cases": len(results),
        "exact": round(100 * statistics.fmean(r.exact for r in results), 1),
        "exact_95": interval([r.exact for r in results]),
        "stripped": round(100 * statistics.fmean(r.stripped for r in results), 1),
        "similarity": round(statistics.fmean(r.similarity for r in results), 3),
        "parses": round(100 * statistics.fmean(r.parses for r in results), 1),
        "length_right": round(100 * statistics.fmean(r.length_right for r in results), 1),
        "forward_passes": round(statistics.fmean(r.forward_passes for r in results), 1),
        "ms_p50": round(times[len(times) // 2], 1),
        "ms_p95": round(times[min(len(times) - 1, int(len(times) * 0.95))], 1),
    }


def reliability(results: Sequence[Result], *, bins: int = 5) -> list[dict[str, float]]:
    """Exact match by confidence: what the number is worth."""
    table = []
    for n in range(bins):
        low, high = n / bins, (n + 1) / bins
        inside = [r for r in results if low <= r.confidence < high or (n == bins - 1 and r.confidence == 1)]
        if inside:
            exact = round(100 * statistics.fmean(r.stripped for r in inside), 1)
            table.append({"from": low, "to": high, "cases": len(inside), "right_percent": exact})
    return table
