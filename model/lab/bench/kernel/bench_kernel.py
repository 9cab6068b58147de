"""`dlm-fill bench kernel`: reading a context and passes of a few rows, ours and others', in one run."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from model.backends.builtin.runtime.compiled import threads_here
from model.backends.builtin.storage.config import ModelConfig, read_config
from model.backends.builtin.storage.conversion import random_weights, write_model
from model.errors import ModelError
from model.lab.bench.kernel.sides import Side, sides
from model.measuring import about, last_line, percentile

CONTEXT_TOKENS = 792
PASSES = (1, 6, 16, 32)
GOALS_MS: Mapping[str, float] = {"read": 1.3 * CONTEXT_TOKENS, "1": 12, "6": 15, "32": 35}
"""What reading the context, and passes of so many rows, may take."""
RATIO = 1.5
"""Our own kernel is kept where it is so many times faster than the best of the others."""
CACHE_TOKENS = 1024
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def sizes(vocab_size: int) -> ModelConfig:
    """The built-in model's."""
    return ModelConfig(
        layers=24, width=896, heads=14, kv_heads=2, head_width=64, feed_forward=4864, vocab_size=vocab_size,
        rope_base=1e6, norm_epsilon=1e-6, context_tokens=4096,
    )  # fmt: skip


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--folder", type=_FOLDER, help="A model folder (default: random weights of the built-in model's sizes).")
@click.option(
    "--gguf", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The original, for llama.cpp."
)
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(min=1), help="Times that each is measured.")
@click.option("--vocab", default=28_000, show_default=True, type=click.IntRange(min=32), help="Of random weights.")
def main(folder: Path | None, gguf: Path | None, rounds: int, vocab: int) -> None:
    """Measure the kernel: reading 792 tokens, and passes of 1, 6, 16 and 32 rows behind them.

    Beside it run ONNX Runtime (where onnx and onnxruntime are installed) and llama.cpp (xllamacpp, with --gguf), round by
    round; times are medians, in ms. The last line is JSON.
    """
    with tempfile.TemporaryDirectory(prefix="dlm-fill-") as scratch:
        try:
            if folder is None:
                config = sizes(vocab)
                write_model(Path(scratch), config, random_weights(config, seed=0))
            place = folder or Path(scratch)
            every = list(sides(place, gguf, CACHE_TOKENS))
            taken = measured(every, read_config(place).vocab_size, rounds)
        except ModelError as error:
            raise click.ClickException(str(error)) from error
    Console().print(table(taken))
    click.echo(last_line(report(taken, rounds)))


def measured(every: Sequence[Side], vocab_size: int, rounds: int) -> dict[str, dict[str, float]]:
    """Median ms by side and task. Each round runs every side once; a round before them warms up."""
    rng = np.random.default_rng(0)
    times: dict[str, dict[str, list[float]]] = {side.name: {} for side in every}
    for again in range(rounds + 1):
        tokens = rng.integers(0, vocab_size, CONTEXT_TOKENS + max(PASSES))
        for task in ("read", *PASSES):
            for side in every:
                took = (
                    side.read(tokens[:CONTEXT_TOKENS])
                    if isinstance(task, str)
                    else side.run(tokens[CONTEXT_TOKENS : CONTEXT_TOKENS + task])
                )
                if again:
                    times[side.name].setdefault(str(task), []).append(took)
    return {
        name: {task: round(percentile(took, 0.5), 2) for task, took in tasks.items()} for name, tasks in times.items()
    }


def table(taken: Mapping[str, Mapping[str, float]]) -> Table:
    """Tasks, and each side's ms."""
    shown = Table("", *taken, "goal")
    for task in next(iter(taken.values())):
        title = f"{CONTEXT_TOKENS} tokens read" if task == "read" else f"pass of {task}"
        goal = GOALS_MS.get(task)
        shown.add_row(title, *(f"{side[task]:.1f}" for side in taken.values()), f"{goal:.0f}" if goal else "")
    return shown


def report(taken: Mapping[str, Mapping[str, float]], rounds: int) -> dict[str, Any]:
    """The last line: all times, how many times faster ours is than the best other side, and whether goals are met."""
    ours, *others = taken.values()
    ratios = {task: round(min(side[task] for side in others) / ours[task], 2) for task in ours} if others else {}
    return {
        **about("kernel", device="cpu", threads=threads_here(), rounds=rounds),
        "ms": taken, "times_faster": ratios, "kept": {task: ratio >= RATIO for task, ratio in ratios.items()},
        "goals_met": {task: ours[task] <= goal for task, goal in GOALS_MS.items()},
    }  # fmt: skip
