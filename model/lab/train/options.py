"""Options that several training commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

INTERRUPTED = 130
"""The exit status of a command that was stopped by a signal."""
Function = TypeVar("Function", bound=Callable[..., Any])


def duration_s(ctx: click.Context, param: click.Parameter, value: str) -> float:  # noqa: ARG001
    """Seconds of a duration: a number, or 90m, 2h, 1h30m."""
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?", value.strip())
    hours, minutes, seconds = found.groups() if found else (None, None, None)
    total = 3600 * float(hours or 0) + 60 * float(minutes or 0) + float(seconds or 0)
    if not total:
        raise click.BadParameter(f"{value!r} is no duration: write seconds, or 90m, 2h, 1h30m")
    return total


FOLDER = click.Path(file_okay=False, path_type=Path)


def size_option(name: str, default: int, text: str, least: int = 1) -> Callable[[Function], Function]:
    """An integer option of at least `least`."""
    return click.option(name, default=default, show_default=True, type=click.IntRange(least), metavar="N", help=text)
