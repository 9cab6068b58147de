"""The process's own streams: standard output for the protocol alone, and a standard error that makes nobody wait."""

from __future__ import annotations

import atexit
import os
import select
import stat
import sys
import threading
from contextlib import suppress
from typing import BinaryIO

_PATIENCE_MS = 500
_CHUNK_BYTES = 512  # what POSIX promises to take at once where there is room at all
_LAST_WORDS_S = 1.0


def stand_in_for_closed_streams() -> None:
    """Give the process the streams that it was started without, so that no file it opens takes their numbers.

    An input that was closed is empty, an output cannot be written, and what is said on standard error is lost.
    """
    modes = (os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)
    for number, (name, mode) in enumerate(zip(("stdin", "stdout", "stderr"), modes, strict=True)):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, mode)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
        if getattr(sys, name) is None:
            stream = open(number, "w" if number else "r", encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def own_stdout() -> BinaryIO:
    """Standard output for the protocol alone: whatever else is printed goes to standard error."""
    sys.stdout.flush()
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return own


class StderrRelay(threading.Thread):
    """Hands on what is written to standard error while somebody reads it, and drops what does not fit.

    An editor that never reads it would otherwise stop every thread that writes there once the pipe is full: a chatty
    library is enough. The stream's own flags stay, they belong to others, too. What the process says while it is killed
    is lost.
    """

    @classmethod
    def begin(cls) -> StderrRelay | None:
        """One that runs; None where standard error is no pipe, so that nothing waits (or cannot be asked)."""
        with suppress(OSError):
            mode = os.fstat(2).st_mode
            if hasattr(select, "poll") and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
                relay = cls()
                relay.start()
                atexit.register(relay.end)
                return relay
        return None

    def __init__(self) -> None:
        super().__init__(name="stderr", daemon=True)
        sys.stderr.flush()
        self._theirs = os.dup(2)
        self._reading, writing = os.pipe()
        os.dup2(writing, 2)
        os.close(writing)

    def run(self) -> None:
        poll, patience_ms = select.poll(), _PATIENCE_MS
        poll.register(self._theirs, select.POLLOUT)
        while chunk := os.read(self._reading, _CHUNK_BYTES):
            if not poll.poll(patience_ms):
                patience_ms = 0  # nobody reads; whoever writes is not to wait for each piece anew
                continue
            patience_ms = _PATIENCE_MS
            with suppress(OSError):  # they have gone
                os.write(self._theirs, chunk)

    def end(self) -> None:
        """Hand on the rest, but not for long, and give the stream back."""
        for stream in (1, 2):
            os.dup2(self._theirs, stream)
        self.join(_LAST_WORDS_S)


def last_words() -> None:
    """Let what was written to standard error arrive before the process ends."""
    sys.stderr.flush()
    for thread in threading.enumerate():
        if isinstance(thread, StderrRelay):
            thread.end()
