"""`dlm-fill models`: which models there are, which are on this machine, and how one comes here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from model.backends.published.hub.cache import cache_folder, size_on_disk_bytes
from model.backends.published.hub.known import KNOWN, Known
from model.backends.published.hub.names import hub_name
from model.errors import UnknownModel


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of a table.")
@click.option("--on-disk", is_flag=True, help="Only those that are on this machine.")
@click.option("--download", metavar="ORG/NAME[@REVISION]", default=None, help="Fetch a model, or its newer version.")
def main(as_json: bool, on_disk: bool, download: str | None) -> None:
    """List the models that dlm-fill knows: sizes, licences, and what each can do.

    A published model is used by its name: dlm-fill --model Dream-org/DreamOn-v0-7B FILE:3-5
    """
    if download is not None:
        _download(download)
        return
    rows = [row for row in [_builtin(), *map(_row, KNOWN)] if row["on_disk_bytes"] or not on_disk]
    click.echo(json.dumps(rows, indent=1) if as_json else _table(rows))


def _download(text: str) -> None:
    from model.backends.locate import fetch

    if hub_name(text.removeprefix("fim:")) is None:
        raise UnknownModel(f"{text!r} is no name on the hub: write ORG/NAME or ORG/NAME@REVISION")
    folder = fetch(text, renew=True)
    click.echo(str(folder))


def _row(known: Known) -> dict[str, Any]:
    row = asdict(known)
    return {"id": row.pop("repo"), **row, "on_disk_bytes": size_on_disk_bytes(known.repo, cache_folder())}


def _builtin() -> dict[str, Any]:
    from model.backends.builtin.storage.config import read_config
    from model.backends.locate import BUILTIN

    known = Known(
        repo="builtin",
        family="Qwen2.5-Coder",
        parameters=read_config(BUILTIN).parameters / 1e9,
        licence="Apache-2.0",
        attention="causal, told of the suffix first",
        variable=True,
    )
    row = asdict(known)
    size = sum(path.stat().st_size for path in BUILTIN.iterdir() if path.is_file())
    return {"id": row.pop("repo"), **row, "on_disk_bytes": size}


def _table(rows: Sequence[dict[str, Any]]) -> str:
    heads = ("model", "parameters", "on disk", "licence", "gap length", "attention", "")
    lines = [heads, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    billions = row["parameters"]
    size = row["on_disk_bytes"]
    return (
        row["id"],
        f"{billions:.1f} B" if billions >= 0.1 else f"{billions * 1000:.1f} M",
        "–" if not size else f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB",
        row["licence"] + ("" if row["free"] else ", non-commercial"),
        "its own choice" if row["variable"] else "searched for",
        row["attention"],
        ", ".join(kind for kind in ("instruct", "experimental") if row[kind]),
    )
