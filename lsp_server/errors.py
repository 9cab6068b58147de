"""Errors at the edges of the server side. Each message names what is wrong and the remedy, in one line.

Only handlers and the command line turn them into LSP codes and exit codes.
"""

from __future__ import annotations

import traceback
from pathlib import Path


class InputError(Exception):
    """What the user named cannot be filled: no such file, line beyond the end, overlapping ranges, …"""


class Excluded(InputError):
    """The file is one that no model gets to see; `rule` says why, in a few words."""

    def __init__(self, message: str, *, rule: str) -> None:
        super().__init__(message)
        self.rule = rule


class SwitchedOff(InputError):
    """The user, or the repository, wants nothing filled here."""


class NothingFilled(InputError):
    """The model had nothing that fits."""


class StaleDocument(Exception):
    """The document changed since the request was made; the answer is dropped, nothing is edited."""


class GivenUp(StaleDocument):
    """The user cancelled the request, or asked anew; they know, so no message is shown."""


def place_of(error: BaseException) -> str:
    """Kind of an unexpected error and where it was raised; never its text, which may hold the user's code."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
