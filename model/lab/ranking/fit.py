"""Fit the weights by which candidates are ranked: `python -m model.lab.ranking.fit MODEL_DIR SOURCE…`.

Holes are cut from packages that the reported evaluation does not use; what the engine had to choose from, as users
meet it, is kept with its features (`model.lab.ranking.choices`). The weights maximise the probability of the right
candidates, in a softmax over a hole's candidates and "none of them"; so the probability that comes with a candidate
is calibrated, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from model.filler import open_filler
from model.infill.infiller import Infiller
from model.infill.rerank.ranking import Ranking, Weights
from model.lab.eval.cases import KINDS, cases_from
from model.lab.eval.report import end_torn_line
from model.lab.ranking.choices import NAMES, Choices, append_hole, collector, read_holes

Matrix = NDArray[np.float64]
CONSTANT = NAMES.index("constant")
RELIABILITY_BINS = 5
CALIBRATION_BINS = 10
FOLDS = 5
FEW_HOLES = 300
"""From fewer holes of a part no weight is fitted of its own: the default weights are scaled and shifted together."""
RARE_HOLES = 30
"""A signal that tells candidates apart in fewer holes is not fitted: it keeps its default weight."""


def held(holes: Sequence[Choices], default: Weights) -> dict[str, float]:
    """The weights that are too rare to be fitted on these holes, by name, with their defaults."""
    counts = np.sum([np.ptp(hole.signals, axis=0) > 0 for hole in holes if len(hole.right)], axis=0)
    rare = [name for n, name in enumerate(NAMES) if n != CONSTANT and counts[n] < RARE_HOLES]
    return {name: getattr(default, name) for name in rare}


def fit(holes: Sequence[Choices], *, ridge: float = 0.002, given: Mapping[str, float] | None = None) -> Matrix:
    """Weights float64 [len(NAMES)], by maximum likelihood with a ridge on standardised signals; those `given` stay."""
    useful = [hole for hole in holes if len(hole.right)]
    everything = np.concatenate([hole.signals for hole in useful])
    mean, scale = everything.mean(axis=0), everything.std(axis=0) + 1e-9
    mean[CONSTANT], scale[CONSTANT] = 0.0, 1.0
    most = max(len(hole.right) for hole in useful)
    signals = torch.zeros(len(useful), most, len(NAMES), dtype=torch.float64)
    right = torch.zeros(len(useful), most + 1, dtype=torch.bool)
    there = torch.zeros(len(useful), most + 1, dtype=torch.bool)
    there[:, most] = True  # none of them: utility 0
    for i, hole in enumerate(useful):
        n = len(hole.right)
        signals[i, :n] = torch.from_numpy((hole.signals - mean) / scale)
        right[i, :n], there[i, :n] = torch.from_numpy(hole.right), True
        right[i, most] = not hole.right.any()
    weights = torch.zeros(len(NAMES), dtype=torch.float64, requires_grad=True)
    kept = torch.from_numpy(np.asarray([(given or {}).get(name, 0.0) for name in NAMES]) * scale)
    free = torch.tensor([name not in (given or {}) for name in NAMES])
    penalised = free.double()
    penalised[CONSTANT] = 0
    optimiser = torch.optim.LBFGS([weights], max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        utility = torch.nn.functional.pad(signals @ torch.where(free, weights, kept), (0, 1)).masked_fill(~there, -1e9)
        nats = -utility.log_softmax(-1).masked_fill(~right, -1e9).logsumexp(-1).mean()
        total: torch.Tensor = nats + ridge * (penalised * weights**2).sum()
        total.backward()
        return total

    optimiser.step(loss)
    found = torch.where(free, weights.detach(), kept).numpy() / scale
    found[CONSTANT] -= float((mean * found).sum() - mean[CONSTANT] * found[CONSTANT])
    return np.asarray(found)


def chosen(hole: Choices, weights: Matrix) -> tuple[float, bool]:
    """The probability given to the best candidate of a hole, and whether it is right."""
    if not len(hole.right):
        return 0.0, False
    utility = hole.signals @ weights
    best = int(utility.argmax())
    odds = np.exp(np.append(utility, 0.0) - max(0.0, utility.max()))
    return float(odds[best] / odds.sum()), bool(hole.right[best])


def reliability(results: Sequence[tuple[float, bool]]) -> list[dict[str, float]]:
    """By how sure it was: cases, mean probability, share of right ones."""
    rows = []
    for k in range(RELIABILITY_BINS):
        inside = [(p, ok) for p, ok in results if min(int(p * RELIABILITY_BINS), RELIABILITY_BINS - 1) == k]
        if inside:
            sure, ok = np.asarray(inside, dtype=np.float64).mean(axis=0)
            rows.append({"cases": len(inside), "confidence": round(float(sure), 3), "right": round(float(ok), 3)})
    return rows


def calibrated(holes: Sequence[Choices], default: Matrix) -> Matrix:
    """The default weights float64 [len(NAMES)], all scaled alike and the constant shifted, by maximum likelihood.

    So the order of candidates stays, and their probabilities are those of this model (Platt 1999, for many candidates).
    """
    useful = [hole for hole in holes if len(hole.right)]
    utilities = [torch.from_numpy(hole.signals @ default) for hole in useful]
    found = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([found], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        total = torch.zeros((), dtype=torch.float64)
        for utility, hole in zip(utilities, useful, strict=True):
            nats = torch.nn.functional.pad(found[0] * utility + found[1], (0, 1)).log_softmax(-1)
            right = torch.from_numpy(np.append(hole.right, not hole.right.any()))
            total = total - nats[right].logsumexp(-1)
        total = total / max(1, len(useful)) + CALIBRATION_RIDGE * ((found[0] - 1) ** 2 + found[1] ** 2)
        total.backward()
        return total

    optimiser.step(loss)
    scale, shift = (float(x) for x in found.detach())
    weights: Matrix = scale * default
    weights[CONSTANT] += shift
    return weights


CALIBRATION_RIDGE = 0.002


def default_weights() -> dict[bool, Matrix]:
    """The weights of a model for which none were fitted."""
    known = Ranking()
    both = ((False, known.inside), (True, known.lines))
    return {whole: np.asarray([getattr(weights, name) for name in NAMES]) for whole, weights in both}


def fit_both(holes: Sequence[Choices]) -> dict[bool, Matrix]:
    """Weights for holes inside a line (False) and for those that begin one (True)."""
    parts = {whole: [h for h in holes if h.whole_lines is whole] for whole in (False, True)}
    default = default_weights()
    return {
        whole: calibrated(part, default[whole]) if len(part) < FEW_HOLES else fit(part, given=held(part, Weights()))
        for whole, part in parts.items()
    }


OF_THE_NETWORK = (
    "mean_log_prob", "sum_log_prob", "odds", "least_log_prob", "end_log_prob", "copied_mean", "copied_sum", "copied_odds",
    "written", "written_rank", "copied_and_written", "copied", "parses", "breaks",
)  # fmt: skip
"""Signals that are not known before the network has read the context, and those that are one then for every copy."""


def unread(holes: Sequence[Choices]) -> list[Choices]:
    """The holes as they are before the network has read anything: the best copy is all there is to choose from."""
    copies = [
        Choices(signals=hole.before_reading[:1], right=hole.right[:1], whole_lines=hole.whole_lines)
        for hole in holes
        if len(hole.before_reading) and hole.is_copy
    ]
    return [copy for copy in copies if len(copy.right)]


def fit_unread(holes: Sequence[Choices]) -> dict[bool, Matrix] | None:
    """Weights by which a copy is judged before the network has read the context; None where there are too few."""
    known, given = unread(holes), dict.fromkeys(OF_THE_NETWORK, 0.0)
    parts = {whole: [h for h in known if h.whole_lines is whole] for whole in (False, True)}
    if any(len(part) < RARE_HOLES or not any(h.right.any() for h in part) for part in parts.values()):
        return None
    return {whole: fit(part, given=given) for whole, part in parts.items()}


def report_of(holes: Sequence[Choices]) -> dict[str, object]:
    """How well weights choose in holes that they were not fitted on: cross-validated in `FOLDS` parts."""
    chosen_in = [
        chosen(hole, weights[hole.whole_lines])
        for rest, part in folds(holes)
        for weights in [fit_both(rest)]
        for hole in part
    ]
    default = default_weights()
    return {
        "holes": len(holes),
        "some_candidate_right": round(float(np.mean([h.right.any() for h in holes])), 4),
        "default_weights": round(float(np.mean([chosen(h, default[h.whole_lines])[1] for h in holes])), 4),
        "cross_validated": round(float(np.mean([ok for _, ok in chosen_in])), 4),
        "calibration_error": calibration_error(chosen_in),
        "reliability": reliability(chosen_in),
        **_report_unread(holes),
    }


def calibration_error(results: Sequence[tuple[float, bool]]) -> float:
    """Mean distance of confidence and share of right ones, over ten parts of equal size by confidence (Naeini et al. 2015)."""
    ordered = np.asarray(sorted(results, key=lambda result: result[0]), dtype=np.float64)
    parts = [part for part in np.array_split(ordered, CALIBRATION_BINS) if len(part)]
    return round(float(sum(abs(part[:, 0].mean() - part[:, 1].mean()) * len(part) for part in parts)) / len(ordered), 4)


def folds(holes: Sequence[Choices]) -> list[tuple[list[Choices], list[Choices]]]:
    """(the rest, the part) of each of the folds; neighbours, which are often of one file, are in one part."""
    parts = [list(holes[at * len(holes) // FOLDS : (at + 1) * len(holes) // FOLDS]) for at in range(FOLDS)]
    return [([h for other in parts if other is not part for h in other], part) for part in parts]


def _report_unread(holes: Sequence[Choices]) -> dict[str, object]:
    """The same of weights for copies that the network has not seen."""
    found = list[tuple[float, bool]]()
    for rest, part in folds(holes):
        weights = fit_unread(rest)
        if weights is None:
            return {}
        found += [chosen(h, weights[h.whole_lines]) for h in unread(part)]
    return {"unread_calibration_error": calibration_error(found), "unread_reliability": reliability(found)}


def ranking_of(holes: Sequence[Choices]) -> dict[str, dict[str, object]]:
    """What `ranking.json` holds."""
    before = fit_unread(holes)
    found: dict[str, dict[str, object]] = {**_named(fit_both(holes)), "fit": report_of(holes)}
    if before:
        found["unread"] = {**_named(before)}
    return found


def _named(fitted: Mapping[bool, Matrix]) -> dict[str, dict[str, object]]:
    return {
        part: {name: round(float(w), 4) for name, w in zip(NAMES, fitted[whole], strict=True)}
        for part, whole in (("inside", False), ("lines", True))
    }


@click.command()
@click.argument("model", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("sources", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--cases", default=2100, show_default=True)
@click.option("--seed", default=7, show_default=True)
@click.option("--out", default="runs/choices.jsonl", show_default=True, type=click.Path(path_type=Path),
              help="What there was to choose from, a hole a line; an interrupted run goes on from there.")  # fmt: skip
@click.option("--part", "parts", type=(int, int), default=(0, 1), metavar="K N",
              help="Collect only every N-th hole from the K-th (from 0) on, and fit nothing: to share the work.")  # fmt: skip
def main(model: Path, sources: tuple[Path, ...], cases: int, seed: int, out: Path, parts: tuple[int, int]) -> None:
    """Write MODEL/ranking.json."""
    filler = open_filler(str(model))
    assert isinstance(filler, Infiller)
    end_torn_line(out)
    drawn, known = cases_from(sources, total=cases, kinds=KINDS, seed=seed), read_holes(out)
    collect = collector(filler, Ranking.read(model / "ranking.json"))
    wanted = [case for case in drawn[parts[0] :: parts[1]] if case.name not in known]
    for case in track(wanted, console=Console(stderr=True)):
        append_hole(out, collect(case))
    if parts[1] > 1:
        return
    known = read_holes(out)
    written = ranking_of([known[case.name] for case in drawn])
    written["fit"] |= {"packages": [source.name for source in sources], "seed": seed}
    (model / "ranking.json").write_text(json.dumps(written, indent=1) + "\n")
    click.echo(json.dumps(written["fit"]))


if __name__ == "__main__":
    main()
