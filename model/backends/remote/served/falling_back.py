"""Fills of a server; while that is away, those of a model of this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from model.errors import QuotaExceeded, ServerFailed, Unreachable
from model.types import Cancelled, Fill, Filler, FillerInfo, FillRequest, OnEvent

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
"""A server that is away is looked for after the first wait, then after twice as long each time, up to the longest."""


class Remote(Filler, Protocol):
    """What is asked of the server's filler beyond filling."""

    def greet(self) -> bool: ...

    def close(self) -> None: ...


class FallingBack:
    """No fill waits for a server that is known to be away: another thread looks for it, with growing waits.

    `wait(seconds)` sleeps, and returns True when it is time to end.
    """

    def __init__(
        self, remote: Remote, open_local: Callable[[], Filler], *, wait: Callable[[float], bool] | None = None
    ) -> None:
        self._remote, self._open_local = remote, open_local
        self._ended = threading.Event()
        self._wait = wait or self._ended.wait
        self._local: Filler | None = None
        self._lock = threading.Lock()
        self._away = False
        if not remote.greet():
            self._lost()  # here, where loading takes place anyway, and nobody types

    @property
    def info(self) -> FillerInfo:
        """The server's; or the local model's, by a name that says why it is asked."""
        remote = self._remote.info
        if not self._away:
            return remote
        info = self._opened().info
        return replace(info, name=f"{info.name} ({remote.sent_to} is away)")

    def count_tokens(self, text: str) -> int:
        """By whoever is likely to fill; a server that leaves meanwhile is no harm: its count is the careful one."""
        return self._opened().count_tokens(text) if self._away else self._remote.count_tokens(text)

    def fill(
        self, request: FillRequest, *, cancelled: Cancelled = lambda: False, on_event: OnEvent | None = None
    ) -> Fill:
        """See `Filler.fill`. Raises what the server says of the request or the key: no other model would mend that."""
        if not self._away:
            try:
                return self._remote.fill(request, cancelled=cancelled, on_event=on_event)
            except QuotaExceeded:
                pass  # it is busy: this one fill is made here
            except (Unreachable, ServerFailed):
                self._lost()
        return self._opened().fill(request, cancelled=cancelled, on_event=on_event)

    def close(self) -> None:
        """End the search for the server, and its connections."""
        self._ended.set()
        self._remote.close()

    def _opened(self) -> Filler:
        with self._lock:
            if self._local is None:
                self._local = self._open_local()
            return self._local

    def _lost(self) -> None:
        """Load the other model, then say that the server is away: who asks about it does not wait for the loading."""
        self._opened()
        self._away = True
        threading.Thread(target=self._look_for_it, name="look-for-server", daemon=True).start()

    def _look_for_it(self) -> None:
        wait_s = FIRST_WAIT_S
        while not self._wait(wait_s):
            if self._remote.greet():
                self._away = False
                return
            wait_s = min(LONGEST_WAIT_S, 2 * wait_s)
