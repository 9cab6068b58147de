"""`dlm-fill eval refactor --model NAME`: the figures."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from lsp_server.bench.filled import suspicious
from lsp_server.bench.filled.cases import drawn, files
from lsp_server.bench.filled.filled_case import FilledCase, Make
from lsp_server.bench.filled.project_tests import ProjectTests
from lsp_server.bench.filled.times import CaseTimes
from lsp_server.bench.filled.transforms import TRANSFORMS, implement
from lsp_server.errors import InputError
from lsp_server.transforms.applying import Refactored, change_of, refactored
from lsp_server.transforms.suspicious.suspicions import NAME as SUSPICIOUS
from model.filler import open_filler
from model.types import Budget, Filler, FillOptions

_MAX_TIME_S = 60.0


def measured(
    name: str,
    filler: Filler,
    roots: Sequence[Path],
    *,
    cases: int,
    seed: int,
    max_time_s: float | None,
    make: Make | None = None,
) -> dict[str, Any]:
    """The figures of one refactoring, in shares of what there was to get right; times in milliseconds."""
    rng = random.Random(seed)
    sums, baselines, times, done = defaultdict[str, float](float), defaultdict[str, float](float), CaseTimes(), 0
    for file, function in drawn(files(roots, rng), rng):
        if done == cases:
            break
        case = (make or TRANSFORMS[name])(file, function, rng)
        if case is None:
            continue
        with times.measured():
            result = _result(case, filler, max_time_s)
        done += 1
        found = case.judge(result)
        for key, value in found.items():
            sums[key] += value
        for key, value in case.baselines.items():
            baselines[key] += value
        told = {
            "case": f"{file.path.name}:{function.name}",
            **found,
            "baselines": dict(case.baselines),
            "right": case.right,
            **_said(result, case.candidates),
            "ms": round(times.ms[-1]),
        }
        click.echo(f"{name} {done}/{cases} {json.dumps(told)}", err=True)
    of = sums.pop("types", float(done))
    shares = {key: round(value / of, 3) for key, value in sums.items()} if done else {}
    given = {key: round(value / of, 3) for key, value in baselines.items()}
    return {"transform": name, "cases": done, "of": of, **shares, "baselines": given, **times.figures()}


def _result(case: FilledCase, filler: Filler, max_time_s: float | None) -> Refactored | None:
    """What was made; None where nothing that fits was found, or the refactoring refuses."""
    options = FillOptions(candidates=case.candidates, budget=Budget(max_time_s=max_time_s))
    try:
        change = change_of(case.refactoring, case.snapshot, case.region, answers={})
        return refactored(case.snapshot, change, filler, options, cancelled=lambda: False)
    except InputError:
        return None


def _said(result: Refactored | None, candidates: int) -> dict[str, Any]:
    """What was written into the holes and how sure the model is of it, so that wrong cases can be read and thresholds set."""
    if result is None:
        return {"texts": [], "confidence": None}
    best = result.results[0]
    texts = list(best.texts) if candidates == 1 else [one.texts[0] for one in result.results[:candidates]]
    return {"texts": texts, "confidence": None if best.confidence is None else round(best.confidence, 4)}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--transform",
    "names",
    multiple=True,
    type=click.Choice([*TRANSFORMS, SUSPICIOUS]),
    help="Which (default: all).",
)
@click.option("--model", default="builtin", show_default=True, help="Name, or a directory.")
@click.option("--source", "roots", multiple=True, required=True, type=click.Path(exists=True, path_type=Path),
              help="Folders of Python packages that the model has not seen.")  # fmt: skip
@click.option("--cases", default=50, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--max-time", "max_time_s", default=_MAX_TIME_S, show_default=True, help="Seconds a case may take at most."
)
@click.option(
    "--run-code", is_flag=True, help="Allow `implement` to run what the model writes: under limits, in no sandbox."
)
@click.option("--tests", default="", metavar="COMMAND",
              help="Judge `implement` by the tests of the sources' projects, not by doctests: run in a copy of each.")  # fmt: skip
def main(*, names: tuple[str, ...], model: str, roots: tuple[Path, ...], cases: int, seed: int, max_time_s: float,
         run_code: bool, tests: str) -> int:  # fmt: skip
    """Take something out of real code, have the refactoring put it in again, and compare. The last line is JSON."""
    if "implement" in names and not run_code:
        raise click.UsageError("implement runs code that the model wrote: add --run-code if this machine may run it")
    filler = open_filler(model)
    wanted = names or [name for name in (*TRANSFORMS, SUSPICIOUS) if run_code or name != "implement"]
    report = []
    makes: dict[str, Make] = {
        **TRANSFORMS,
        "implement": partial(implement, tests=ProjectTests(tests) if tests else None),
    }
    for name in wanted:
        if name == SUSPICIOUS:
            figures = suspicious.measured(
                filler,
                roots,
                cases=cases,
                seed=seed,
                max_time_s=max_time_s,
                say=lambda text: click.echo(text, err=True),
            )
        else:
            figures = measured(name, filler, roots, cases=cases, seed=seed, max_time_s=max_time_s, make=makes[name])
        click.echo(json.dumps(figures))
        report.append(figures)
    click.echo(json.dumps(report))
    return 0
