"""The way into `dlm-fill`: a Ctrl-C while Python still loads the rest ends the process without a traceback."""

from __future__ import annotations

import signal

from lsp_server.cli.interrupt import leave_quietly


def main() -> None:
    """Run the command line."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave_quietly)
    from lsp_server.cli.main import main as run

    run()
