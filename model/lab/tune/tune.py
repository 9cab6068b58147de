"""`dlm-fill tune DIR`: continue a model on one's own code, and keep it if that helped."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click
from rich.console import Console

from model.backends.locate import directory_of
from model.errors import UnknownDevice
from model.extras import require
from model.lab.train.options import FOLDER, INTERRUPTED, duration_s

if TYPE_CHECKING:
    from model.lab.tune.run import TuneOptions, TuningVerdict

Gate: TypeAlias = Callable[[Path], Callable[[Path], bool]]
"""Of a folder: what tells whether a model may see a file below it. The command line hands it over."""
NOT_HELPED = 1


@click.command(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 it helped and was written, 1 it did not help and nothing was written, 2 bad input, "
    "130 interrupted.",
)
@click.argument("code", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--model", default="builtin", show_default=True, metavar="NAME_OR_PATH", help="The model to start from.")
@click.option("--out", default=Path("runs/tuned"), show_default=True, type=FOLDER, metavar="DIR",
              help="The model directory to write; one that tune wrote before is replaced.")  # fmt: skip
@click.option("--time-budget", default="10m", show_default=True, callback=duration_s, metavar="TIME",
              help="Training time: seconds, or 5m, 1h30m.")  # fmt: skip
@click.option("--device", default="auto", show_default=True, type=click.Choice(["auto", "cpu", "cuda"]))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), metavar="N")
@click.pass_obj
def main(gate: Gate, /, code: Path, model: str, device: str, time_budget: float, out: Path, seed: int) -> int:
    """Continue a model on the source files below DIR, on this machine alone.

    Its weights stay as they are: an adapter beside them learns. Files that git or a .dlmignore ignores, vendored and
    generated ones and secrets are left out. A part of the files is held out: they measure the model before and after,
    and what did not help is not kept.
    """
    require("torch", extra="train", why="dlm-fill tune")
    import torch

    from model.lab.tune.run import TuneOptions

    if device == "cuda" and not torch.cuda.is_available():
        raise UnknownDevice("no cuda device here: choose --device cpu, or auto")
    options = TuneOptions(
        code=code,
        may_read=gate(code.resolve()),
        source=directory_of(model),
        out=out,
        time_budget_s=time_budget,
        device="cuda" if device != "cpu" and torch.cuda.is_available() else "cpu",
        seed=seed,
    )
    return _tune(options, Console(stderr=True, highlight=False))


def _tune(options: TuneOptions, console: Console) -> int:
    from model.lab.train.watch import TrainingWatch, stop_on_signals
    from model.lab.tune.run import Tuning

    # On a CPU the norms keep float32 weights beside bfloat16 activations; that they are not fused is known.
    warnings.filterwarnings("ignore", "Mismatch dtype between input and weight")
    try:
        with console.status("reading the code, measuring the model as it is …"):
            tuning = Tuning(options)
        own = tuning.code
        console.print(f"{len(own.train)} files, {own.tokens:,} tokens to train on; "
                      f"{len(own.held_out)} files, {own.held_out_tokens:,} tokens held out")  # fmt: skip
        with stop_on_signals() as stopped, TrainingWatch(console, budget_s=options.time_budget_s) as watch:
            done = tuning.train(on_step=watch.step, stopped=stopped)
        with console.status("measuring the tuned model …"):
            verdict = tuning.verdict() if done else None
    except KeyboardInterrupt:
        verdict = None
    if verdict is None:
        console.print("interrupted: nothing was written")
        return INTERRUPTED
    _tell(verdict, console)
    if not verdict.helped:
        console.print("it did not help, so nothing was written: try more code, or another --time-budget",
                      soft_wrap=True)  # fmt: skip
        return NOT_HELPED
    with stop_on_signals():  # an interrupt must not leave half of a folder, nor none where one was
        tuning.keep(verdict)
    console.print(f"it helped: written to {options.out}; use it with --model {options.out}", soft_wrap=True)
    return 0


def _tell(verdict: TuningVerdict, console: Console) -> None:
    from model.lab.tune.run import JUDGED

    console.print("held-out loss, nats per token, before and after:")
    rows = [(name, verdict.before[name], verdict.after[name], verdict.change(name)) for name in JUDGED]
    both = sum(verdict.before.values()), sum(verdict.after.values()), verdict.change(*JUDGED)
    for name, before, after, change in [*rows, ("both", *both)]:
        console.print(f"  {name:8} {before:.3f} → {after:.3f}  ({change:+.1%})")
