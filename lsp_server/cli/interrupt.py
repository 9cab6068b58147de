"""How a Ctrl-C ends the process."""

from __future__ import annotations

import os
from types import FrameType

INTERRUPTED = 130
"""The exit code of a process that was interrupted: 128 and the signal's number."""


def leave_quietly(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001  as signals call it
    """End the process at once, as one that was interrupted."""
    os._exit(INTERRUPTED)
