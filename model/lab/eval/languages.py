"""`dlm-fill eval languages`: how well other languages than Python are filled, as users are served, from one command.

Holes are cut from packages as their registries hand them out (wheels, sdists, npm's and Debian's archives); each file
counts as its ending says. Two kinds of hole, whole lines and the rest of a line; exact means equal but for outer space.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from model.filler import open_filler
from model.lab.eval.cases import FILE_CHARACTERS, Case, holes
from model.lab.eval.measure import CaseResult, interval, judge
from model.lab.eval.report import append_result, end_torn_line, read_results
from model.lab.eval.served import Serve
from model.lab.eval.systems import template_of
from model.lab.train.adapt.archives import archives, read_archive
from model.types import Filler

KINDS = ("line", "rest")
LANGUAGES = ("python", "javascript", "typescript", "go", "rust", "c", "cpp", "java")
COMMENTS = {"python": ("#",)}
_OTHER_COMMENTS = ("//", "/*", "*", "#!")
SYSTEM = "languages"


@dataclass(frozen=True, kw_only=True)
class LanguageSource:
    """A file of a package."""

    package: str
    language: str
    text: str


def sources(folders: Sequence[Path], languages: Sequence[str]) -> Iterator[LanguageSource]:
    """The files of all permissively licensed packages in the folders. Raises BadRequest for a damaged archive."""
    low, high = FILE_CHARACTERS
    for path in (path for folder in folders for path in archives(folder)):
        archive = read_archive(path)
        for language, text in archive.files if archive else ():
            if language in languages and low <= len(text) <= high:
                yield LanguageSource(package=f"{archive.name} {archive.version}", language=language, text=text)  # type: ignore[union-attr]


def cases_of(found: Sequence[LanguageSource], *, language: str, each: int, seed: int) -> list[Case]:
    """`each` holes of every kind in files of that language, drawn over packages first, so that a large one is no more than one."""
    by_package: dict[str, list[LanguageSource]] = {}
    for source in found:
        if source.language == language:
            by_package.setdefault(source.package, []).append(source)
    rng, cases = random.Random(seed), list[Case]()
    order = sorted(by_package)
    for kind in KINDS:
        for n in range(each if order else 0):
            files = by_package[order[n % len(order)]]
            comments = COMMENTS.get(language, _OTHER_COMMENTS)
            drawn = holes([one.text for one in files], per_kind={kind: 1}, rng=rng, comments=comments)
            for at, line, _, (start, end) in drawn:
                text, package = files[at].text, files[at].package
                name = f"{language}:{package}:{at}:{line + 1}:{start}:{kind}"
                cases.append(
                    Case(name=name, kind=kind, prefix=text[:start], middle=text[start:end], suffix=text[end:], language=language)
                )  # fmt: skip
    return list({case.name: case for case in cases}.values())


def solve(filler: Filler, serve: Serve, case: Case) -> CaseResult:
    """What users get in the case's hole, against what stood there."""
    started = time.perf_counter()
    fill = serve(filler, case.prefix, case.suffix, template_of(case).holes[0], language=case.language)
    best = fill.candidates[0] if fill.candidates else None
    return judge(
        case,
        best.texts[0] if best else "",
        ms=1000 * (time.perf_counter() - started),
        forward_passes=fill.forward_passes,
        confidence=best.confidence if best else 0.0,
        origin=best.origin if best else "",
    )


def table_of(results: Mapping[str, Sequence[CaseResult]]) -> dict[str, dict[str, dict[str, object]]]:
    """By language and kind: holes, percent exact with its interval, and what share that is of Python's."""
    shares = {
        (language, kind): statistics.fmean(r.stripped for r in rows if r.kind == kind)
        for language, rows in results.items()
        for kind in KINDS
        if any(r.kind == kind for r in rows)
    }
    table: dict[str, dict[str, dict[str, object]]] = {}
    for (language, kind), share in shares.items():
        hits = [r.stripped for r in results[language] if r.kind == kind]
        python = shares.get(("python", kind))
        table.setdefault(language, {})[kind] = {
            "holes": len(hits),
            "exact": round(100 * share, 1),
            "exact_95": interval(hits),
            "of_python": round(share / python, 2) if python else None,
            "ms_p50": round(statistics.median(r.ms for r in results[language] if r.kind == kind), 1),
        }
    return table


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--packages", "folders", multiple=True, required=True,
              type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
              help="Folder of packages: .whl, .tar.gz, .tgz, .deb. Only clearly permissive licences are read.")  # fmt: skip
@click.option("--language", "languages", multiple=True, type=click.Choice(LANGUAGES), help="Languages (default: all).")
@click.option(
    "--cases", "each", default=60, show_default=True, type=click.IntRange(min=1), help="Holes of each kind, a language."
)
@click.option("--model", default="builtin", show_default=True, help="Name, or a directory.")
@click.option("--device", default="auto", show_default=True, type=click.Choice(["auto", "cpu", "cuda", "mps"]))
@click.option("--seed", default=0, show_default=True)
@click.option("--out", default="runs/languages.jsonl", show_default=True, type=click.Path(path_type=Path),
              help="Results, one a line; an interrupted run goes on from there.")  # fmt: skip
@click.pass_obj
def main(served: ModuleType | None, *, folders: tuple[Path, ...], languages: tuple[str, ...], each: int, model: str,
         device: str, seed: int, out: Path) -> None:  # fmt: skip
    """Fill holes in files of several languages, as users are served, and compare with Python."""
    if served is None:
        raise click.UsageError("what serves a file lies outside of model/: `dlm-fill eval languages` brings it along")
    console, wanted = Console(stderr=True), languages or LANGUAGES
    filler = open_filler(model, device=device)
    found = list(sources(folders, wanted))
    known = read_results(out)
    end_torn_line(out)
    results: dict[str, list[CaseResult]] = {}
    for language in wanted:
        cases = cases_of(found, language=language, each=each, seed=seed)
        if not cases:
            console.print(f"{language}: no files of 800 to 150,000 characters in these packages")
            continue
        for case in track(cases, description=language, console=console):
            result = known.get((SYSTEM, case.name))
            if result is None:
                result = solve(filler, served.serve, case)
                append_result(out, SYSTEM, result)
            results.setdefault(language, []).append(result)
    if not results:
        raise click.UsageError("no holes found: name --packages with archives of permissively licensed source")
    table = table_of(results)
    _show(table, console)
    packages = {name: sorted({s.package for s in found if s.language == name}) for name in results}
    click.echo(json.dumps({"model": filler.info.name, "table": table, "packages": packages, "seed": seed}))


def _show(table: Mapping[str, Mapping[str, Mapping[str, object]]], console: Console) -> None:
    shown = Table("language", "kind", "holes", "exact %", "95 %", "of Python's", "ms p50")
    for language, kinds in table.items():
        for kind, row in kinds.items():
            shown.add_row(
                language, kind, *(str(row[name]) for name in ("holes", "exact", "exact_95", "of_python", "ms_p50"))
            )
    console.print(shown)
