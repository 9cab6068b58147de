"""`dlm-fill eval`: quality of fills on code that the model has never seen."""

from __future__ import annotations

import asyncio
import email
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import track

from model.lab.eval.cases import KINDS, Case, cases_from
from model.lab.eval.jobs import spread
from model.lab.eval.measure import CaseResult
from model.lab.eval.own_cases import own_cases, sample, tasks
from model.lab.eval.report import append_result, end_torn_line, figures, mcnemar, read_results, show
from model.lab.eval.running import passes
from model.lab.eval.served import SERVED, Serve
from model.lab.eval.systems import ORACLE, SYSTEMS, WITH_FILES, SystemChoice
from model.types import Budget, FillOptions

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_RUNS_CODE = (
    "--infilling runs code that the model wrote, under limits but in no sandbox:"
    " add --run-code if this machine may run it"
)


def _standard_roots() -> list[Path]:
    """The held-out packages that every Python has."""
    return [Path(package.__path__[0]) for package in (asyncio, email)]


def evaluate(
    choices: Mapping[str, SystemChoice], cases: Sequence[Case], out: Path, console: Console, *, jobs: int = 1
) -> dict[str, list[CaseResult]]:
    """Every system on every case, in `jobs` processes; what `out` already holds is not computed again."""
    known = read_results(out)
    end_torn_line(out)
    results: dict[str, list[CaseResult]] = {name: [] for name in choices}
    # Opened here whatever `jobs` is: what cannot be opened says so before anything is computed.
    opened = {name: choice.open() for name, choice in choices.items()}
    if jobs > 1:
        opened.clear()
    for name, choice in choices.items():
        pending = [case for case in cases if (name, case.name) not in known]
        with closing(spread(choice.open, pending, jobs=jobs)) as elsewhere:
            fresh = map(opened[name], pending) if jobs == 1 else elsewhere
            for case in track(cases, description=name, console=console):
                result = known.get((name, case.name))
                if result is None:
                    result = next(fresh)
                    append_result(out, name, result)
                results[name].append(result)
    return results


def _cases(*, sources: Sequence[Path], kinds: Sequence[str], own: Path | None, infilling: Path | None,
           run_code: bool, total: int | None, seed: int) -> list[Case]:  # fmt: skip
    """The cases that the options name. Raises click.UsageError where they contradict each other, BadCases."""
    if own and infilling:
        raise click.UsageError("--jsonl and --infilling are two evaluations: give one of them")
    if (own or infilling) and (sources or kinds):
        raise click.UsageError(
            "--source and --kind say which holes to cut: leave them out where a file holds the cases"
        )
    if run_code and not infilling:
        raise click.UsageError("--run-code is for --infilling: nothing else runs code")
    if infilling:
        if not run_code:
            raise click.UsageError(_RUNS_CODE)
        found = tasks(infilling)
        if not passes("pass\n"):
            raise click.ClickException("this machine cannot run a program under limits: --infilling needs POSIX limits")
    elif own:
        found = own_cases(own)
    else:
        roots = list(sources) or _standard_roots()
        return cases_from(roots, total=1000 if total is None else total, kinds=kinds or KINDS, seed=seed)
    return found if total is None else sample(found, total=total, seed=seed)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--source", "sources", multiple=True, type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Folder of Python files to cut holes from (default: asyncio and email of this Python).")  # fmt: skip
@click.option("--jsonl", "own", type=_FILE,
              help="Python cases of your own instead: a JSON object a line with prefix, suffix, middle.")  # fmt: skip
@click.option("--infilling", type=_FILE,
              help="Tasks in the HumanEval-Infilling format instead (.jsonl, .jsonl.gz); needs --run-code.")  # fmt: skip
@click.option("--run-code", is_flag=True,
              help="Allow --infilling to run what the model writes: under limits, in no sandbox.")  # fmt: skip
@click.option("--cases", "total", type=click.IntRange(min=1),
              help="How many holes, over all folders and kinds (default: 1000), or how many of a file's (default: all).")  # fmt: skip
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Kinds of holes (default: all).")
@click.option("--system", "chosen", multiple=True, type=click.Choice([*SYSTEMS, ORACLE, WITH_FILES, *SERVED]),
              help="What to compare (default: the first four). `model` is the engine without drafts, `oracle-length`"
                   " the engine told the truth's length, `engine+files` the engine told of other files of the package,"
                   " `served` the engine with what editors and the command line have around it: context cut by syntax,"
                   " filters, and fills mended until they parse; `served-ranked` the same without mending,"
                   " `served-unchecked` without any notion of syntax.")  # fmt: skip
@click.option("--model", default="builtin", show_default=True, help="Name, or a directory.")
@click.option("--device", default="auto", show_default=True, type=click.Choice(["auto", "cpu", "cuda", "mps"]))
@click.option("--sampler", default="auto", show_default=True, metavar="SPEC",
              help="As in `dlm-fill --sampler`: blocks(entropy_bound(0.2), size=16), say.")  # fmt: skip
@click.option("--max-time", "max_time_s", type=float, help="Seconds of denoising a hole may take.")
@click.option("--seed", default=0, show_default=True)
@click.option("--vs", "other", help="A second model, compared with the first (McNemar).")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1),
              help="Processes, each with a model of its own on one thread: the same fills, other times.")  # fmt: skip
@click.option("--out", default="runs/eval.jsonl", show_default=True, type=click.Path(path_type=Path),
              help="Results, one a line; an interrupted run goes on from there.")  # fmt: skip
@click.pass_context
def main(context: click.Context, *, sources: tuple[Path, ...], own: Path | None, infilling: Path | None,
         run_code: bool, total: int | None, kinds: tuple[str, ...], chosen: tuple[str, ...], model: str, device: str,
         sampler: str, max_time_s: float | None, seed: int, other: str | None, jobs: int, out: Path) -> None:  # fmt: skip
    """Fill holes in held-out Python files, and compare with the truth and with baselines."""
    console = Console(stderr=True)
    names = chosen or SYSTEMS
    if other and "engine" not in names:
        raise click.UsageError("--vs compares the engine of two models: add --system engine")
    seeded = context.get_parameter_source("seed") is ParameterSource.COMMANDLINE
    if seeded and (own or infilling) and total is None:
        raise click.UsageError("--seed draws cases: with a file's cases it needs --cases")
    cases = _cases(
        sources=sources, kinds=kinds, own=own, infilling=infilling, run_code=run_code, total=total, seed=seed
    )
    if not cases:
        raise click.UsageError("no holes found: name a --source with Python files of 800 to 150,000 characters")
    serve: Serve | None = context.obj
    if serve is None and SERVED.keys() & set(names):
        raise click.UsageError("what serves a file lies outside of model/: `dlm-fill eval` brings it along")
    options = FillOptions(sampler=sampler, budget=Budget(max_time_s=max_time_s))
    choices = {n: SystemChoice(name=n, model=model, device=device, options=options, serve=serve) for n in names}
    if other:
        choices[f"engine@{other}"] = SystemChoice(name="engine", model=other, device=device, options=options)
    results = evaluate(choices, cases, out, console, jobs=jobs)
    show(results, console)
    summary = figures(results, {case.name: case.middle for case in cases})
    if other:
        summary["mcnemar"] = mcnemar(results["engine"], results[f"engine@{other}"])
    if {"engine", ORACLE} <= results.keys():
        summary["mcnemar_oracle_length"] = mcnemar(results["engine"], results[ORACLE])
    if {"engine", WITH_FILES} <= results.keys():
        summary["mcnemar_with_files"] = mcnemar(results[WITH_FILES], results["engine"])
    for freer in ("served-ranked", "served-unchecked"):
        if {"served", freer} <= results.keys():
            summary[f"mcnemar_served_{freer}"] = mcnemar(results["served"], results[freer])
    click.echo(json.dumps(summary))
