"""A pass in NumPy: what the kernel computes, written down once more, and what runs where there is no kernel.

Weights are kept as float32 from the first pass on: eight times the bytes of the folder (1.6 GB for the shipped model), and
a pass takes as long as it takes to read them (about 0.1 s).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.backends.builtin.runtime.rows import Outputs, Rows
from model.backends.builtin.runtime.state import BLOCK, Store, Stores
from model.backends.builtin.storage.config import ModelConfig
from model.backends.builtin.storage.packing import dequantised
from model.backends.builtin.storage.weights import EMBEDDING, NORM, NetworkWeights, projection

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]


class PlainPasses:
    """See `Passes`."""

    name = "numpy"

    def __init__(self, config: ModelConfig, weights: NetworkWeights) -> None:
        self._config, self._weights = config, weights
        self._dense: dict[str, Floats] = {}
        self._vectors = weights.vectors
        self._adapter = weights.adapter

    def read(self, stores: Stores, ids: Ids, start: int) -> None:
        """See `Passes.read`."""
        at = start + np.arange(len(ids))
        seen = np.arange(start + len(ids)) <= at[:, None]
        self._states(ids, at, stores.context, at, [(stores.context, seen)], adapter=False)

    def forward(self, stores: Stores, rows: Rows, *, adapter: bool) -> Outputs:
        """See `KVCache.forward`."""
        context = np.arange(int(rows.context.max(initial=0))) < rows.context[:, None]
        scratch = np.zeros((len(rows.ids), int(rows.sees.max(initial=-1)) + 1), dtype=bool)
        scratch[np.repeat(np.arange(len(rows.ids)), np.diff(rows.starts)), rows.sees] = True
        sets = [(stores.context, context), (stores.scratch, scratch)]
        states = self._states(rows.ids, rows.positions, stores.scratch, rows.slots, sets, adapter=adapter)
        return self._outputs(states[rows.wanted], rows)

    def _states(
        self,
        ids: Ids,
        positions: Ids,
        into: Store,
        at: Ids,
        sets: list[tuple[Store, NDArray[np.bool_]]],
        *,
        adapter: bool,
    ) -> Floats:
        """float32 [R, width]: the last layer's states; keys and values are put into the places `at` of `into`."""
        c, low = self._config, adapter and self._adapter is not None
        states = self._embedded(ids)
        cos, sin = rotation(c, positions)
        for n in range(c.layers):
            layer = f"model.layers.{n}"
            normed = normalised(states, self._vectors[f"{layer}.input_layernorm.weight"], c.norm_epsilon)
            q, k, v = (
                self._product(n, name, normed, low=low) + self._vectors[f"{projection(n, name)}.bias"]
                for name in ("q_proj", "k_proj", "v_proj")
            )
            q, k = rotated(self._heads(q), cos, sin), rotated(self._heads(k), cos, sin)
            into.keys[n, :, at // BLOCK, :, at % BLOCK] = halves(k)
            into.values[n, :, at] = halves(self._heads(v))
            states = states + self._product(n, "o_proj", self._attended(n, q, sets), low=low)
            normed = normalised(states, self._vectors[f"{layer}.post_attention_layernorm.weight"], c.norm_epsilon)
            gate, up = (self._product(n, name, normed, low=low) for name in ("gate_proj", "up_proj"))
            states = states + self._product(n, "down_proj", silu(gate) * up, low=low)
        return states

    def _attended(self, layer: int, q: Floats, sets: list[tuple[Store, NDArray[np.bool_]]]) -> Floats:
        """float32 [R, heads · head_width]. q: float32 [R, heads, head_width]; each set with what every row sees of it."""
        c, count = self._config, len(q)
        mask = np.concatenate([seen for _, seen in sets], axis=1)
        out = np.empty((count, c.heads, c.head_width), dtype=np.float32)
        share = c.heads // c.kv_heads
        for kv in range(c.kv_heads):
            keys = np.concatenate([_keys(store, layer, kv, seen.shape[1]) for store, seen in sets])
            values = np.concatenate([store.values[layer, kv, : seen.shape[1]] for store, seen in sets]).astype(
                np.float32
            )
            asking = q[:, kv * share : (kv + 1) * share].reshape(count * share, c.head_width)
            scores = (asking @ keys.T).reshape(count, share, -1) * np.float32(c.head_width**-0.5)
            scores = np.where(mask[:, None], scores, -np.inf)
            odds = np.exp(scores - scores.max(axis=2, keepdims=True))
            mixed = (
                odds.reshape(count * share, -1) @ values / odds.reshape(count * share, -1).sum(axis=1, keepdims=True)
            )
            out[:, kv * share : (kv + 1) * share] = mixed.reshape(count, share, c.head_width)
        return out.reshape(count, -1)

    def _heads(self, part: Floats) -> Floats:
        return part.reshape(len(part), -1, self._config.head_width)

    def _product(self, layer: int, name: str, inputs: Floats, *, low: bool) -> Floats:
        base = projection(layer, name)
        out = self._times(f"{base}.weight", inputs)
        if low and self._adapter and base in self._adapter.parts:
            part = self._adapter.parts[base]
            out += (inputs @ part.down.T) @ part.up.T
        return out

    def _times(self, name: str, inputs: Floats) -> Floats:
        return eight_bits(inputs, self._weights.matrices[name].format.group) @ self._matrix(name).T

    def _matrix(self, name: str) -> Floats:
        if name not in self._dense:
            packed = self._weights.matrices[name]
            self._dense[name] = dequantised(packed.whole(), packed.format)
        return self._dense[name]

    def _embedded(self, ids: Ids) -> Floats:
        table, vocab = self._matrix(EMBEDDING), self._config.vocab_size
        states = table[np.minimum(ids, vocab - 1)]
        if self._adapter is not None:
            states[ids == vocab] = self._adapter.mask_embedding
        return states

    def _outputs(self, states: Floats, rows: Rows) -> Outputs:
        normed = normalised(states, self._vectors[NORM], self._config.norm_epsilon)
        logits = self._times(EMBEDDING, normed)
        top = logits.max(axis=1, keepdims=True)
        log_probs = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
        ids = np.argsort(-log_probs, axis=1, kind="stable")[:, : rows.top]
        return Outputs(
            ids=ids,
            log_probs=np.take_along_axis(log_probs, ids, axis=1),
            targets=np.take_along_axis(log_probs, rows.targets, axis=1),
            entropy=-(np.exp(log_probs) * log_probs).sum(axis=1),
            full=log_probs if rows.full else None,
        )


def _keys(store: Store, layer: int, kv: int, count: int) -> Floats:
    """float32 [count, head_width]."""
    blocks = store.keys[layer, kv, : -(-count // BLOCK)]
    return blocks.transpose(0, 2, 1).reshape(-1, blocks.shape[1])[:count].astype(np.float32)


def eight_bits(inputs: Floats, group: int) -> Floats:
    """What the kernel makes of activations: whole numbers from −127 to 127 times a scale for each group of a row."""
    parts = inputs.reshape(len(inputs), inputs.shape[1] // group, group)
    most = np.abs(parts).max(axis=2, keepdims=True)
    with np.errstate(divide="ignore"):
        back = np.where(most > 0, np.float32(127) / most, np.float32(0))
    return np.asarray(np.rint(parts * back) * (most / np.float32(127)), dtype=np.float32).reshape(inputs.shape)


def halves(part: Floats) -> NDArray[np.float16]:
    """Return float16; what is beyond its range becomes its largest number."""
    return np.clip(part, -65504, 65504).astype(np.float16)


def normalised(states: Floats, weight: Floats, epsilon: float) -> Floats:
    """Root mean square norm."""
    square = np.mean(states * states, axis=1, keepdims=True, dtype=np.float32)
    return np.asarray(states / np.sqrt(square + np.float32(epsilon)) * weight, dtype=np.float32)


def silu(x: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(x / (1 + np.exp(-x)), dtype=np.float32)


def rotation(config: ModelConfig, positions: Ids) -> tuple[Floats, Floats]:
    """Return cos and sin, float32 [R, head_width / 2]."""
    half = config.head_width // 2
    frequencies = config.rope_base ** (-np.arange(half, dtype=np.float64) / half)
    angles = positions[:, None] * frequencies
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def rotated(heads: Floats, cos: Floats, sin: Floats) -> Floats:
    """float32 [R, H, head_width], turned by the angles of their rows; channel i goes with channel i + head_width / 2."""
    low, high = np.split(heads, 2, axis=2)
    cos, sin = cos[:, None], sin[:, None]
    return np.concatenate([low * cos - high * sin, high * cos + low * sin], axis=2)
