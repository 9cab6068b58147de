"""`dlm-fill eval manners`: is a suggestion shown where something is missing, and none where nothing is?

Four kinds of cursor in code that the model has never seen: where the rest of a line is missing, where a line is missing,
at the end of a complete line, and on a new line where nothing is missing. How likely it is that nothing belongs there is
calibrated first. Then the threshold is chosen so that of the right suggestions at least 95 % stay and of the needless ones
at most 5 % are shown, or as near as the model allows; with `--fit` both are written beside the model, where `Manners`
reads them. What was fitted on the packages of `--source` is tried on those of `--test`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from model.backends.locate import directory_of
from model.filler import open_filler
from model.infill.rerank.manners import MANNERS, Manners
from model.lab.eval.report import end_torn_line
from model.lab.manners.cursors import Cursor, cursors
from model.lab.manners.fit import (
    Offered,
    append_offered,
    fitted,
    fitted_emptiness,
    fitted_margin,
    read_offered,
    shares_of,
    table_of,
)
from model.types import Filler

MARGINS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


class Suggest(Protocol):
    """What an editor would get at a cursor that somebody types at, and what a rewriting would leave."""

    def suggestion(self, filler: Filler, prefix: str, suffix: str) -> tuple[str, float, float] | None:
        """(text, confidence, how likely it is that nothing belongs there) of the first suggestion that may be shown at all."""
        ...

    def rewritten(self, filler: Filler, prefix: str, old: str, suffix: str) -> tuple[str, bool | None]:
        """(what stands there after a rewriting, whether the file parses with it)."""
        ...


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--source", "sources", multiple=True, type=_FOLDER,
              help="Folder of Python files (default: asyncio and email of this Python).")  # fmt: skip
@click.option("--test", "tests", multiple=True, type=_FOLDER, help="Folder of Python files to try it on.")
@click.option(
    "--cases", "each", default=150, show_default=True, type=click.IntRange(min=1), help="Cursors of each kind."
)
@click.option("--sound", default=100, show_default=True, type=click.IntRange(min=0), help="Sound lines to rewrite.")
@click.option("--model", default="builtin", show_default=True, help="Name, or a directory.")
@click.option("--device", default="auto", show_default=True, type=click.Choice(["auto", "cpu", "cuda", "mps"]))
@click.option("--seed", default=3, show_default=True)
@click.option("--out", default="runs/manners.jsonl", show_default=True, type=click.Path(path_type=Path),
              help="What was offered, a cursor a line; an interrupted run goes on from there.")  # fmt: skip
@click.option("--fit", is_flag=True, help=f"Write what was fitted to {MANNERS} beside the model.")
@click.pass_obj
def main(suggest: Suggest | None, *, sources: tuple[Path, ...], tests: tuple[Path, ...], each: int, sound: int,
         model: str, device: str, seed: int, out: Path, fit: bool) -> None:  # fmt: skip
    """Measure, and fit, when to be silent: thresholds for suggestions and rewritings."""
    from model.lab.eval.evaluate import _standard_roots

    if suggest is None:
        raise click.UsageError("what serves a file lies outside of model/: `dlm-fill eval manners` brings it along")
    console, filler = Console(stderr=True), open_filler(model, device=device)
    roots = list(sources) or _standard_roots()
    place = directory_of(model) / MANNERS
    known = Manners.read(place)
    plain = _without_manners(filler)
    offered = _offered(suggest, plain, cursors(roots, each=each, seed=seed), out, console)
    nothing = fitted_emptiness(offered)
    found = replace(known, min_confidence=fitted(offered, nothing), nothing=nothing)
    margins = _margins(suggest, filler, cursors(roots, each=sound, seed=seed + 1) if sound else [], console)
    if margins:
        found = replace(found, rewrite_margin_nats=fitted_margin({m: share for m, (share, _) in margins.items()}))
    rows = table_of(offered, found.min_confidence, nothing)
    _show("fitted on", rows, console)
    tried = table_of(_offered(suggest, plain, cursors(list(tests), each=each, seed=seed), out, console),
                     found.min_confidence, nothing) if tests else {}  # fmt: skip
    if tried:
        _show("tried on", tried, console)
    written = {
        "min_confidence": found.min_confidence,
        "rewrite_margin_nats": found.rewrite_margin_nats,
        **({"nothing": asdict(nothing)} if nothing else {}),
        "fit": {
            "cursors": rows,
            **shares_of(rows),
            **(
                {"test": {"packages": [root.name for root in tests], "cursors": tried, **shares_of(tried)}}
                if tried
                else {}
            ),
            "packages": [root.name for root in roots],
            "sound_lines_changed_and_broken_by_margin": {str(m): both for m, both in margins.items()},
            "seed": seed,
        },
    }
    if fit:
        place.write_text(json.dumps(written, indent=1) + "\n")
    console.print(f"{'written to' if fit else 'with --fit written to'} {place}; in use: {known}")
    click.echo(json.dumps(written))


def _without_manners(filler: Filler) -> Filler:
    """The filler before anything was fitted, which says how likely nothing is as its network says it."""
    from model.infill.infiller import Infiller

    return filler.with_manners(Manners()) if isinstance(filler, Infiller) else filler


def _offered(suggest: Suggest, filler: Filler, found: Sequence[Cursor], out: Path, console: Console) -> list[Offered]:
    """What is offered at each cursor; what `out` holds already is not asked for again."""
    known, offered = read_offered(out), list[Offered]()
    end_torn_line(out)
    for cursor in track(found, console=console, description="cursors"):
        name = blake2b(f"{cursor.kind}\0{cursor.prefix}\0{cursor.suffix}".encode(), digest_size=12).hexdigest()
        if name not in known:
            made = suggest.suggestion(filler, cursor.prefix, cursor.suffix)
            right = made is not None and bool(cursor.right) and made[0].strip() == cursor.right.strip()
            confidence, nothing = (made[1], made[2]) if made else (None, 0.0)
            known[name] = Offered(kind=cursor.kind, confidence=confidence, right=right, nothing=nothing, cursor=name)
            append_offered(out, known[name])
        offered.append(known[name])
    return offered


def _margins(
    suggest: Suggest, filler: Filler, found: Sequence[Cursor], console: Console
) -> dict[float, tuple[float, float]]:
    """Which share of sound lines a rewriting changes and breaks, by margin; {} where the back end knows no margin."""
    from model.infill.infiller import Infiller

    lines = [c for c in found if c.kind == "line missing"]
    if not lines or not isinstance(filler, Infiller) or not filler.weighs_rewritings:
        return {}
    shares = {}
    for margin in track(MARGINS, console=console, description="rewritings"):
        other = filler.with_manners(Manners(rewrite_margin_nats=margin))
        left = [(c.right, suggest.rewritten(other, c.prefix, c.right, c.suffix)) for c in lines]
        changed = sum(text != old for old, (text, _) in left) / len(lines)
        broken = sum(parses is False for _, (_, parses) in left) / len(lines)
        shares[margin] = (changed, broken)
    return shares


def _show(title: str, rows: dict[str, dict[str, float]], console: Console) -> None:
    table = Table(title, "cursors", "shown before", "right", "shown", "right")
    for kind, row in rows.items():
        table.add_row(kind, *(str(value) for value in row.values()))
    console.print(table)
