"""`dlm-fill eval`: quality of fills on code that the model has never seen."""

from __future__ import annotations

import asyncio
import email
import json
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from model.evaluate.cases import KINDS, Case, cases_from
from model.evaluate.measure import Result
from model.evaluate.report import append_result, figures, mcnemar, read_results, show
from model.evaluate.systems import System, filler_system, longest_match, previous_line
from model.filler import open_filler
from model.types import Filler


def _standard_roots() -> list[Path]:
    """The held-out packages that every Python has."""
    return [Path(package.__path__[0]) for package in (asyncio, email)]


def _own(model: str, device: str, *, drafts: bool) -> Filler:
    return open_filler(model, device=device, drafts=drafts)


def _systems(
    model: str, device: str, sampler: str, max_time_s: float | None, chosen: Sequence[str]
) -> dict[str, System]:
    made: dict[str, System] = {}
    for name in chosen:
        if name == "previous-line":
            made[name] = previous_line
        elif name == "longest-match":
            made[name] = longest_match
        else:
            filler = _own(model, device, drafts=name == "engine")
            made[name] = filler_system(filler, sampler=sampler, max_time_s=max_time_s)
    return made


def evaluate(systems: dict[str, System], cases: Sequence[Case], out: Path, console: Console) -> dict[str, list[Result]]:
    """Every system on every case; what `out` already holds is not computed again."""
    known = read_results(out)
    results: dict[str, list[Result]] = {name: [] for name in systems}
    for name, system in systems.items():
        for case in track(cases, description=name, console=console):
            result = known.get((name, case.name))
            if result is None:
                result = system(case)
                append_result(out, name, result)
            results[name].append(result)
    return results


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--source", "sources", multiple=True, type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Folder of Python files to cut holes from (default: asyncio and email of this Python).")  # fmt: skip
@click.option("--cases", "total", default=1000, show_default=True, help="How many holes, over all folders and kinds.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Kinds of holes (default: all).")
@click.option("--system", "chosen", multiple=True, type=click.Choice(["engine", "model", "longest-match", "previous-line"]),
              help="What to compare (default: all). `model` is the engine without drafts.")  # fmt: skip
@click.option("--model", default="builtin", show_default=True, help="Name, or a directory.")
@click.option("--device", default="auto", show_default=True, type=click.Choice(["auto", "cpu", "cuda", "mps"]))
@click.option("--sampler", default="auto", show_default=True)
@click.option("--max-time", "max_time_s", type=float, help="Seconds of denoising a hole may take.")
@click.option("--seed", default=0, show_default=True)
@click.option("--vs", "other", help="A second model, compared with the first (McNemar).")
@click.option("--out", default="runs/eval.jsonl", show_default=True, type=click.Path(path_type=Path),
              help="Results, one a line; an interrupted run goes on from there.")  # fmt: skip
def main(*, sources: tuple[Path, ...], total: int, kinds: tuple[str, ...], chosen: tuple[str, ...], model: str,
         device: str, sampler: str, max_time_s: float | None, seed: int, other: str | None, out: Path) -> None:  # fmt: skip
    """Cut holes into held-out Python files, fill them, and compare with the truth and with baselines."""
    console = Console(stderr=True)
    cases = cases_from(list(sources) or _standard_roots(), total=total, kinds=kinds or KINDS, seed=seed)
    if not cases:
        raise click.UsageError("no holes found: name a --source with Python files of 800 to 150,000 characters")
    names = chosen or ("engine", "model", "longest-match", "previous-line")
    systems = _systems(model, device, sampler, max_time_s, names)
    if other:
        systems |= {f"{n}@{other}": s for n, s in _systems(other, device, sampler, max_time_s, ("engine",)).items()}
    results = evaluate(systems, cases, out, console)
    show(results, console)
    summary = figures(results)
    if other:
        summary["mcnemar"] = mcnemar(results["engine"], results[f"engine@{other}"])
    click.echo(json.dumps(summary))
