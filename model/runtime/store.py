"""Streams that were read before, for requests that begin (left to right) or end (right to left) as earlier ones did.

A stream's state at a token depends on what it has read before and on nothing else, so what two texts have in common
is exact for both. Over requests and documents: the longest common part is found, the rest is read, and what was
used longest ago goes when memory is full.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from model.networks.reading import common_length
from model.runtime.state import StreamState

Ids = NDArray[np.int64]
REWOUND_TOKENS = 64
"""A text that leaves an earlier one so near its end takes its place; one that leaves it before gets a copy."""


@dataclass(frozen=True, eq=False)
class Lease:
    """The right to read the first `count` tokens of `state` for as long as this object lives."""

    state: StreamState
    count: int


@dataclass(eq=False)
class _Entry:
    state: StreamState
    used: int
    leases: WeakSet[Lease] = field(default_factory=WeakSet)

    def needed(self, released: Lease | None) -> int:
        """How many tokens somebody still reads."""
        return max((lease.count for lease in self.leases if lease is not released), default=0)


class Store:
    """The states of one reading direction, at most `limit_bytes` of them (the last one is always kept).

    `fresh` makes an empty state; `extend` reads tokens into one.
    """

    def __init__(
        self, *, fresh: Callable[[], StreamState], extend: Callable[[StreamState, Ids], None], limit_bytes: int
    ) -> None:
        self._fresh, self._extend, self._limit = fresh, extend, limit_bytes
        self._entries: list[_Entry] = []
        self._clock = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def nbytes(self) -> int:
        return sum(entry.state.nbytes for entry in self._entries)

    def read(self, ids: Ids, *, released: Lease | None = None) -> Lease:
        """A state that has read `ids` int64 [n], in reading order; only what none has read yet is computed.

        `released`: a lease that the caller gives back, whose tokens may be overwritten.
        """
        self._clock += 1
        common, entry = max(
            ((common_length(ids, e.state.ids), e) for e in self._entries),
            key=lambda found: (found[0], found[1].used), default=(0, None),
        )  # fmt: skip
        if entry is None or not common:
            entry = self._add(self._fresh())
        elif common < len(ids):
            spare = entry.state.count - common
            if spare > REWOUND_TOKENS or entry.needed(released) > common:
                entry = self._add(entry.state.fork(common))
            else:
                entry.state.cut(common)
        entry.used = self._clock
        if entry.state.count < len(ids):
            self._extend(entry.state, ids[entry.state.count :])
        lease = Lease(entry.state, len(ids))
        entry.leases.add(lease)
        self._evict()
        return lease

    def _add(self, state: StreamState) -> _Entry:
        entry = _Entry(state, self._clock)
        self._entries.append(entry)
        return entry

    def _evict(self) -> None:
        self._entries.sort(key=lambda entry: entry.used)
        while len(self._entries) > 1 and self.nbytes > self._limit:
            del self._entries[0]
