"""What one stream has read: keys, values and pointer keys of its tokens, in arrays with room for more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from model.runtime.blocks import Blocks, Floats

Ids = NDArray[np.int64]
STEP_TOKENS = 64
"""Room grows by so many tokens: what is not used yet is masked, and costs as if it were."""


class StreamState:
    """ids: int64 [count], in reading order. Layer n's keys: float32 [KV, capacity, D], values: [KV, D, capacity].

    A pass reads the arrays whole (their rows lie apart, so a part of them would have to be copied).
    """

    def __init__(
        self,
        keys: Sequence[Floats],
        values: Sequence[Floats],
        pointers: Floats,
        ids: Ids,
        *,
        capacity: int,
        blocks: Blocks,
    ) -> None:
        """A copy of what the arrays hold of `ids`, which they begin with, and room for `capacity` tokens in `blocks`."""
        self.ids, self.capacity, self._blocks = ids, 0, blocks
        self._keys, self._values, self._pointers = list(keys), list(values), pointers
        self.reserve(max(1, capacity, len(ids)))

    @staticmethod
    def empty(*, layers: int, heads: int, width: int, pointer: int, blocks: Blocks) -> StreamState:
        """Nothing read yet, room for one token."""
        keys = [np.empty((heads, 0, width), dtype=np.float32)] * layers
        values = [np.empty((heads, width, 0), dtype=np.float32)] * layers
        nothing = np.empty(0, dtype=np.int64)
        pointers = np.empty((0, pointer), dtype=np.float32)
        return StreamState(keys, values, pointers, nothing, capacity=1, blocks=blocks)

    @property
    def count(self) -> int:
        """Number of tokens read."""
        return len(self.ids)

    @property
    def nbytes(self) -> int:
        """Memory that the arrays take."""
        return sum(part.nbytes for part in (*self._keys, *self._values, self._pointers))

    def reserve(self, tokens: int) -> None:
        """Make room for `tokens` tokens in all; what has been read stays."""
        if tokens <= self.capacity:
            return
        self.capacity = -(-tokens // STEP_TOKENS) * STEP_TOKENS if tokens > 1 else 1
        heads, _, width = self._keys[0].shape
        layers, n = len(self._keys), self.count
        larger = self._blocks.arrays(
            [(heads, self.capacity, width)] * layers
            + [(heads, width, self.capacity)] * layers
            + [(self.capacity, self._pointers.shape[1])]
        )
        keys, values, pointers = larger[:layers], larger[layers:-1], larger[-1]
        for new, old in zip(keys, self._keys, strict=True):
            new[:, :n] = old[:, :n]
        for new, old in zip(values, self._values, strict=True):
            new[:, :, :n] = old[:, :, :n]
        pointers[:n] = self._pointers[:n]
        self._keys, self._values, self._pointers = keys, values, pointers
        self._fed = [ort.OrtValue.ortvalue_from_numpy(part[None]) for part in (*keys, *values)]
        self._fed.append(ort.OrtValue.ortvalue_from_numpy(pointers))

    def cut(self, count: int) -> None:
        """Forget all but the first `count` tokens."""
        self.ids = self.ids[:count]

    def append(self, ids: Ids, pointers: Floats | None, keys: Sequence[Floats], values: Sequence[Floats]) -> None:
        """Add tokens: pointers float32 [n, W] (None: nothing is copied from them).

        keys, values: of each layer, [KV, n, D] and [KV, D, n].
        """
        start, end = self.count, self.count + len(ids)
        self.reserve(end)
        if pointers is not None:
            self._pointers[start:end] = pointers
        for part, fresh in zip(self._keys, keys, strict=True):
            part[:, start:end] = fresh
        for part, fresh in zip(self._values, values, strict=True):
            part[:, :, start:end] = fresh
        self.ids = np.concatenate([self.ids, ids])

    def fork(self, count: int) -> StreamState:
        """A state of its own with the first `count` tokens."""
        kept = self.ids[:count]
        return StreamState(self._keys, self._values, self._pointers, kept, capacity=count, blocks=self._blocks)

    def feeds(self, side: str) -> dict[str, ort.OrtValue]:
        """The arrays by the names that the graph gives them: of "ahead", "back" or "written" tokens."""
        names = [f"{side}_{part}.{n}" for part in ("keys", "values") for n in range(len(self._keys))]
        if side == "written":
            return dict(zip(names, self._fed[:-1], strict=True))
        return dict(zip((*names, f"{side}_pointers"), self._fed, strict=True))
