"""The commands of `dlm-fill` by name: where each is found, and what it does in a line. They are imported when called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import click

DEVICES = click.Choice(["auto", "cpu", "cuda", "mps"])
COMMANDS: Mapping[str, tuple[str, str]] = {
    "refactor": (
        "lsp_server.command_line.refactoring.command:main",
        "Refactor code: rename, extract, inline … (`refactor --list FILE:LINE:COL` tells what is possible there).",
    ),
    "lsp": ("lsp_server.command_line.lsp:main", "Serve editors: a language server over standard input and output."),
    "serve": ("lsp_server.serve.command:main", "Serve completion clients over HTTP: a team's, or your own editor's."),
    "settings": (
        "lsp_server.configuration.command:main",
        "List the settings of the language server, or their JSON schema.",
    ),
    "train": (
        "model.train.command:main",
        "Make the built-in model: prune and quantise published weights, train an adapter.",
    ),
    "tune": ("model.train.tune.command:main", "Continue the model on your own code, and keep it if that helped."),
    "eval": (
        "model.evaluate.command:main",
        (
            "Measure the quality of fills on held-out code (`eval languages`: by language, `eval manners`: when to be"
            " silent, `eval refactor`: whether refactorings preserve what code means)."
        ),
    ),
    "stats": ("lsp_server.feedback.report:main", "Tell what became of suggestions in editors, on this machine."),
    "models": ("model.hub.command:main", "List the models there are, and fetch one."),
    "doctor": ("lsp_server.command_line.doctor:main", "Tell what this machine has for models, and what it lacks."),
    "bench": (
        "lsp_server.bench.command:main",
        "Measure speed: `bench cut`, `bench server`, `bench storm`, `bench fill`, `bench engine`, `bench gpu`, `bench drift`.",
    ),
}


def load(place: str) -> click.Command:
    """The command at "module:name"."""
    module, name = place.split(":")
    command = getattr(importlib.import_module(module), name)
    assert isinstance(command, click.Command), f"{place} is no click command"
    return command
