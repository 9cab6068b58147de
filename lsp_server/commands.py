"""What the commands of `dlm-fill` share: they are found by name and imported when called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

DEVICES = click.Choice(["auto", "cpu", "cuda", "mps"])


def load(place: str) -> click.Command:
    """The command at "module:name"."""
    module, name = place.split(":")
    command = getattr(importlib.import_module(module), name)
    assert isinstance(command, click.Command), f"{place} is no click command"
    return command


class LazyGroup(click.Group):
    """Subcommands by name; their modules are imported when they are called, not to list them.

    `places`: by name, the command's "module:name" and what it does in a line.
    """

    def __init__(self, *args: Any, places: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return load(self._places[cmd_name][0]) if cmd_name in self._places else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._places.items()])
