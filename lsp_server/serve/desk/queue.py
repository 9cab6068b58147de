"""Asks that wait: by user in turn, the newest of a document only."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from lsp_server.serve.ask import Answer, Ask
from model.types import FillEvent, OnEvent


@dataclass(eq=False, kw_only=True)
class QueuedFill:
    """An ask under way. `waiting`: how many clients want its answer; `since`: when it came, in the desk's seconds."""

    ask: Ask
    digest: bytes
    text: bytes
    since: float
    answer: asyncio.Future[Answer]
    stop: threading.Event = field(default_factory=threading.Event)
    waiting: int = 0
    running: bool = False
    superseded: bool = False
    listeners: list[OnEvent] = field(default_factory=list)

    def tell(self, event: FillEvent) -> None:
        """Called on the filling thread."""
        for listener in tuple(self.listeners):
            listener(event)


class Queue:
    """Jobs that wait, one user after the other. Used on the event loop's thread alone."""

    def __init__(self) -> None:
        self._by_user: OrderedDict[str, deque[QueuedFill]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._by_user.values()))

    def put(self, job: QueuedFill) -> None:
        """Append a job to those of its user."""
        self._by_user.setdefault(job.ask.user, deque()).append(job)

    def take(self) -> QueuedFill | None:
        """The next job: the first of the user whose turn it is; that user's further ones wait for the others."""
        if not self._by_user:
            return None
        user, jobs = self._by_user.popitem(last=False)
        job = jobs.popleft()
        if jobs:
            self._by_user[user] = jobs
        return job

    def drop(self, job: QueuedFill) -> None:
        """Take a job out, wherever it stands."""
        jobs = self._by_user.get(job.ask.user)
        if jobs is None or job not in jobs:
            return
        jobs.remove(job)
        if not jobs:
            del self._by_user[job.ask.user]
