"""What one stream has read: keys, values and pointer keys of its tokens, in arrays with room for more."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.runtime.blocks import Blocks, Floats

Ids = NDArray[np.int64]
Kept = NDArray[Any]
BLOCK_TOKENS = 32
"""Keys of so many tokens lie together, channel by channel."""
STEP_TOKENS = 64
"""Room grows by so many tokens."""


@dataclass(frozen=True, eq=False)
class StreamArrays:
    """All layers' keys [layers, KV, room / 32, D, 32] and values [layers, KV, room, D], float32 or (uint16) what the compiled
    passes make of it; pointers float32 [room / 32, W, 32].
    """

    keys: Kept
    values: Kept
    pointers: Floats

    def by_token(self) -> Iterator[tuple[Kept, int]]:
        """Keys and values as views [sets, room / n, channels, n, m], and n: token t lies at [:, t // n, :, t % n]."""
        layers, heads, blocks, width, _ = self.keys.shape
        sets, pair = layers * heads, 4 // self.keys.itemsize  # of bfloat16, two lie side by side
        yield self.keys.reshape(sets, blocks, width // pair, BLOCK_TOKENS, pair), BLOCK_TOKENS
        yield self.values.reshape(sets, -1, width, pair, 1), pair

    @cached_property
    def addresses(self) -> tuple[int, int, int]:
        """Where they lie: asked for once, not in every pass."""
        return self.keys.ctypes.data, self.values.ctypes.data, self.pointers.ctypes.data


class StreamState:
    """ids: int64 [count], in reading order, and in `arrays` what they left. Beyond `count` stands anything finite."""

    def __init__(self, arrays: StreamArrays, ids: Ids, *, room: int, blocks: Blocks) -> None:
        """A copy of what `arrays` hold of `ids`, which they begin with, and room for `room` tokens in `blocks`."""
        self.arrays, self.ids, self.room, self._blocks = arrays, ids, 0, blocks
        self.reserve(max(1, room, len(ids)))

    @staticmethod
    def empty(
        *, layers: int, heads: int, width: int, pointer: int, blocks: Blocks, kept: type[Any] = np.float32
    ) -> StreamState:
        """Nothing read yet. kept: the type of keys and values."""
        keys: Kept = np.empty((layers, heads, 0, width, BLOCK_TOKENS), dtype=kept)
        values: Kept = np.empty((layers, heads, 0, width), dtype=kept)
        nothing, pointers = np.empty(0, dtype=np.int64), np.empty((0, pointer, BLOCK_TOKENS), dtype=np.float32)
        return StreamState(StreamArrays(keys, values, pointers), nothing, room=1, blocks=blocks)

    @property
    def keys(self) -> Kept:
        return self.arrays.keys

    @property
    def values(self) -> Kept:
        return self.arrays.values

    @property
    def pointers(self) -> Floats:
        return self.arrays.pointers

    @property
    def count(self) -> int:
        """Number of tokens read."""
        return len(self.ids)

    @property
    def nbytes(self) -> int:
        """Memory that the arrays take."""
        return self.keys.nbytes + self.values.nbytes + self.pointers.nbytes

    def reserve(self, tokens: int) -> None:
        """Make room for `tokens` tokens in all; what has been read stays."""
        if tokens <= self.room:
            return
        self.room = -(-tokens // STEP_TOKENS) * STEP_TOKENS
        layers, heads, _, width, _ = self.keys.shape
        blocks, used, n = self.room // BLOCK_TOKENS, -(-self.count // BLOCK_TOKENS), self.count
        shapes = [(layers, heads, blocks, width, BLOCK_TOKENS), (layers, heads, self.room, width)]
        kept = self.keys.dtype
        sizes = [math.prod(shape) * kept.itemsize // 4 for shape in shapes]
        pointed = (blocks, self.pointers.shape[1], BLOCK_TOKENS)
        *flat, pointers = self._blocks.arrays([*((size,) for size in sizes), pointed])
        keys, values = (part.view(kept).reshape(shape) for part, shape in zip(flat, shapes, strict=True))
        n += n % 2  # two of them may lie side by side
        keys[:, :, :used], values[:, :, :n] = self.keys[:, :, :used], self.values[:, :, :n]
        pointers[:used] = self.pointers[:used]
        self.arrays = StreamArrays(keys, values, pointers)

    def cut(self, count: int) -> None:
        """Forget all but the first `count` tokens."""
        self.ids = self.ids[:count]

    def keep(self, columns: Ids) -> None:
        """Forget all tokens but those at `columns` int64 [n], ascending, which stand together then; pointers go."""
        at = np.arange(len(columns))
        for part, n in self.arrays.by_token():
            part[:, at // n, :, at % n] = part[:, columns // n, :, columns % n]
        self.ids = self.ids[columns]

    def took(self, ids: Ids) -> None:
        """Count tokens that a pass has put behind the others."""
        self.ids = np.concatenate([self.ids, ids])

    def fork(self, count: int) -> StreamState:
        """A state of its own with the first `count` tokens."""
        return StreamState(self.arrays, self.ids[:count], room=count, blocks=self._blocks)
