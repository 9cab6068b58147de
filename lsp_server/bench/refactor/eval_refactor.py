"""`dlm-fill eval refactor`: refactor real functions, and judge the results without a model."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import click

from lsp_server.bench.refactor.behaviour import module_files
from lsp_server.bench.refactor.cases import CaseSource, sources
from lsp_server.bench.refactor.compiled import Compiler
from lsp_server.bench.refactor.extraction import Make, cases_in_javascript, function_case, inline_case, variable_case
from lsp_server.bench.refactor.javascript import judge_with
from lsp_server.bench.refactor.outcome import Outcome
from lsp_server.bench.refactor.package_tests import PackageTests
from lsp_server.bench.refactor.rename import rename_case, rename_case_in_javascript, rename_case_of_locals

TRANSFORMS: Mapping[str, Make] = MappingProxyType(
    {
        "rename": rename_case,
        "extract-variable": variable_case,
        "extract-function": function_case,
        "inline-variable": inline_case,
    }
)
SUFFIXES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "python": (".py",),
        "javascript": (".js", ".mjs", ".cjs"),
        "typescript": (".ts", ".mts", ".cts"),
        "go": (".go",),
        "rust": (".rs",),
        "java": (".java",),
        "c": (".c",),
        "cpp": (".cc", ".cpp"),
    }
)
_TRIES = 40
"""For each case that is wanted, so many places are tried at most."""
_AT_ONCE = 4
"""Try this many places of a file, then read the next file."""


@dataclass
class Tally:
    """What became of the cases of one transform in one language."""

    transform: str
    language: str
    tried: int = 0
    made: int = 0
    faults: list[Outcome] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    def take(self, outcome: Outcome) -> None:
        self.tried += 1
        if outcome.refused:
            self.refused[re.sub(r"\d+", "N", outcome.refused)] += 1
            return
        self.made += 1
        if outcome.fault:
            self.faults.append(outcome)


def run(
    transform: str,
    language: str,
    paths: Sequence[Path],
    *,
    cases: int,
    seed: int,
    modules: Mapping[Path, str],
    make: Make | None = None,
) -> Tally:
    """Refactor until `cases` changes were made and judged, or nothing more comes of it.

    `modules`: the files whose own tests have to pass, too. `make`: makes and judges a case (None: as in Python).
    """
    rng, tally = random.Random(seed), Tally(transform, language)
    files = list(sources(paths, language, SUFFIXES[language], rng))
    for source in _in_turn(files, cases * _TRIES):
        outcome = (make or TRANSFORMS[transform])(source, rng, modules.get(source.path, ""))
        if outcome is not None:
            tally.take(outcome)
        if tally.made >= cases:
            break
    return tally


def _in_turn(files: Sequence[CaseSource], most: int) -> Iterator[CaseSource]:
    """Each file several times, all of them in turn."""
    given = 0
    while files and given < most:
        for source in files:
            yield from [source] * _AT_ONCE
            given += _AT_ONCE


def _makes(language: str, judge: Path, flags: tuple[str, ...], tests: str) -> Mapping[str, Make]:
    """What makes and judges a case, by the refactorings that the language has."""
    if language == "python":
        return TRANSFORMS
    if language in ("javascript", "typescript"):
        known = judge_with(judge, language)
        run_tests = PackageTests(tests) if tests else None
        return {"rename": rename_case_in_javascript(known), **cases_in_javascript(known, run_tests)}
    return {"rename": rename_case_of_locals(Compiler(language, flags))}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--transform", "transforms", multiple=True, type=click.Choice(list(TRANSFORMS)),
              help="Which refactorings (default: all that the language has).")  # fmt: skip
@click.option("--language", default="python", show_default=True, type=click.Choice(list(SUFFIXES)))
@click.option("--source", "paths", multiple=True, type=click.Path(exists=True, path_type=Path),
              help="Files or folders to refactor (default: modules of this Python whose own tests are run, too).")  # fmt: skip
@click.option(
    "--judge",
    default="editors/vscode/node_modules",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of npm packages: espree and eslint-scope judge JavaScript, typescript-eslint judges TypeScript.",
)
@click.option("--tests", default="", metavar="COMMAND",
              help="Also judge by a package's own tests: run in a copy of it (JavaScript, TypeScript).")  # fmt: skip
@click.option("--flag", "flags", multiple=True, help="A further flag for the compiler that judges, such as -I/FOLDER.")
@click.option(
    "--cases", default=300, show_default=True, type=click.IntRange(1), help="Changes to make and judge, each."
)
@click.option("--seed", default=0, show_default=True)
@click.option("--refusals", is_flag=True, help="List the reasons of refusals, too.")
def main(
    *,
    transforms: tuple[str, ...],
    language: str,
    paths: tuple[Path, ...],
    judge: Path,
    tests: str,
    flags: tuple[str, ...],
    cases: int,
    seed: int,
    refusals: bool,
) -> int:
    """Refactor real functions and judge the results: they compile, each name means what it meant, and the module's own tests pass.

    Names are judged by Python's `symtable` and `ast`, by ESLint's scope analysis or by the compiler, not by our own
    analysis. Exit status 1: something was changed.
    """
    modules = module_files() if language == "python" else {}
    makes = _makes(language, judge, flags, tests)
    if unknown := [name for name in transforms if name not in makes]:
        raise click.UsageError(f"{', '.join(unknown)} is not judged in {language}")
    if not paths and language != "python":
        raise click.UsageError("name --source, such as the folder of a package")
    tallies = []
    for name in transforms or makes:
        tally = run(name, language, paths or list(modules), cases=cases, seed=seed, modules=modules, make=makes[name])
        tallies.append(tally)
        click.echo(f"{name:17} {language:11} cases {tally.made:4}  passed {tally.made - len(tally.faults):4}  "
                   f"refused {sum(tally.refused.values()):5}")  # fmt: skip
        for fault in tally.faults:
            click.echo(f"  {fault.file}:{fault.line}: {fault.fault}")
        for reason, count in tally.refused.most_common() if refusals else ():
            click.echo(f"  {count:5} {reason}")
    report = [
        {"transform": t.transform, "language": t.language, "cases": t.made, "passed": t.made - len(t.faults), "refused":
         sum(t.refused.values())} for t in tallies
    ]  # fmt: skip
    click.echo(json.dumps(report))
    return 1 if any(t.faults or not t.made for t in tallies) else 0
