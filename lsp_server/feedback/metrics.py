"""What is counted: how often suggestions come, how fast, and what becomes of them. Never what they say.

Every name that is counted is a constant of this program; numbers are all that comes from outside.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TypeAlias

Save: TypeAlias = Callable[[Mapping[str, int]], None]

COUNTED = frozenset(
    {
        "requests",
        "suggested",
        "answered from the cache",
        "shown",
        "shown characters",
        "accepted",
        "accepted characters",
        "rejected",
        "checked after 30 s",
        "checked characters",
        "characters still there",
        "cancelled",
        "fills sent again",
        "fills applied",
        "fills not applied",
    }
)
DROPPED = "dropped: "
LATENCY = "latency, ms: "
BOUNDS_MS = (
    1,
    2,
    3,
    5,
    7,
    10,
    15,
    20,
    30,
    50,
    70,
    100,
    150,
    200,
    250,
    300,
    400,
    500,
    700,
    1000,
    1500,
    2000,
    5000,
    60_000,
)
_LONGEST_REASON = 80


class Metrics:
    """Counts of this process, handed to `save` (which adds them to what is stored) now and then.

    Counting is for the event loop's thread; `save` may run on another.
    """

    def __init__(self, save: Save | None = None) -> None:
        self._save = save
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, name: str, by: int = 1) -> None:
        """Count `name`, one of `COUNTED`."""
        assert name in COUNTED, "an unknown name might be a user's text"
        self._add({name: by})

    def drop(self, reason: str) -> None:
        """Count a result that was not shown. `reason` is a constant of the program, in one line."""
        assert len(reason) <= _LONGEST_REASON, "a reason is a short constant"
        self._add({DROPPED + reason: 1})

    def took(self, ms: float) -> None:
        """Count the time from a request to its suggestion, in milliseconds."""
        bound = BOUNDS_MS[min(bisect_left(BOUNDS_MS, ms), len(BOUNDS_MS) - 1)]
        self._add({f"{LATENCY}{bound}": 1})

    def counted(self) -> dict[str, int]:
        """What has been counted since it was last taken."""
        with self._lock:
            return dict(self._counts)

    def take(self) -> dict[str, int]:
        """What has been counted since the last time; counting starts from nothing."""
        with self._lock:
            counts, self._counts = dict(self._counts), Counter()
        return counts

    def save(self) -> None:
        """Hand on what has been counted; it is kept for the next time if that fails."""
        counts = self.take()
        if self._save is None or not counts:
            return
        try:
            self._save(counts)
        except OSError:  # a full or read-only disk is no reason to trouble who is typing
            self._add(counts)

    def _add(self, counts: Mapping[str, int]) -> None:
        with self._lock:
            self._counts.update(counts)


def latency_ms(counts: Mapping[str, int], share: float) -> int | None:
    """The time within which `share` (0 to 1) of the suggestions came: an upper bound; None without any."""
    times = {bound: counts.get(f"{LATENCY}{bound}", 0) for bound in BOUNDS_MS}
    total, passed = sum(times.values()), 0
    for bound, number in times.items():
        passed += number
        if total and passed >= share * total:
            return bound
    return None
