"""What the command line prints: results on standard output, what the user should know on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from lsp_server.cli.output.diff import coloured, unified_diff
from lsp_server.cli.output.patch_header import header_of
from lsp_server.cli.targets import files
from lsp_server.types import Edit


def put(text: str) -> None:
    """Bytes, so that line ends and non-ASCII text come out as they are whatever the locale."""
    click.echo(text.encode("utf-8"), nl=False)


def note(text: str) -> None:
    click.echo(f"dlm-fill: {text}", err=True)


def show_diff(file: files.TextFile, edits: Sequence[Edit], *, write: bool) -> bool:
    """Print the diff that makes the edits of the file; whether there is one. `write`: the file is replaced besides."""
    header = header_of(file.path)
    diff = unified_diff(header.lines, file.source, edits, bom=file.bom)
    if diff and header.remark and not (write or sys.stdout.isatty()):
        note(header.remark)
    with suppress(*([BrokenPipeError] if write else [])):  # whoever reads no diff wants the file all the same
        put(coloured(diff) if _wants_colour() else diff)
    return bool(diff)


def _wants_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
