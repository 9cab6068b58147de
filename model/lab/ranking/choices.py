"""What there was to choose from for each hole, with features: collected once, on disk, and read for fitting."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.infill.hypothesis import PARSED_BEYOND, Hypothesis
from model.infill.infiller import Infiller
from model.infill.rerank.nearby_text import nearby_text
from model.infill.rerank.ranking import Features, Ranking, Weights, best_first, signals
from model.infill.selection import SPARE_CANDIDATES
from model.infill.sure_copy import without_network
from model.lab.eval.cases import Case
from model.lab.eval.measure import parses
from model.lab.eval.systems import request_of
from model.lab.eval.workspace import EvalWorkspace

NAMES = tuple(f.name for f in fields(Weights))


@dataclass(frozen=True, kw_only=True, eq=False)
class Choices:
    """What there was to choose from for one hole: signals float64 [n, len(NAMES)], and which are right, bool [n].

    whole_lines: the hole begins a line, see `ranking.Ranking`. before_reading: float64 [n, len(NAMES)], the signals as far
    as they are known before the network has read the context. is_copy: the first of them is a whole copy.
    """

    signals: NDArray[np.float64]
    right: NDArray[np.bool_]
    whole_lines: bool = False
    before_reading: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, len(NAMES))))
    is_copy: bool = False

    @classmethod
    def of(cls, candidates: Sequence[tuple[Features, bool]], *, whole_lines: bool) -> Choices:
        """Of the candidates' features, and whether each is right."""
        first = candidates[0][0] if candidates else None
        return cls(
            signals=_matrix([features for features, _ in candidates]),
            right=np.asarray([right for _, right in candidates], dtype=bool),
            whole_lines=whole_lines,
            before_reading=_matrix([without_network(features) for features, _ in candidates]),
            is_copy=first is not None and first.draft_rank is not None and first.kept >= 1.0,
        )


def _matrix(candidates: Sequence[Features]) -> NDArray[np.float64]:
    given = [signals(features) for features in candidates]
    return np.asarray([[row[name] for name in NAMES] for row in given], dtype=np.float64).reshape(-1, len(NAMES))


def candidates_of(
    case: Case, hypotheses: Sequence[Hypothesis], ranking: Ranking | None
) -> tuple[list[tuple[Features, bool]], bool]:
    """(features of each hypothesis and whether it is right; whether the hole begins a line).

    Parsed are those that the engine parses when one candidate is asked for: what is far down stays unknown there, too.
    """
    around = nearby_text((case.prefix, case.suffix))
    known = [hypothesis.features(None, around) for hypothesis in hypotheses]
    for i in best_first(known, ranking)[: 1 + SPARE_CANDIDATES + PARSED_BEYOND]:
        known[i] = replace(known[i], parses=parses(case.prefix + hypotheses[i].texts[0] + case.suffix))
    right = [hypothesis.texts[0].strip() == case.middle.strip() for hypothesis in hypotheses]
    return list(zip(known, right, strict=True)), not around[0].line_start.strip()


def collector(filler: Infiller, ranking: Ranking | None) -> Callable[[Case], dict[str, Any]]:
    """Fills a case and says what there was to choose from, as a line of the file that `read_holes` reads."""
    seen, workspace = list[list[Hypothesis]](), EvalWorkspace()
    filler.watch(seen.append)

    def collect(case: Case) -> dict[str, Any]:
        filler.fill(request_of(case, other_files=workspace.others(case)))
        candidates, whole_lines = candidates_of(case, seen.pop(), ranking)
        rows = [{**asdict(features), "right": right} for features, right in candidates]
        return {"case": case.name, "whole_lines": whole_lines, "candidates": rows}

    return collect


def append_hole(path: Path, hole: dict[str, Any]) -> None:
    """One line more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(hole) + "\n")


def read_holes(path: Path) -> dict[str, Choices]:
    """What was collected, by the case's name; an unfinished last line is left out."""
    found: dict[str, Choices] = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            hole = json.loads(line)
        except ValueError:
            continue
        rows = [
            (Features(**{k: v for k, v in row.items() if k != "right"}), row["right"]) for row in hole["candidates"]
        ]
        found[hole["case"]] = Choices.of(rows, whole_lines=hole["whole_lines"])
    return found
