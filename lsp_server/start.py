"""The way into `dlm-fill`: a Ctrl-C while Python still loads the rest ends the process without a traceback."""

from __future__ import annotations

import os
import signal
from types import FrameType

INTERRUPTED = 130


def leave_quietly(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001  as signals call it
    """End the process at once, as one that was interrupted."""
    os._exit(INTERRUPTED)


def main() -> None:
    """Run the command line."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave_quietly)
    from lsp_server.cli import main as run

    run()
