"""`dlm-fill bench engine`: the engine against simpler ways to run the same weights, and against the machine."""

from __future__ import annotations

import asyncio.base_events
import email
import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from model.errors import ModelError
from model.evaluate.bench_engine.holes import holes_of
from model.evaluate.bench_engine.keystrokes import GOAL as KEYSTROKE_GOAL
from model.evaluate.bench_engine.keystrokes import keystrokes
from model.evaluate.bench_engine.memory import GOAL_PERCENT as MEMORY_GOAL
from model.evaluate.bench_engine.memory import memory
from model.evaluate.bench_engine.quality import quality
from model.evaluate.bench_fill import commit
from model.evaluate.cases import cases_from
from model.filler import directory_of, open_filler, require
from model.local import LocalFiller
from model.tokenizer import Tokenizer

HOLES: Mapping[int, tuple[int, int]] = {8: (12, 3), 32: (6, 1), 96: (2, 1)}
"""By tokens of the hole: how many holes, and how many of them are filled without a cache, which takes long."""
QUICK: Mapping[int, tuple[int, int]] = {8: (2, 1)}
GOALS: Mapping[str, float] = {"naive": 10.0, "left_to_right": 5.0, "transformers": 5.0}
"""How many times faster the engine is to be; left to right and transformers: for holes of 32 tokens."""
FLOOR_GOAL = 2.0
PREFIXES = (200, 2000, 4000)
SECTIONS = ("speed", "keystrokes", "memory", "quality")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--model", default="builtin", show_default=True)
@click.option("--context", "context_tokens", default=1000, show_default=True, help="Tokens around a hole.")
@click.option("--section", "chosen", multiple=True, type=click.Choice(SECTIONS), help="What to measure (default: all).")
@click.option(
    "--cases", default=60, show_default=True, type=click.IntRange(min=1), help="Holes of the section quality."
)
@click.option(
    "--memory", "fills", default=200, show_default=True, type=click.IntRange(min=1), help="Fills of the section memory."
)
@click.option("--seed", default=0, show_default=True)
@click.option("--quick", is_flag=True, help="A few holes only: whether it runs, not how fast.")
def main(
    model: str, context_tokens: int, chosen: tuple[str, ...], cases: int, fills: int, seed: int, *, quick: bool
) -> None:
    """Measure the engine: speed against other ways to run the same weights, memory, drafts, confidence.

    All sides run in one process, hole by hole. The last line is JSON.
    """
    if not chosen or "speed" in chosen:
        require("torch", extra="torch", why="--section speed")
    engine = _opened(model)
    sections = chosen or SECTIONS
    roots = [Path(package.__path__[0]) for package in (asyncio, email)]
    result: dict[str, Any] = {
        "bench": "engine",
        "model": engine.info.name,
        "device": "cpu",
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "commit": commit(),
        "context_tokens": context_tokens,
    }
    if "speed" in sections:
        sizes = QUICK if quick else HOLES
        result["speed"] = _speed(
            engine, _opened(model), directory_of(model), roots, sizes, context_tokens=context_tokens, seed=seed
        )
    if "keystrokes" in sections:
        prefixes = (50, 100) if quick else PREFIXES
        path = Path(asyncio.base_events.__file__)
        result["keystrokes"] = keystrokes(engine, path, prefix_tokens=prefixes, places=1 if quick else 4)
    lines = cases_from(roots, total=4 if quick else cases, kinds=("line", "rest", "argument"), seed=seed)
    if "quality" in sections:
        result["quality"] = quality(engine, _opened(model, drafts=False), lines)
    if "memory" in sections:
        result["memory"] = memory(engine, lines, fills=5 if quick else fills)
    result["load_after"] = round(os.getloadavg()[0], 1)
    for line in _told(result):
        click.echo(line)
    click.echo(json.dumps(result))


def _opened(model: str, *, drafts: bool = True) -> LocalFiller:
    filler = open_filler(model, device="cpu", drafts=drafts)
    assert isinstance(filler, LocalFiller)
    return filler


def _speed(engine: LocalFiller, denoising: LocalFiller, directory: Path, roots: list[Path], sizes: Mapping[int, tuple[int, int]], *,
           context_tokens: int, seed: int) -> dict[str, object]:  # fmt: skip
    from model.evaluate.bench_engine.rivals import SameShape, open_rivals
    from model.evaluate.bench_engine.speed import Sides, speed_of, warm_up

    network = json.loads((directory / "config.json").read_text("utf-8"))["network"]
    try:
        same_shape = SameShape(network)
    except ModelError as missing:
        click.echo(f"dlm-fill: {missing}", err=True)
        same_shape = None
    sides = Sides(
        engine=engine,
        denoising=denoising,
        rivals=open_rivals(directory, engine),
        same_shape=same_shape,
        tokenizer=Tokenizer(directory / "tokenizer.json"),
        sizes=network,
    )
    table: dict[str, object] = {}
    for tokens, (count, naive_timed) in sizes.items():
        found = holes_of(roots, tokens=tokens, context_tokens=context_tokens, count=count + 1,
                         token_count=engine.count_tokens, seed=seed)  # fmt: skip
        if len(found) < 2:
            raise ModelError(f"no holes of {tokens} tokens with {context_tokens} around them: ask for less --context")
        if not table:
            warm_up(sides, found[0])
        table[str(tokens)] = speed_of(sides, found[1:], naive_timed=naive_timed)
        click.echo(json.dumps({tokens: table[str(tokens)]}), err=True)  # a run takes minutes
    return table


def _told(result: Mapping[str, Any]) -> list[str]:
    """The figures with their goals, for people."""
    lines = []
    for tokens, row in result.get("speed", {}).items():
        exact = row["exact_percent"]
        for base in ("engine", "denoising"):
            for side, factor in row[f"{base}_is_times_faster_than"].items():
                goal = f" (goal {GOALS[side]:g})" if side in GOALS and (side == "naive" or tokens == "32") else ""
                cpu = row[f"{base}_takes_times_less_cpu_than"][side]
                alone = row["engine_is_times_faster_in_the_hole_than"].get(side) if base == "engine" else None
                inside = f" ({alone:g}x once the context is read)" if alone and side != "naive" else ""
                lines.append(f"{tokens} tokens: {base} {factor:g}x as fast as {side}{inside}{goal}, {cpu:g}x less CPU time,"
                             f" exact {exact[base]} % against {exact.get(side, '-')} %")  # fmt: skip
        lines.append(
            f"{tokens} tokens: {row['times_the_floor']:g}x the floor (goal {FLOOR_GOAL:g}), in CPU time"
            f" {row['times_the_floor_in_cpu']:g}x"
        )
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
