"""Where keys and values lie, for NumPy and for the kernel alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.backends.builtin.storage.config import ModelConfig

BLOCK = 32
"""Tokens whose keys lie side by side, channel by channel: a vector then holds one channel of several tokens."""
Halves = NDArray[np.float16]


@dataclass(frozen=True, kw_only=True, eq=False)
class Store:
    """Keys and values of `tokens` places, float16.

    keys: [layers, kv_heads, blocks, head_width, BLOCK]; values: [layers, kv_heads, blocks · BLOCK, head_width].

    float16 takes half the memory and the time of float32 where a pass reads thousands of tokens, and keeps 11 bits of a
    number: bfloat16 keeps 8, and the keys of this network are large and differ little (its biases reach into the
    hundreds). 8-bit keys would need a scale for each token and head, and would save 6 MB per 1,000 tokens.
    """

    keys: Halves
    values: Halves

    @classmethod
    def empty(cls, config: ModelConfig, tokens: int) -> Store:
        """Room for `tokens` tokens, 12 kB each in the built-in model. With huge pages it is all taken once the first is written."""
        blocks = -(-max(tokens, 1) // BLOCK)
        lead, head = (config.layers, config.kv_heads), config.head_width
        return cls(
            keys=np.zeros((*lead, blocks, head, BLOCK), dtype=np.float16),
            values=np.zeros((*lead, blocks * BLOCK, head), dtype=np.float16),
        )

    @property
    def blocks(self) -> int:
        blocks: int = self.keys.shape[2]
        return blocks

    @property
    def nbytes(self) -> int:
        return self.keys.nbytes + self.values.nbytes


@dataclass(frozen=True, kw_only=True, eq=False)
class Stores:
    """A cache's context, in reading order, and its scratch slots."""

    context: Store
    scratch: Store
