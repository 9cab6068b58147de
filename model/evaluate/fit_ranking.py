"""Fit the weights by which candidates are ranked: `python -m model.evaluate.fit_ranking MODEL_DIR SOURCE…`.

Holes are cut from packages that neither training nor the reported evaluation has seen; every candidate that
the engine had to choose from is kept with its features. The weights maximise the probability (a softmax over
a hole's candidates) of the right ones; holes that no candidate fills right say nothing and are left out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from model.attempts import Attempt
from model.checkpoints.builtin import load
from model.evaluate.cases import Case, cases_from
from model.evaluate.measure import parses
from model.evaluate.systems import request_of
from model.local import LocalFiller
from model.ranking import Weights, signals

Matrix = NDArray[np.float64]
NAMES = tuple(f.name for f in fields(Weights))


def candidates_of(case: Case, attempts: Sequence[Attempt]) -> tuple[Matrix, NDArray[np.bool_]]:
    """Signals float64 [n, len(NAMES)] of the candidates, and which are right."""
    rows, right = [], []
    for attempt in attempts:
        text = attempt.texts[0]
        given = signals(attempt.features(parses(case.prefix + text + case.suffix)))
        rows.append([given[name] for name in NAMES])
        right.append(text.strip() == case.middle.strip())
    return np.asarray(rows, dtype=np.float64).reshape(-1, len(NAMES)), np.asarray(right, dtype=bool)


def fit(holes: Sequence[tuple[Matrix, NDArray[np.bool_]]], *, steps: int = 2000, ridge: float = 0.01) -> Matrix:
    """Weights float64 [len(NAMES)] by gradient ascent on standardised signals."""
    useful = [(x, y) for x, y in holes if y.any() and not y.all()]
    scale = np.concatenate([x for x, _ in useful]).std(axis=0) + 1e-9
    weights = np.zeros(len(NAMES))
    for step in range(steps):
        gradient = -ridge * weights
        for x, y in useful:
            z = x / scale
            utility = z @ weights
            p = np.exp(utility - utility.max())
            p /= p.sum()
            target = p * y / (p * y).sum()
            gradient += z.T @ (target - p) / len(useful)
        weights += 0.5 * gradient / (1 + step / 1000)
    return np.asarray(weights / scale)


def accuracy(holes: Sequence[tuple[Matrix, NDArray[np.bool_]]], weights: Matrix) -> float:
    """Share of holes whose best candidate by `weights` is right."""
    return float(np.mean([len(y) > 0 and bool(y[(x @ weights).argmax()]) for x, y in holes]))


@click.command()
@click.argument("model", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("sources", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--cases", default=600, show_default=True)
@click.option("--seed", default=7, show_default=True)
def main(model: Path, sources: tuple[Path, ...], cases: int, seed: int) -> None:
    """Write MODEL/ranking.json."""
    seen: list[list[Attempt]] = []
    denoiser, tokenizer = load(model, device="auto")
    filler = LocalFiller(denoiser, tokenizer, name="fit", device="", on_attempts=seen.append, sure=False)
    holes = []
    for case in track(
        cases_from(sources, total=cases, kinds=("line", "rest", "argument"), seed=seed), console=Console(stderr=True)
    ):
        filler.fill(request_of(case))
        holes.append(candidates_of(case, seen[-1]))
    odd, even = holes[::2], holes[1::2]
    default = np.asarray([getattr(Weights(), name) for name in NAMES])
    report = {
        "holes": len(holes),
        "some_candidate_right": round(float(np.mean([y.any() for _, y in holes])), 4),
        "default_weights": round(accuracy(holes, default), 4),
        "fitted_on_the_other_half": round((accuracy(even, fit(odd)) + accuracy(odd, fit(even))) / 2, 4),
    }
    weights = {name: round(float(w), 4) for name, w in zip(NAMES, fit(holes), strict=True)}
    (model / "ranking.json").write_text(json.dumps({"weights": weights, "fit": report}, indent=1) + "\n")
    click.echo(json.dumps(report))


if __name__ == "__main__":
    main()
