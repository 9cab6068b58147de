"""Python ends between passes of a compiled network, never in the middle of one."""

from __future__ import annotations

import atexit
import threading
from types import TracebackType

MOST_SECONDS = 5.0
"""Wait at most this long for a pass when Python ends: the longest ones take a tenth of it."""


class Running:
    """Held while a library computes. When Python ends, it waits for what is held and lets no further pass begin.

    A daemon thread goes on while Python takes its modules apart; what its pass reads would be freed under it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        atexit.register(self._lock.acquire, timeout=MOST_SECONDS)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lock.release()
