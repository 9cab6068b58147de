"""What the server is doing, for the editor's status bar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

Later: TypeAlias = Callable[[float, Callable[[], None]], object]
State: TypeAlias = Literal["loading", "ready", "busy", "inactive", "error"]


@dataclass(frozen=True, kw_only=True)
class Status:
    """`message` in one line; `model` and `device` are "" until they are known."""

    state: State
    message: str = ""
    model: str = ""
    device: str = ""


BUSY_AFTER_S = 0.15  # what is done before is seen sooner than the word "busy" is read


class StatusBoard:
    """The status of a connection; who listens is told of each change, on the event loop's thread.

    `later(seconds, call)` calls back on that thread: fills count as "busy" once they have run for a moment.
    """

    def __init__(self, later: Later) -> None:
        self._later = later
        self._begun = 0
        self.now = self._own = Status(state="loading")
        self._left_alone = ""
        self._listener: Callable[[Status], None] | None = None
        self._running = 0

    @property
    def own(self) -> Status:
        """The server's own status, whether or not a document that is left alone hides it."""
        return self._own

    def listen(self, listener: Callable[[Status], None]) -> None:
        """Tell `listener` the status as it is, and each change of it."""
        self._listener = listener
        listener(self.now)

    def show(self, status: Status) -> None:
        """Make `status` the present one; while a document is left alone, that is told instead."""
        self._own = status
        told = replace(status, state="inactive", message=self._left_alone) if self._left_alone else status
        if told != self.now:
            self.now = told
            if self._listener is not None:
                self._listener(told)

    def leave_alone(self, reason: str) -> None:
        """The document in use is not filled, for `reason`; "": it is."""
        self._left_alone = reason
        self.show(self._own)

    def begin(self) -> None:
        """A fill runs."""
        self._running += 1
        if self._running == 1:
            begun = self._begun
            self._later(BUSY_AFTER_S, lambda: self._settle() if begun == self._begun else None)

    def end(self, *, failure: str = "") -> None:
        """A fill has ended, by a `failure` of the model if that says something; the next fill may do better."""
        self._running -= 1
        if self._running:
            return
        self._begun += 1  # whoever looks later is too late
        if failure:
            self.show(replace(self._own, state="error", message=failure))
        else:
            self._settle()

    def _settle(self) -> None:
        if self._own.device:  # a model is loaded
            self.show(replace(self._own, state="busy" if self._running else "ready", message=""))
