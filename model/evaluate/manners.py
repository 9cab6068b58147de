"""`dlm-fill eval manners`: is a suggestion shown where something is missing, and none where nothing is?

Four kinds of cursor in code that the model has never seen: where the rest of a line is missing, where a line is missing,
at the end of a complete line, and on a new line where nothing is missing. The threshold is chosen so that of the right
suggestions at least 95 % stay and of the needless ones at most 5 % are shown, or as near as the model allows; with
`--fit` it is written beside the model, where `Manners` reads it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from model.candidates.manners import MANNERS, Manners
from model.evaluate.cases import FILE_CHARACTERS, is_telling
from model.filler import directory_of, open_filler
from model.types import Filler

CURSORS = ("rest missing", "line missing", "complete line", "new line")
NEEDLESS = CURSORS[2:]
KEPT, SHOWN = 0.95, 0.05
MARGINS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
LEFT_ALONE = 0.9
"""Of sound lines so many are to be left alone, if a margin does that."""


class Suggest(Protocol):
    """What an editor would get at a cursor that somebody types at, and what a rewriting would leave."""

    def suggestion(self, filler: Filler, prefix: str, suffix: str) -> tuple[str, float] | None:
        """(text, confidence less what speaks for nothing) of the first suggestion that may be shown at all."""
        ...

    def rewritten(self, filler: Filler, prefix: str, old: str, suffix: str) -> tuple[str, bool | None]:
        """(what stands there after a rewriting, whether the file parses with it)."""
        ...


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """A cursor between `prefix` and `suffix`; `right`: what belongs there, "" for nothing."""

    kind: str
    prefix: str
    suffix: str
    right: str


@dataclass(frozen=True, kw_only=True)
class Offered:
    """What was offered at a cursor: how sure (None: nothing), and whether it is right."""

    kind: str
    confidence: float | None
    right: bool


def cursors(roots: Sequence[Path], *, each: int, seed: int) -> list[Cursor]:
    """`each` cursors of every kind, drawn over all Python files below the roots."""
    rng = random.Random(seed)
    texts = [p.read_text("utf-8", errors="ignore") for root in roots for p in sorted(root.rglob("*.py"))]
    texts = [t for t in texts if FILE_CHARACTERS[0] <= len(t) <= FILE_CHARACTERS[1] and "\r" not in t]
    if not texts:
        raise click.UsageError("no files: name a --source with Python files of 800 to 150,000 characters")
    return [_cursor(rng, texts, kind) for kind in CURSORS for _ in range(each)]


def _cursor(rng: random.Random, texts: Sequence[str], kind: str) -> Cursor:
    while True:
        lines = rng.choice(texts).split("\n")
        row = rng.randrange(len(lines) - 1)
        line = lines[row]
        if not is_telling(line):
            continue
        indent = len(line) - len(line.lstrip())
        above, below = "".join(f"{one}\n" for one in lines[:row]), "\n" + "\n".join(lines[row + 1 :])
        if kind == "rest missing":
            at = rng.randrange(indent + 1, len(line) - 1) if len(line) - indent > 3 else 0
            if not at or not line[at:].strip():
                continue
            return Cursor(kind=kind, prefix=above + line[:at], suffix=below, right=line[at:])
        if kind == "line missing":
            return Cursor(kind=kind, prefix=above + line[:indent], suffix=below, right=line[indent:])
        if kind == "complete line":
            return Cursor(kind=kind, prefix=above + line, suffix=below, right="")
        return Cursor(kind=kind, prefix=f"{above}{line}\n{line[:indent]}", suffix=below, right="")


def fitted(offered: Sequence[Offered]) -> float:
    """The least confidence that shows at most 5 % of the needless and keeps 95 % of the right; else where what is lost
    of both, beyond these bounds, is least.
    """
    right = [o.confidence for o in offered if o.right and o.confidence is not None]
    needless = [o.confidence for o in offered if o.kind in NEEDLESS]

    def missed(threshold: float) -> float:
        kept = sum(c >= threshold for c in right) / max(len(right), 1)
        shown = sum(c is not None and c >= threshold for c in needless) / max(len(needless), 1)
        return max(0.0, KEPT - kept) + max(0.0, shown - SHOWN)

    return min((n / 100 for n in range(100)), key=lambda threshold: (round(missed(threshold), 6), threshold))


def fitted_margin(changed: dict[float, float]) -> float:
    """The least margin by which nine of ten sound lines are left alone; the largest if none does.

    changed: the share of sound lines that a rewriting changes, by margin.
    """
    return next((m for m in sorted(changed) if round(1 - changed[m], 6) >= LEFT_ALONE), max(changed))


def table_of(offered: Sequence[Offered], threshold: float) -> dict[str, dict[str, float]]:
    """By kind: cursors, shown without a threshold and with it, right ones of these."""
    rows: dict[str, dict[str, float]] = {}
    for kind in CURSORS:
        of = [o for o in offered if o.kind == kind]
        any_ = [o for o in of if o.confidence is not None]
        shown = [o for o in any_ if (o.confidence or 0) >= threshold]
        rows[kind] = {
            "cursors": len(of),
            "shown_without": len(any_),
            "right_without": sum(o.right for o in any_),
            "shown": len(shown),
            "right": sum(o.right for o in shown),
        }
    return rows


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--source", "sources", multiple=True, type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Folder of Python files (default: asyncio and email of this Python).")  # fmt: skip
@click.option(
    "--cases", "each", default=150, show_default=True, type=click.IntRange(min=1), help="Cursors of each kind."
)
@click.option("--sound", default=100, show_default=True, type=click.IntRange(min=0), help="Sound lines to rewrite.")
@click.option("--model", default="builtin", show_default=True, help="Name, or a directory.")
@click.option("--device", default="auto", show_default=True, type=click.Choice(["auto", "cpu", "cuda", "mps"]))
@click.option("--seed", default=3, show_default=True)
@click.option("--fit", is_flag=True, help=f"Write what was fitted to {MANNERS} beside the model.")
@click.pass_obj
def main(suggest: Suggest | None, *, sources: tuple[Path, ...], each: int, sound: int, model: str, device: str,
         seed: int, fit: bool) -> None:  # fmt: skip
    """Measure, and fit, when to be silent: thresholds for suggestions and rewritings."""
    from model.evaluate.command import _standard_roots

    if suggest is None:
        raise click.UsageError("what serves a file lies outside of model/: `dlm-fill eval manners` brings it along")
    console, filler = Console(stderr=True), open_filler(model, device=device)
    roots = list(sources) or _standard_roots()
    offered = []
    for cursor in track(cursors(roots, each=each, seed=seed), console=console, description="cursors"):
        made = suggest.suggestion(filler, cursor.prefix, cursor.suffix)
        right = made is not None and bool(cursor.right) and made[0].strip() == cursor.right.strip()
        offered.append(Offered(kind=cursor.kind, confidence=made[1] if made else None, right=right))
    threshold = fitted(offered)
    place = directory_of(model) / MANNERS
    known = Manners.read(place)
    margins = _margins(suggest, filler, cursors(roots, each=sound, seed=seed + 1), console)
    found = replace(known, min_confidence=threshold)
    if margins:
        found = replace(found, rewrite_margin_nats=fitted_margin({m: share for m, (share, _) in margins.items()}))
    rows = table_of(offered, threshold)
    _show(rows, console)
    written = {
        "min_confidence": found.min_confidence,
        "rewrite_margin_nats": found.rewrite_margin_nats,
        "fit": {
            "cursors": rows,
            "sound_lines_changed_and_broken_by_margin": {str(m): both for m, both in margins.items()},
            "seed": seed,
        },
    }
    if fit:
        place.write_text(json.dumps(written, indent=1) + "\n")
    console.print(f"{'written to' if fit else 'with --fit written to'} {place}; in use: {known}")
    click.echo(json.dumps(written))


def _margins(
    suggest: Suggest, filler: Filler, found: Sequence[Cursor], console: Console
) -> dict[float, tuple[float, float]]:
    """Which share of sound lines a rewriting changes and breaks, by margin; {} where the back end knows no margin."""
    from model.local import LocalFiller

    lines = [c for c in found if c.kind == "line missing"]
    if not lines or not isinstance(filler, LocalFiller):
        return {}
    shares = {}
    for margin in track(MARGINS, console=console, description="rewritings"):
        other = filler.with_manners(Manners(rewrite_margin_nats=margin))
        left = [(c.right, suggest.rewritten(other, c.prefix, c.right, c.suffix)) for c in lines]
        changed = sum(text != old for old, (text, _) in left) / len(lines)
        broken = sum(parses is False for _, (_, parses) in left) / len(lines)
        shares[margin] = (changed, broken)
    return shares


def _show(rows: dict[str, dict[str, float]], console: Console) -> None:
    table = Table("cursor", "cursors", "shown before", "right", "shown", "right")
    for kind, row in rows.items():
        table.add_row(kind, *(str(value) for value in row.values()))
    console.print(table)
