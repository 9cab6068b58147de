"""`dlm-fill train`: corpus, run, export; each can be called by itself, `all` does one after the other."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from model.errors import BadRequest
from model.filler import require
from model.train.ab.command import ab
from model.train.adapt.command import adapt
from model.train.base.command import base, vocabulary
from model.train.options import CORPUS_FOLDER, FOLDER, INTERRUPTED, SITES, Function, duration_s, size_option

if TYPE_CHECKING:
    from model.train.loop import TrainOptions

_CORPUS = (
    SITES,
    click.option(
        "--vocab-size",
        default=8192,
        show_default=True,
        type=click.IntRange(512, 65_536),
        help="Tokens of the tokenizer, which is trained first; one that the folder has already is kept.",
    ),
    click.option("--other-languages", default=0.0, show_default=True, type=click.FloatRange(0, 0.5), metavar="SHARE",
                 help="At most this share of the characters in other languages than Python, as far as the packages bring them."),
)  # fmt: skip
_RUN_FOLDER = click.option("--run", default=Path("runs/train"), show_default=True, type=FOLDER, metavar="DIR",
                           help="Folder of the run: checkpoint, log, sizes.")  # fmt: skip

_TRAINING = (
    click.option("--time-budget", required=True, callback=duration_s, metavar="TIME",
                 help="Training time over all resumes: seconds, or 90m, 2h, 1h30m."),
    click.option("--device", default="auto", show_default=True, type=click.Choice(["auto", "cpu", "cuda"])),
    click.option("--from", "start_from", default=None, metavar="DIR",
                 type=click.Path(exists=True, file_okay=False, path_type=Path),
                 help="Begin with the weights of this model (its sizes hold): for more training when the run is gone."),
    size_option("--width", 192, "Channels of the network."),
    size_option("--layers", 6, "Layers of the network."),
    size_option("--heads", 3, "Attention heads; they divide the width."),
    size_option("--feed-forward", 512, "Inner channels of the feed-forward halves."),
    size_option("--batch", 8, "Windows in a batch."),
    size_option("--window", 512, "Tokens of text in a window.", 64),
    size_option("--canvas", 256, "Tokens of holes per window.", 64),
    click.option("--stream-share", default=0.2, show_default=True, type=click.FloatRange(0, 1), metavar="SHARE",
                 help="Part of the time that goes to next tokens alone, before holes are cut."),
    click.option("--seed", default=0, show_default=True, type=click.IntRange(0), metavar="N"),
    click.option("--workers", default=1, show_default=True, type=click.IntRange(0), metavar="N",
                 help="Processes that cut windows and holes; 0: in this one."),
    click.option("--compile/--no-compile", "compiled", default=False, help="Compile the losses (worth it on a GPU)."),
)  # fmt: skip


def _all_of(*options: Callable[[Any], Any]) -> Callable[[Function], Function]:
    """One decorator of several."""

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Train a model from source code: corpus, run, export. A run goes on where it was when it is called again."""


@main.command()
@_all_of(*_CORPUS)
@click.option("--out", default=Path("runs/corpus"), show_default=True, type=FOLDER, metavar="DIR")
def corpus(sites: tuple[Path, ...], vocab_size: int, other_languages: float, out: Path) -> None:
    """Collect the standard library and permissively licensed packages, and tokenise them."""
    _build_corpus(sites, vocab_size, other_languages, out, Console(stderr=True))


@main.command()
@_all_of(CORPUS_FOLDER, _RUN_FOLDER, *_TRAINING)
def run(corpus: Path, run: Path, **wish: Any) -> int:
    """Train; the same command goes on from the last checkpoint, a larger budget makes it longer."""
    return 0 if _train(corpus, run, Console(stderr=True), **wish) else INTERRUPTED


@main.command()
@_all_of(CORPUS_FOLDER, _RUN_FOLDER)
@click.option("--out", required=True, type=FOLDER, metavar="DIR", help="The model directory to write.")
def export(corpus: Path, run: Path, out: Path) -> None:
    """Write a model directory that `dlm-fill --model DIR` takes."""
    _export(corpus, run, out, Console(stderr=True))


@main.command()
@_RUN_FOLDER
def plot(run: Path) -> None:
    """Draw the losses of a run: loss.png and loss.svg in its folder (needs matplotlib)."""
    from model.train.plot import draw

    for path in draw(run):
        click.echo(path)


@main.command(name="all")
@_all_of(*_CORPUS, CORPUS_FOLDER, _RUN_FOLDER)
@click.option("--out", default=Path("runs/model"), show_default=True, type=FOLDER, metavar="DIR",
              help="The model directory to write.")  # fmt: skip
@_all_of(*_TRAINING)
def everything(sites: tuple[Path, ...], vocab_size: int, other_languages: float, corpus: Path, run: Path, out: Path,
               **wish: Any) -> int:  # fmt: skip
    """Corpus (unless it is there), run and export, one after the other."""
    require("torch", extra="train", why="writing a model")  # said before the work, not after
    console = Console(stderr=True)
    if (corpus / "manifest.json").exists():
        console.print(f"the corpus in {corpus} is kept", highlight=False)
    else:
        _build_corpus(sites, vocab_size, other_languages, corpus, console)
    if not _train(corpus, run, console, **wish):
        return INTERRUPTED
    _export(corpus, run, out, console)
    return 0


main.add_command(ab)
main.add_command(adapt)
main.add_command(base)
main.add_command(vocabulary)


def _build_corpus(sites: tuple[Path, ...], vocab_size: int, others: float, out: Path, console: Console) -> None:
    import sysconfig

    from model.tokenizer import Tokenizer
    from model.train.corpus import collect
    from model.train.other_languages import limited, other_languages
    from model.train.tokens import build

    if (out / "tokenizer.json").exists():
        there = Tokenizer(out / "tokenizer.json").vocab_size
        if there > vocab_size:
            wrong = f"{out} has a tokenizer of {there} tokens, not {vocab_size}"
            raise BadRequest(f"{wrong}: ask for as many, or name another folder")
        console.print(f"the tokenizer of {there} tokens is kept", highlight=False)
    else:
        require("tokenizers", extra="train", why="learning a tokenizer")
    with console.status("collecting source files …"):
        folders = list(sites) or sorted({Path(sysconfig.get_path(p)) for p in ("purelib", "platlib")})
        packages = collect(folders)
        if others:
            characters = sum(len(text) for package in packages if not package.held_out for text in package.files)
            packages += limited(other_languages(folders), characters, share=others)
    files = sum(len(package.files) for package in packages)
    with console.status(f"{files} files of {len(packages)} packages: learning the tokenizer, tokenising …"):
        manifest = build(packages, out, vocab_size=vocab_size)
    counts = json.dumps(manifest["tokens"])
    console.print(f"{out}: {len(packages)} packages, {files} files, tokens {counts}", highlight=False)


def _train(corpus: Path, run: Path, console: Console, *, time_budget: float, device: str, start_from: Path | None,
           width: int, layers: int, heads: int, feed_forward: int, **options: Any) -> bool:  # fmt: skip
    """Whether the run came to its end; False if it was interrupted, its checkpoint written."""
    require("torch", extra="train", why="training")
    if width % heads or width // heads % 2:
        raise BadRequest(f"{heads} heads do not divide a width of {width} into even parts: try {width // 64} heads")
    if not (corpus / "manifest.json").exists():
        raise BadRequest(f"no corpus in {corpus}: make it with `dlm-fill train corpus --out {corpus}`")
    import torch

    from model.checkpoints.builtin import choose_device, load_network
    from model.networks.layers import NetworkConfig
    from model.tokenizer import Tokenizer
    from model.train.loop import TrainOptions

    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    config = NetworkConfig(
        vocab_size=Tokenizer(corpus / "tokenizer.json").vocab_size,
        width=width,
        layers=layers,
        heads=heads,
        kv_heads=heads,
        feed_forward=feed_forward,
    )
    if start_from is not None:
        config = load_network(start_from)[0].config
    train_options = TrainOptions(
        corpus=corpus,
        run=run,
        time_budget_s=time_budget,
        device=choose_device(chosen).type,
        start_from=start_from,
        **options,
    )
    return _watched(train_options, config, console)


def _watched(options: TrainOptions, config: Any, console: Console) -> bool:
    import torch

    from model.train.loop import Trainer
    from model.train.watch import Watch, stop_on_signals

    if options.device == "cuda":
        torch.set_float32_matmul_precision("high")
    trainer = Trainer(options, config)
    size = sum(p.numel() for p in trainer.network.parameters())
    start = f"going on from step {trainer.progress.step}" if trainer.progress.step else "a new run"
    console.print(f"{size / 1e6:.1f} M parameters on {options.device}, {start}", highlight=False)
    # On a CPU the norms keep float32 weights beside bfloat16 activations; that they are not fused is known.
    warnings.filterwarnings("ignore", "Mismatch dtype between input and weight")
    with stop_on_signals() as stopped, Watch(console, budget_s=options.time_budget_s) as watch:
        done = trainer.train(on_step=watch.step, stopped=stopped)
    after = "the budget is spent" if done else "interrupted: the same command goes on from here"
    console.print(f"step {trainer.progress.step}, {trainer.progress.tokens} tokens; {after}", highlight=False)
    return done


def _export(corpus: Path, run: Path, out: Path, console: Console) -> None:
    require("torch", extra="train", why="writing a model")
    from model.train.export import export as write

    shards = write(run, corpus, out)
    console.print(f"{out}: {sum(p.stat().st_size for p in shards) / 1e6:.1f} MB of weights", highlight=False)
