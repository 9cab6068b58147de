"""`dlm-fill bench storm`: thousands of random requests, edits and cancels, each answer accounted for, memory watched."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from typing import Any, get_args

import click

from lsp_server.bench.storm.desk import Encoding
from lsp_server.bench.storm.storm import Storm
from model.measuring import about, last_line


async def storms(command: Sequence[str], *, requests: int, max_time_ms: int, seed: int) -> list[dict[str, Any]]:
    """The reports of three storms, one after the other, that share `requests`: one for each encoding of positions.

    `command` starts a server with the requests of `lsp_server.bench.watched`.
    """
    encodings = get_args(Encoding)
    reports = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as state:
        for n, encoding in enumerate(encodings):
            share = requests // len(encodings) + (n < requests % len(encodings))
            storm = Storm(seed=seed + n, encoding=encoding, max_time_ms=max_time_ms)
            reports.append(await storm.run(command, {**os.environ, "XDG_STATE_HOME": state}, requests=share))
    return reports


def totals_of(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The reports as one: sums, and the largest growth of memory from after the warm-up to the end."""
    summed = ("requests", "answered", "notifications", "edits_applied", "suggestions", "texts_compared", "seconds")
    totals: dict[str, Any] = {name: round(sum(report[name] for report in reports), 1) for name in summed}
    for name in ("by_kind", "by_answer"):
        counts = sum((Counter(report[name]) for report in reports), Counter[str]())
        totals[name] = dict(sorted(counts.items(), key=lambda item: -item[1]))
    grown = [(r["memory"][0], r["memory"][-1]) for r in reports if r["memory"]]
    for name in ("resident_kib", "blocks", "objects"):
        totals[f"most_{name}"] = max((after[name] for _, after in grown), default=None)
        totals[f"growth_{name}"] = max((after[name] - before[name] for before, after in grown), default=None)
    totals["exit_codes"] = [report["exit_code"] for report in reports]
    totals["wrong"] = [f"{report['encoding']}: {what}" for report in reports for what in report["wrong"]]
    return totals


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--requests", default=10_000, show_default=True, type=click.IntRange(3), help="In three connections.")
@click.option("--max-time-ms", default=200, show_default=True, type=click.IntRange(1), help="Of each fill.")
@click.option("--model", default="builtin", show_default=True)
@click.option("--device", default="auto", show_default=True)
@click.option("--seed", default=0, show_default=True, help="Draws everything.")
def main(requests: int, max_time_ms: int, model: str, device: str, seed: int) -> None:
    """Thousands of random requests, edits and cancels: is every request answered once, and does memory stay flat?

    Leaves with 1 if not. Memory is compared between two fifths of the storm and its end.
    """
    command = [sys.executable, "-m", "lsp_server.bench.watched", model, device]
    reports = asyncio.run(storms(command, requests=requests, max_time_ms=max_time_ms, seed=seed))
    totals = totals_of(reports)
    for report in reports:
        memory = ", ".join(f"{m['resident_kib'] / 1024:.0f} MiB" for m in report["memory"])
        asked = f"{report['answered']} of {report['requests']} answered in {report['seconds']} s"
        click.echo(f"{report['encoding']:>6}: {asked}, {report['notifications']} notifications; resident {memory}")
    for what in totals["wrong"]:
        click.echo(f"WRONG: {what}")
    click.echo(last_line(about("storm", model=model, device=device, seed=seed) | totals))
    if totals["wrong"]:
        sys.exit(1)
