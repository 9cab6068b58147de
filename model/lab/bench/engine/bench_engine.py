"""`dlm-fill bench engine`: what holds for the engine whatever the model: keystrokes, memory, drafts, confidence."""

from __future__ import annotations

import asyncio.base_events
import email
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from model.filler import open_filler
from model.infill.infiller import Infiller
from model.lab.bench.engine.keystrokes import GOAL as KEYSTROKE_GOAL
from model.lab.bench.engine.keystrokes import keystrokes
from model.lab.bench.engine.memory import GOAL_PERCENT as MEMORY_GOAL
from model.lab.bench.engine.memory import memory
from model.lab.bench.engine.quality import quality
from model.lab.eval.cases import cases_from
from model.measuring import about, last_line, load

PREFIXES = (200, 2000, 4000)
SECTIONS = ("keystrokes", "memory", "quality")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--model", default="builtin", show_default=True)
@click.option("--section", "chosen", multiple=True, type=click.Choice(SECTIONS), help="What to measure (default: all).")
@click.option(
    "--cases", default=60, show_default=True, type=click.IntRange(min=1), help="Holes of the section quality."
)
@click.option(
    "--memory", "fills", default=200, show_default=True, type=click.IntRange(min=1), help="Fills of the section memory."
)
@click.option("--seed", default=0, show_default=True)
@click.option("--quick", is_flag=True, help="A few holes only: whether it runs, not how fast.")
def main(model: str, chosen: tuple[str, ...], cases: int, fills: int, seed: int, *, quick: bool) -> None:
    """Measure the engine: what a long prefix costs, memory over many fills, drafts, confidence. The last line is JSON."""
    engine = _opened(model)
    sections = chosen or SECTIONS
    roots = [Path(package.__path__[0]) for package in (asyncio, email)]
    result: dict[str, Any] = about("engine", model=engine.info.name, device="cpu")
    if "keystrokes" in sections:
        prefixes = (50, 100) if quick else PREFIXES
        path = Path(asyncio.base_events.__file__)
        result["keystrokes"] = keystrokes(engine, path, prefix_tokens=prefixes, places=1 if quick else 4)
    lines = cases_from(roots, total=4 if quick else cases, kinds=("line", "rest", "argument"), seed=seed)
    if "quality" in sections:
        result["quality"] = quality(engine, _opened(model, drafts=False), lines)
    if "memory" in sections:
        result["memory"] = memory(engine, lines, fills=5 if quick else fills)
    result["load_after"] = load()
    for line in _told(result):
        click.echo(line)
    click.echo(last_line(result))


def _opened(model: str, *, drafts: bool = True) -> Infiller:
    filler = open_filler(model, device="cpu", drafts=drafts)
    assert isinstance(filler, Infiller)
    return filler


def _told(result: Mapping[str, Any]) -> list[str]:
    """The figures with their goals, for people."""
    lines = []
    if keys := result.get("keystrokes"):
        lines.append(
            f"a keystroke: {keys['longest_over_shortest']:g}x from shortest to longest prefix (goal {KEYSTROKE_GOAL:g})"
        )
    if held := result.get("memory"):
        lines.append(f"memory: peak {held['peak_mb']} MB, {held['growth_mb_per_1000']:+g} MB per 1,000 fills,"
                     f" {held['growth_percent']:+g} % after warming up (goal {MEMORY_GOAL:g})")  # fmt: skip
    if found := result.get("quality"):
        on, off = found["drafts"]["on"], found["drafts"]["off"]
        lines.append(f"drafts: exact {off['exact_percent']} -> {on['exact_percent']} %,"
                     f" passes {off['forward_passes']} -> {on['forward_passes']}")  # fmt: skip
        lines += [f"confidence {b['from']:.1f}-{b['to']:.1f}: {b['right_percent']} % right of {b['cases']}"
                  for b in found["reliability"]["bins"]]  # fmt: skip
    return lines
