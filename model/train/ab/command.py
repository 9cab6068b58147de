"""`dlm-fill train ab`: ways to lay out text and hole, compared at equal compute."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from model.train.options import CORPUS_FOLDER, FOLDER, SITES, duration_s, size_option

if TYPE_CHECKING:
    from model.train.ab.arm import ArmSpec
    from model.train.ab.race import RaceOptions

_OUT = click.option("--out", default=Path("runs/ab"), show_default=True, type=FOLDER, metavar="DIR",
                    help="Folder of the comparison: cases, corpora, one folder an arm.")  # fmt: skip
_CPU_BUDGET = click.option("--cpu-budget", required=True, callback=duration_s, metavar="TIME",
                           help="Process CPU time of training for each arm: seconds, or 5m, 1h.")  # fmt: skip


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def ab() -> None:
    """Compare layouts, the copy head, tokenizers and corpora at equal compute."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@ab.command()
@CORPUS_FOLDER
@_OUT
@SITES
@click.option("--arm", "names", multiple=True, metavar="NAME", help="An arm; may be repeated (default: all).")
@_CPU_BUDGET
@size_option("--cases", 512, "Held-out holes that judge.", 4)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), metavar="N")
@size_option("--width", 128, "Channels of the network.")
@size_option("--layers", 4, "Layers of the network.")
@size_option("--heads", 2, "Attention heads; they divide the width.")
@size_option("--feed-forward", 344, "Inner channels of the feed-forward halves.")
@size_option("--batch", 4, "Windows in a batch; twice as many for one-canvas arms, whose windows cost half.")
@size_option("--window", 256, "Tokens of text in a window.", 64)
@size_option("--canvas", 128, "Tokens of holes per window of the two-stream arms.", 64)
@size_option("--sample", 12_000_000, "Characters of the corpus that are tokenised anew for another tokenizer.")
def run(corpus: Path, out: Path, sites: tuple[Path, ...], names: tuple[str, ...], cpu_budget: float, cases: int,
        sample: int, **sizes: int) -> None:  # fmt: skip
    """Train arms one after the other, each for the same CPU time in one thread, and judge them on the same holes.

    Called again it goes on where it was; arms that are done are kept.
    """
    import torch

    from model.train.ab.arm import chosen
    from model.train.ab.corpora import corpora_for, prepare_cases
    from model.train.ab.race import RaceOptions

    arms, console = chosen(names), Console(stderr=True, highlight=False)
    torch.set_num_threads(1)
    # On a CPU the norms keep float32 weights beside bfloat16 activations; that they are not fused is known.
    warnings.filterwarnings("ignore", "Mismatch dtype between input and weight")
    with console.status("drawing the cases, making the corpora …"):
        prepare_cases(corpus, out, count=cases)
        corpora = corpora_for(arms, corpus, out, sites=sites, characters=sample, count=cases)
    options = RaceOptions(folder=out, corpora=corpora, cpu_s=cpu_budget, **sizes)
    for spec in arms:
        _race(spec, options, console)


def _race(spec: ArmSpec, options: RaceOptions, console: Console) -> None:
    from model.train.ab.race import Race

    race = Race(spec, options)
    with console.status(spec.name) as status:
        race.run(lambda step, cpu_s: status.update(f"{spec.name}: step {step}, {cpu_s:.0f} of {options.cpu_s:.0f} s"))
    console.print(f"{spec.name}: {race.step} steps, {race.result['python']['all']}")


@ab.command()
@_OUT
@click.option("--reference", default="d", show_default=True, metavar="ARM", help="The arm to compare with.")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Also draw the curves (needs matplotlib).")
def report(out: Path, reference: str, svg: Path | None) -> None:
    """Print the results as Markdown tables."""
    from model.train.ab.report import differences, draw, results, sources_of, table

    rows = results(out)
    for source in sources_of(rows):
        click.echo(f"Holes: {source}\n\n{table(rows, source)}\n{differences(rows, source, reference)}")
    if svg is not None:
        draw(out, svg)


@ab.command()
@CORPUS_FOLDER
@_OUT
@click.option("--vocab-size", "sizes", multiple=True, default=(4096, 8192, 16_384), show_default=True,
              type=click.IntRange(300, 65_536), metavar="N", help="A size to compare; may be repeated.")  # fmt: skip
@size_option("--sample", 12_000_000, "Characters of the corpus to learn the tokenizers from.")
@size_option("--width", 192, "Channels of the embedding that is weighed.")
def tokenizers(corpus: Path, out: Path, sizes: tuple[int, ...], sample: int, width: int) -> None:
    """Compare tokenizers by density and by where holes begin and end; no training."""
    from model.tokenizer import Tokenizer
    from model.train.ab import corpora
    from model.train.ab import tokenizers as compared

    texts = corpora.sample(corpus, "held_out", characters=sample // 12, seed=3)
    rows = []
    for size in sizes:
        folder = out / f"corpus-{size}"
        corpora.retokenised(corpus, folder, vocab_size=size, characters=sample)
        rows.append(compared.figures(texts, Tokenizer(folder / "tokenizer.json"), width=width))
    click.echo(compared.table(rows), nl=False)


@ab.command()
@size_option("--width", 192, "Channels of the network.")
@size_option("--layers", 6, "Layers of the network.")
@size_option("--heads", 3, "Attention heads; they divide the width.")
@size_option("--feed-forward", 512, "Inner channels of the feed-forward halves.")
@size_option("--passes", 10, "Denoise steps of a fill.")
@size_option("--repeats", 7, "Measurements; their median counts.")
def latency(width: int, layers: int, heads: int, feed_forward: int, passes: int, repeats: int) -> None:
    """Measure prefill and denoise step of each layout: 1,000 tokens of context, a hole of 32, one thread."""
    import torch

    from model.networks.layers import NetworkConfig
    from model.train.ab.latency import costs, table

    torch.set_num_threads(1)
    config = NetworkConfig(vocab_size=8192, width=width, layers=layers, heads=heads, kv_heads=heads,
                           feed_forward=feed_forward)  # fmt: skip
    click.echo(table(costs(config, repeats=repeats), passes=passes), nl=False)
