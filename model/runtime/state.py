"""What one stream has read: keys, values and pointer keys of its tokens, in arrays with room for more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]
STEP_TOKENS = 64
"""Room grows by so many tokens: what is not used yet is masked, and costs as if it were."""


class StreamState:
    """ids: int64 [count], in reading order. Layer n's keys and values: float32 [KV, capacity, D].

    A pass reads the arrays whole (their rows lie apart, so a part of them would have to be copied).
    """

    def __init__(self, sets: Sequence[Floats], pointers: Floats, ids: Ids, *, capacity: int) -> None:
        """A copy of what the arrays hold of `ids`, which they begin with, and room for `capacity` tokens."""
        self.ids, self.capacity = ids, 0
        self._sets, self._pointers = list(sets), pointers
        self.reserve(max(1, capacity, len(ids)))

    @staticmethod
    def empty(*, layers: int, heads: int, width: int, pointer: int) -> StreamState:
        """Nothing read yet, room for one token."""
        sets = [np.empty((heads, 0, width), dtype=np.float32) for _ in range(2 * layers)]
        nothing = np.empty(0, dtype=np.int64)
        return StreamState(sets, np.empty((0, pointer), dtype=np.float32), nothing, capacity=1)

    @property
    def count(self) -> int:
        """Number of tokens read."""
        return len(self.ids)

    @property
    def nbytes(self) -> int:
        """Memory that the arrays take."""
        return sum(part.nbytes for part in self._sets) + self._pointers.nbytes

    def reserve(self, tokens: int) -> None:
        """Make room for `tokens` tokens in all; what has been read stays."""
        if tokens <= self.capacity:
            return
        self.capacity = -(-tokens // STEP_TOKENS) * STEP_TOKENS if tokens > 1 else 1
        self._sets = [self._larger(part, axis=1) for part in self._sets]
        self._pointers = self._larger(self._pointers, axis=0)
        self._values = [ort.OrtValue.ortvalue_from_numpy(part) for part in (*self._sets, self._pointers)]

    def _larger(self, part: Floats, *, axis: int) -> Floats:
        shape = list(part.shape)
        shape[axis] = self.capacity
        made: Floats = np.zeros(shape, dtype=np.float32)
        made[(slice(None),) * axis + (slice(0, self.count),)] = part[(slice(None),) * axis + (slice(0, self.count),)]
        return made

    def cut(self, count: int) -> None:
        """Forget all but the first `count` tokens."""
        self.ids = self.ids[:count]

    def append(self, ids: Ids, pointers: Floats | None, sets: Sequence[Floats]) -> None:
        """Add tokens: pointers float32 [n, W] (None: nothing is copied from them).

        sets: the keys of all layers and then the values, [KV, n, D] each.
        """
        start, end = self.count, self.count + len(ids)
        self.reserve(end)
        if pointers is not None:
            self._pointers[start:end] = pointers
        for part, fresh in zip(self._sets, sets, strict=True):
            part[:, start:end] = fresh
        self.ids = np.concatenate([self.ids, ids])

    def fork(self, count: int) -> StreamState:
        """A state of its own with the first `count` tokens."""
        return StreamState(self._sets, self._pointers, self.ids[:count], capacity=count)

    def feeds(self, side: str) -> dict[str, ort.OrtValue]:
        """The arrays by the names that the graph gives them: of "ahead", "back" or "written" tokens."""
        layers = len(self._sets) // 2
        names = [f"{side}_{part}.{n}" for part in ("keys", "values") for n in range(layers)]
        if side == "written":
            return dict(zip(names, self._values[:-1], strict=True))
        return dict(zip((*names, f"{side}_pointers"), self._values, strict=True))
