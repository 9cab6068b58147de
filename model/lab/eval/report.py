"""Results on disk and on screen: JSON lines that a run can be resumed from, one table, one summary."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from model.lab.eval.measure import CaseResult, by_length, calibration_error, error_by_chance, reliability, summary

COLUMNS = (
    "cases",
    "exact",
    "exact_95",
    "stripped",
    "similarity",
    "parses",
    "returned",
    "returned_parses",
    "length_right",
    "forward_passes",
    "ms_p50",
    "ms_p95",
)
CHECKED = ("pass@1", "pass@1_95")
"""Columns that are there only when cases have a check."""


def read_results(path: Path) -> dict[tuple[str, str], CaseResult]:
    """Results of earlier runs, by system and case; an unfinished last line is left out."""
    found: dict[tuple[str, str], CaseResult] = {}
    if not path.exists():
        return found
    for line in path.read_text().splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        system = row.pop("system")
        found[system, row["case"]] = CaseResult(**row)
    return found


def end_torn_line(path: Path) -> None:
    """Give an unfinished last line its end, lest the next result be lost with it."""
    if path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n"):
        with path.open("a") as file:
            file.write("\n")


def append_result(path: Path, system: str, result: CaseResult) -> None:
    """One line more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps({"system": system, **asdict(result)}) + "\n")


def figures(results: Mapping[str, Sequence[CaseResult]], truths: Mapping[str, str]) -> dict[str, object]:
    """Per system: each kind, all together, by length, and the reliability of its confidence.

    `truths`: what stood in the hole, by the name of the case.
    """
    out: dict[str, object] = {}
    for system, rows in results.items():
        kinds = {kind: summary([r for r in rows if r.kind == kind]) for kind in sorted({r.kind for r in rows})}
        out[system] = {
            "kinds": kinds,
            "all": summary(rows),
            "by_lexical_tokens": by_length(rows, truths),
            "reliability": reliability(rows),
            "calibration_error": calibration_error(rows),
            "calibration_error_by_chance": error_by_chance(rows),
        }
    return out


def show(results: Mapping[str, Sequence[CaseResult]], console: Console) -> None:
    """The table, a row per system and kind."""
    checked = any(r.passed is not None for rows in results.values() for r in rows)
    columns = COLUMNS + (CHECKED if checked else ())
    table = Table("system", "kind", *columns)
    for system, rows in results.items():
        for kind in sorted({r.kind for r in rows}):
            row = summary([r for r in rows if r.kind == kind])
            table.add_row(system, kind, *(str(row.get(c, "")) for c in columns))
    console.print(table)
    sure = {system: rows for system, rows in results.items() if any(r.confidence for r in rows)}
    if sure:
        console.print(_confidence(sure))


def _confidence(results: Mapping[str, Sequence[CaseResult]]) -> Table:
    """What the confidence is worth: the share of right fills by what was said of them."""
    table = Table("system", "confidence", "cases", "said %", "right %")
    for system, rows in results.items():
        for row in reliability(rows):
            figures = (row[name] for name in ("cases", "confidence_percent", "right_percent"))
            table.add_row(system, f"{row['from']:.1f}-{row['to']:.1f}", *map(str, figures))
    return table


def mcnemar(a: Sequence[CaseResult], b: Sequence[CaseResult]) -> dict[str, float]:
    """Exact two-sided McNemar test on the cases that both solved or missed differently."""
    other = {r.case: r.exact for r in b}
    paired = [(r.exact, other[r.case]) for r in a if r.case in other]
    only_a = sum(x and not y for x, y in paired)
    only_b = sum(y and not x for x, y in paired)
    n, k = only_a + only_b, min(only_a, only_b)
    p = min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n) if n else 1.0
    return {"cases": len(paired), "only_first": only_a, "only_second": only_b, "p": round(p, 5)}
