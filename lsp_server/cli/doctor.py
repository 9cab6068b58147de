"""`dlm-fill doctor`: what is here, what is lacking, and what to do about it."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from lsp_server.cli.prospects import prospects
from lsp_server.code.languages.table import LANGUAGES
from lsp_server.feedback.store import state_file
from model.machine.diagnosis import diagnose, models_folder
from model.machine.finding import Finding
from model.machine.pace_report import pace_of


@click.command()
@click.argument("file", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@click.option(
    "--model", default="builtin", show_default=True, metavar="NAME", help="Measure how fast this model is here."
)
def main(file: str | None, as_json: bool, model: str) -> None:
    """Tell what this machine has for models, and what it lacks; with FILE, what would happen there, and why.

    Sends nothing, fetches nothing. How fast a model that reads contexts is here is kept, and bounds what it takes.
    """
    found = list(_all(model) if file is None else prospects(file))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found], indent=1))
        return
    lacking = 0
    for finding in found:
        click.echo(f"{finding.topic:15} {finding.text}")
        if finding.remedy:
            lacking += 1
            click.echo(f"{'':15} -> {finding.remedy}")
    click.echo(f"{lacking} remarks, marked by ->" if lacking else "nothing is lacking")


def _all(model: str) -> Iterator[Finding]:
    yield from diagnose()
    yield from pace_of(model)
    yield _languages()
    yield _folder("models", models_folder())
    try:
        yield _folder("counts", state_file().parent)
    except OSError as error:
        yield Finding(topic="counts", text="nothing is counted", remedy=str(error))


def _languages() -> Finding:
    """The languages that are cut by syntax, and those whose grammar is not installed."""
    parsed = {language.name: language.grammar[0] for language in LANGUAGES if language.grammar}
    lacking = sorted({module for module in parsed.values() if importlib.util.find_spec(module) is None})
    here = sorted(name for name, module in parsed.items() if module not in lacking)
    text = f"by syntax: {', '.join(here)}; any other by lines"
    packages = " ".join(module.replace("_", "-") for module in lacking)
    return Finding(topic="languages", text=text, remedy=f"pip install {packages}" if lacking else "")


def _folder(topic: str, folder: Path) -> Finding:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    if os.access(existing, os.W_OK):
        return Finding(topic=topic, text=f"in {folder}" + ("" if existing == folder else " (not there yet)"))
    return Finding(topic=topic, text=f"{folder} cannot be written", remedy=f"make {existing} writable for you")
