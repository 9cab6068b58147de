"""`dlm-fill train`: how the built-in model is made, from published weights."""

from __future__ import annotations

import click

from model.lab.train.adapt.train_adapt import adapt
from model.lab.train.base.train_base import base, vocabulary


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Make the built-in model: prune and quantise published weights, train an adapter."""


main.add_command(adapt)
main.add_command(base)
main.add_command(vocabulary)
