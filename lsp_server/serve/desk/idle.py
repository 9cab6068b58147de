"""Fillers that have nothing to do, each with the thread that is its own."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

from model.types import Filler

Place: TypeAlias = tuple[str, str]
Worker: TypeAlias = tuple[Filler, ThreadPoolExecutor]
_MOST_PLACES = 1024


class Idle:
    """Remembers who has filled where, for that one has read the context there."""

    def __init__(self) -> None:
        self._workers: list[Worker] = []
        self._filled_by: OrderedDict[Place, Filler] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._workers)

    def put(self, worker: Worker) -> None:
        """One that has become idle."""
        self._workers.append(worker)

    def take(self, place: Place) -> Worker:
        """The one that filled at `place` last, if it is idle, else any."""
        known = self._filled_by.get(place)
        best = next((n for n, (filler, _) in enumerate(self._workers) if filler is known), -1)
        worker = self._workers.pop(best)
        self._filled_by[place] = worker[0]
        self._filled_by.move_to_end(place)
        if len(self._filled_by) > _MOST_PLACES:
            self._filled_by.popitem(last=False)
        return worker
