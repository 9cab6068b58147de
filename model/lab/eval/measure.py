"""From fills to figures: exact match, edit similarity, parse rate, times; with bootstrap intervals."""

from __future__ import annotations

import ast
import difflib
import math
import random
import re
import statistics
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from model.lab.eval.cases import Case
from model.lab.eval.running import passes

LENGTHS = ((1, 1), (2, 5), (6, 10), (11, 20), (21, None))
"""Classes of the truth's length, in lexical tokens."""
_LEXICAL = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """What one system made of one case. `ms` wall clock; `confidence` in [0, 1].

    `passed`: whether the filled file passed its check; None if it has none. `parses`: None where nobody can tell.
    """

    case: str
    kind: str
    text: str
    exact: bool
    stripped: bool
    similarity: float
    parses: bool | None
    length_right: bool
    confidence: float = 0.0
    forward_passes: int = 0
    ms: float = 0.0
    origin: str = ""
    passed: bool | None = None


def parses(text: str) -> bool:
    """Whether Python reads the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def judge(case: Case, text: str, **figures: object) -> CaseResult:
    """`text` against the truth. A case with a check has its filled file run."""
    filled = case.prefix + text + case.suffix
    reads = parses(filled) if case.language == "python" else None
    return CaseResult(
        case=case.name,
        kind=case.kind,
        text=text,
        exact=text == case.middle,
        stripped=text.strip() == case.middle.strip(),
        similarity=difflib.SequenceMatcher(None, text.strip(), case.middle.strip(), autojunk=False).ratio(),
        parses=reads,
        length_right=len(text.strip()) == len(case.middle.strip()),
        passed=(bool(reads) and passes(f"{filled}\n{case.check}")) if case.check else None,
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


def summary(results: Sequence[CaseResult]) -> dict[str, object]:
    """The figures of one system over cases of one kind (or all); pass@1 where cases have a check.

    `returned`: the share of holes for which there is a fill at all; `returned_parses`: the share of these that parse.
    """
    returned = [r for r in results if r.text.strip()]
    times = sorted(r.ms for r in results)
    checked = [r.passed for r in results if r.passed is not None]
    share = {"pass@1": round(100 * statistics.fmean(checked), 1), "pass@1_95": interval(checked)} if checked else {}
    return {
        "cases": len(results),
        "exact": round(100 * statistics.fmean(r.exact for r in results), 1),
        "exact_95": interval([r.exact for r in results]),
        "stripped": round(100 * statistics.fmean(r.stripped for r in results), 1),
        "similarity": round(statistics.fmean(r.similarity for r in results), 3),
        "parses": _percent([r.parses for r in results]),
        "returned": round(100 * len(returned) / len(results), 1),
        "returned_parses": _percent([r.parses for r in returned]),
        "length_right": round(100 * statistics.fmean(r.length_right for r in results), 1),
        "forward_passes": round(statistics.fmean(r.forward_passes for r in results), 1),
        "ms_p50": round(times[len(times) // 2], 1),
        "ms_p95": round(times[min(len(times) - 1, int(len(times) * 0.95))], 1),
        **share,
    }


def _percent(hits: Sequence[bool | None]) -> float | None:
    """The share of those that are known; None if none is."""
    known = [hit for hit in hits if hit is not None]
    return round(100 * statistics.fmean(known), 1) if known else None


def lexical_tokens(text: str) -> int:
    """How many words, numbers and signs `text` has: the same count for every model and baseline."""
    return len(_LEXICAL.findall(text))


def by_length(results: Sequence[CaseResult], truths: Mapping[str, str]) -> dict[str, dict[str, object]]:
    """The figures by lexical tokens of the truth ("1", "2-5", … "21+"); `truths` by the name of the case."""
    table = {}
    for low, high in LENGTHS:
        inside = [
            r
            for r in results
            if r.case in truths and low <= max(1, lexical_tokens(truths[r.case])) <= (high or math.inf)
        ]
        if inside:
            name = f"{low}+" if high is None else str(low) if low == high else f"{low}-{high}"
            table[name] = summary(inside)
    return table


def reliability(results: Sequence[CaseResult], *, bins: int = 5) -> list[dict[str, float]]:
    """Exact match by confidence: what the number is worth."""
    table = []
    for n in range(bins):
        low, high = n / bins, (n + 1) / bins
        inside = [r for r in results if low <= r.confidence < high or (n == bins - 1 and r.confidence == 1)]
        if inside:
            exact = round(100 * statistics.fmean(r.stripped for r in inside), 1)
            sure = round(100 * statistics.fmean(r.confidence for r in inside), 1)
            row = {"from": low, "to": high, "cases": len(inside), "confidence_percent": sure, "right_percent": exact}
            table.append(row)
    return table


def calibration_error(results: Sequence[CaseResult], *, bins: int = 10) -> float:
    """Mean distance between confidence and share of right fills, weighted by the fills in each bin (ECE)."""
    total = 0.0
    for n in range(bins):
        inside = [r for r in results if min(int(r.confidence * bins), bins - 1) == n]
        if inside:
            sure = statistics.fmean(r.confidence for r in inside)
            right = statistics.fmean(r.stripped for r in inside)
            total += len(inside) * abs(sure - right)
    return round(total / max(1, len(results)), 3)


def error_by_chance(results: Sequence[CaseResult], *, draws: int = 100, seed: int = 0) -> float:
    """What `calibration_error` would be on average, were each fill right exactly as often as its confidence says.

    So many holes cannot show less: a mean distance shrinks with their number, and vanishes for none.
    """
    rng = random.Random(seed)
    drawn = ([replace(r, stripped=rng.random() < r.confidence) for r in results] for _ in range(draws))
    return round(statistics.fmean(map(calibration_error, drawn)), 3)
