"""The options that commands which fill share. Those of the engine are named as the fields of `FillOptions`, whose values they become."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import fields
from typing import Any

import click

from lsp_server.commands import DEVICES
from model.types import MOST_CANDIDATES, Budget, FillOptions


def _budget(ctx: click.Context, param: click.Parameter, value: float | None) -> Budget:  # noqa: ARG001
    return Budget(max_time_s=value)


candidates = click.option(
    "--candidates",
    type=click.IntRange(1, MOST_CANDIDATES),
    default=1,
    show_default=True,
    metavar="N",
    help="How many different results to make; the first is the best.",
)
seed = click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="The same seed gives the same results.",
)
model = click.option("--model", default="builtin", show_default=True, metavar="NAME_OR_PATH", help="The model.")
offline = click.option("--offline", is_flag=True, help="Fetch no model from the hub.")
device = click.option("--device", type=DEVICES, default="auto", show_default=True, help="Where the model runs.")
max_time = click.option(
    "--max-time",
    "budget",
    type=click.FloatRange(0, min_open=True),
    default=None,
    callback=_budget,
    metavar="SECONDS",
    help="Stop denoising after so long, per file, and take the best so far (loading the model not counted).",
)


def taken_from(said: MutableMapping[str, Any]) -> FillOptions:
    """The engine's options of what was `said` on the command line, by their names; they are taken out of it."""
    named = [field.name for field in fields(FillOptions) if field.name in said]
    return FillOptions(**{name: said.pop(name) for name in named})
