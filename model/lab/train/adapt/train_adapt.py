"""`dlm-fill train adapt`: the built-in model learns to denoise. Corpus, run, and an adapter file from a run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from model.errors import BadRequest
from model.extras import require
from model.lab.train.options import FOLDER, INTERRUPTED, Function, size_option

if TYPE_CHECKING:
    from model.lab.train.adapt.loop import AdaptTrainer, TrainingProgress

PACKAGES = click.Path(exists=True, file_okay=False, path_type=Path)
_LINE_EVERY_STEPS = 10


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def adapt() -> None:
    """Train the adapter that makes the built-in model denoise: its weights stay, rows of holes learn."""


@adapt.command()
@click.option("--packages", "training", multiple=True, required=True, type=PACKAGES, metavar="DIR",
              help="A folder of packages: wheels, sdists, npm's .tgz, Debian's .deb; may be repeated.")  # fmt: skip
@click.option("--held-out", multiple=True, required=True, type=PACKAGES, metavar="DIR",
              help="A folder of packages that are for evaluation alone.")  # fmt: skip
@click.option("--out", required=True, type=FOLDER, metavar="DIR")
def corpus(training: tuple[Path, ...], held_out: tuple[Path, ...], out: Path) -> None:
    """Collect sources in many languages from packages under permissive licences."""
    from model.lab.train.adapt.corpus import build

    console = Console(stderr=True)
    with console.status("reading packages …") as status:
        counts = build(training, held_out, out, on_package=lambda name: status.update(f"reading {name} …"))
    for part, languages in counts.items():
        told = ", ".join(f"{name} {size / 1e6:.1f}" for name, size in languages.most_common())
        console.print(f"{part}: million characters of {told}", highlight=False)


def _training(function: Function) -> Function:
    options = (
        click.option("--base", required=True, type=PACKAGES, metavar="DIR",
                     help="The model folder, as `dlm-fill train base` makes it."),
        click.option("--corpus", required=True, type=PACKAGES, metavar="DIR"),
        click.option("--run", required=True, type=FOLDER, metavar="DIR", help="Folder of the run: checkpoint, log, process id."),
        click.option("--device", default="auto", show_default=True, type=click.Choice(["auto", "cpu", "cuda"])),
        size_option("--rank", 16, "Rank of the low-rank parts; 16 makes an adapter file of 18 MB."),
        size_option("--contexts", 2, "Contexts of a batch."),
        size_option("--tokens", 448, "Tokens of a context.", 32),
        size_option("--canvases", 20, "Canvases over each context."),
        size_option("--rows", 16, "Masked tokens of a canvas, at most.", 2),
        click.option("--rate", default=4e-4, show_default=True, type=click.FloatRange(0, min_open=True), metavar="X",
                     help="Learning rate; may differ when a run goes on."),
        click.option("--seed", default=0, show_default=True, type=click.IntRange(0), metavar="N"),
        click.option("--steps", default=None, type=click.IntRange(1), metavar="N",
                     help="Stop at this step (default: go on until interrupted)."),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


@adapt.command()
@_training
def run(steps: int | None, run: Path, **wish: object) -> int:
    """Train at a constant rate; the same command goes on from the last checkpoint."""
    trainer = _trainer(run=run, **wish)  # type: ignore[arg-type]
    return _watched(trainer, lambda stopped, shown: trainer.train(until_step=steps, stopped=stopped, on_step=shown))


@adapt.command()
@_training
@click.option(
    "--into", required=True, type=FOLDER, metavar="DIR", help="Folder of the decay, which can be resumed as well."
)
def decay(steps: int | None, into: Path, run: Path, **wish: object) -> int:
    """Train --steps more (default 400) at a rate that falls to nothing, apart from the run: the adapter to ship."""
    from model.lab.train.adapt.loop import decayed, read_checkpoint

    if read_checkpoint(run) is None:
        raise BadRequest(f"no checkpoint in {run}: train first, with `dlm-fill train adapt run`")
    trainer = _trainer(run=run, **wish)  # type: ignore[arg-type]
    return _watched(
        trainer, lambda stopped, shown: decayed(trainer, into, steps or 400, stopped=stopped, on_step=shown)
    )


@adapt.command()
@click.option("--run", required=True, type=PACKAGES, metavar="DIR", help="Folder of a run or of a decay.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="adapter-NAME.safetensors in a model folder, whose last one is used.")  # fmt: skip
def export(run: Path, out: Path) -> None:
    """Write the adapter file of a run."""
    require("torch", extra="train", why="writing an adapter")
    from model.lab.train.adapt.exporting import write_adapter

    size = write_adapter(run, out)
    click.echo(f"{out}: {size / 1e6:.1f} MB")


def _trainer(*, base: Path, corpus: Path, run: Path, device: str, rank: int, contexts: int, tokens: int, canvases: int,
             rows: int, rate: float, seed: int) -> AdaptTrainer:  # fmt: skip
    require("torch", extra="train", why="training")
    import torch

    from model.backends.builtin.tokenizer import CodeTokenizer
    from model.lab.train.adapt.documents import read_documents
    from model.lab.train.adapt.examples import Examples, Shape, Specials
    from model.lab.train.adapt.loop import AdaptOptions, AdaptTrainer
    from model.lab.train.adapt.network import AdaptedDecoder, read_decoder

    train, held_out = (read_documents(corpus, part) for part in ("train", "held_out"))
    decoder, config = read_decoder(base)
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    if chosen == "cuda" and not torch.cuda.is_available():
        raise BadRequest("no GPU that torch can use here: take --device cpu")
    specials = Specials.of(config.special)
    shape = Shape(contexts=contexts, tokens=tokens, canvases=canvases, rows=rows)
    tokenizer = CodeTokenizer(base / "tokenizer.json")
    torch.manual_seed(seed)
    decoder.to(chosen)
    network = AdaptedDecoder(decoder, rank=rank).to(chosen)
    trainer = AdaptTrainer(
        network,
        Examples(train, tokenizer, specials, shape, seed=seed),
        Examples(held_out, tokenizer, specials, shape, seed=12345),
        AdaptOptions(run=run, rate=rate),
    )
    about = {"base": base.name, "corpus": corpus.name, "rank": rank, "rate": rate, "seed": seed, **vars(shape)}
    (run / "run.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    return trainer


def _watched(
    trainer: AdaptTrainer,
    train: Callable[[Callable[[], bool], Callable[[TrainingProgress, Mapping[str, float]], None]], bool],
) -> int:
    from model.lab.train.watch import stop_on_signals

    console = Console(stderr=True)

    def shown(progress: TrainingProgress, mean: Mapping[str, float]) -> None:
        if progress.step % _LINE_EVERY_STEPS == 0:
            said = " ".join(f"{name} {value:.3f}" for name, value in mean.items())
            console.print(f"step {progress.step}, {progress.elapsed_s / 60:.1f} min: {said}", highlight=False)

    with _only_one(trainer.options.run), stop_on_signals() as stopped:
        done = train(stopped, shown)
    console.print(
        f"step {trainer.progress.step}" + ("" if done else "; the same command goes on from here"), highlight=False
    )
    return 0 if done else INTERRUPTED


@contextmanager
def _only_one(run: Path) -> Iterator[None]:
    """Hold the run's `pid` file. Raises BadRequest while another process trains in the folder."""
    import fcntl

    with (run / "pid").open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise BadRequest(
                f"process {file.read().strip()} trains in {run}: stop it first, or name another folder"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
