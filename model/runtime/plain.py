"""A pass of the network in NumPy: what runs where nothing could be compiled, and what the compiled passes are held to.

What `native/` computes, operation by operation, in float32; see `model.networks.two_streams` for the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.networks.reading import TOP_K
from model.runtime.passes import PREDICTED_FIRST, Ids, Rotation, Said, Tokens, Wanted
from model.runtime.state import BLOCK_TOKENS, StreamState
from model.runtime.weights import Floats, Halves, widened
from model.tokenizer import END_OF_HOLE_ID

HIDDEN = np.float32(-1e9)
"""Added to the score of what a token does not see."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Set:
    """Keys float32 [KV, D, T] and values [KV, T, D] that are seen where mask float32 [N, T] (0 or HIDDEN) says so.

    back: by the query that is rotated for the right-to-left stream.
    """

    keys: Floats
    values: Floats
    mask: Floats
    back: bool = False


class PlainPasses:
    """See `Passes`."""

    name = "NumPy"
    kept = np.float32

    def __init__(self, sizes: Mapping[str, Any], weights: Mapping[str, Halves], rotation: Rotation) -> None:
        self._sizes, self._rotation, self._lock = sizes, rotation, Lock()
        wide = {name: widened(part) for name, part in weights.items()}
        self._w = {name: part.T if part.ndim == 2 else part for name, part in wide.items()}
        self._embedding, self._role = wide["embedding.weight"], wide["role"]
        self._head = self._w["head.weight" if "head.weight" in wide else "embedding.weight"]

    def read(self, state: StreamState, ids: Ids, before: Ids, *, side: int) -> None:
        with self._lock:
            self._read(state, ids, before, side)

    def predict(
        self, ahead: StreamState, back: StreamState, own: StreamState | None, tokens: Tokens, wanted: Wanted
    ) -> Said:
        with self._lock:
            return self._predict(ahead, back, own, tokens, wanted)

    def _read(self, state: StreamState, ids: Ids, before: Ids, side: int) -> None:
        start, end = state.count, state.count + len(ids)
        position = np.arange(start, end)
        self._rotation.reach(end - 1)
        mask = _hidden(np.arange(end) <= position[:, None])
        x = self._embedding[ids] + self._role[side]
        for n in range(self._sizes["layers"]):
            q, k, v = self._projected(x, n)
            _put(state.keys[n], self._rotated(k, position).transpose(1, 2, 0), start)
            state.values[n, :, start:end] = v.transpose(1, 0, 2)
            seen = _Set(keys=_first(state.keys[n], end), values=state.values[n, :, :end], mask=mask)
            x = self._fed(x, n, self._attended((self._rotated(q, position), None), [seen]))
        states = self._normed(x, "norm")
        pairs = np.concatenate([self._embedding[ids], self._embedding[before]], axis=1)
        of_states = self._w[f"pointer_{'back' if side else 'ahead'}.weight"]
        pointers: Floats = np.asarray(states @ of_states + pairs @ self._w["pointer_tokens.weight"], dtype=np.float32)
        _put(state.pointers, pointers.T, start)

    def _predict(
        self, ahead: StreamState, back: StreamState, own: StreamState | None, tokens: Tokens, wanted: Wanted
    ) -> Said:
        near, far = int(tokens.ahead_seen.max()), int(tokens.back_seen.max())
        self._rotation.reach(int(max(tokens.position.max(), tokens.back_position.max())))
        before = tokens.own_seen.shape[1] - len(tokens.ids)
        ahead_mask = _hidden(np.arange(near) < tokens.ahead_seen[:, None])
        back_mask = _hidden(np.arange(far) < tokens.back_seen[:, None])
        own_mask = _hidden(tokens.own_seen)
        x = self._embedding[tokens.ids] + self._role[2]
        for n in range(self._sizes["layers"]):
            q, k, v = self._projected(x, n)
            keys, values = self._rotated(k, tokens.position).transpose(1, 2, 0), v.transpose(1, 0, 2)
            if own is not None:
                end = before + len(tokens.ids)
                _put(own.keys[n], keys, before)
                own.values[n, :, before:end] = values
                keys, values = _first(own.keys[n], end), own.values[n, :, :end]
            sets = [
                _Set(keys=_first(ahead.keys[n], near), values=ahead.values[n, :, :near], mask=ahead_mask),
                _Set(keys=_first(back.keys[n], far), values=back.values[n, :, :far], mask=back_mask, back=True),
                _Set(keys=keys, values=values, mask=own_mask),
            ]
            queries = self._rotated(q, tokens.position), self._rotated(q, tokens.back_position)
            x = self._fed(x, n, self._attended(queries, sets))
        return self._said(self._normed(x[wanted.rows], "norm"), ahead, back, tokens, wanted)

    def _normed(self, x: Floats, name: str) -> Floats:
        squares = np.einsum("...i,...i->...", x, x)[..., None] / np.float32(x.shape[-1])
        normed = x / np.sqrt(squares + np.float32(self._sizes["norm_eps"])) * self._w[f"{name}.weight"]
        return np.asarray(normed, dtype=np.float32)

    def _projected(self, x: Floats, n: int) -> tuple[Floats, Floats, Floats]:
        """Queries [N, H, D], scaled, keys and values [N, KV, D], none of them rotated."""
        name, head = f"blocks.{n}.attention", self._sizes["width"] // self._sizes["heads"]
        normed = self._normed(x, f"blocks.{n}.attention_norm")
        q, k, v = (
            (normed @ self._w[f"{name}.{part}.weight"] + self._w.get(f"{name}.{part}.bias", np.float32(0)))
            .reshape(len(x), -1, head)
            for part in "qkv"
        )  # fmt: skip
        if self._sizes["qk_norm"]:
            q, k = self._normed(q, f"{name}.q_norm"), self._normed(k, f"{name}.k_norm")
        return q * np.float32(head**-0.5), k, v

    def _rotated(self, x: Floats, position: Ids) -> Floats:
        cos, sin = self._rotation.cos[position][:, None], self._rotation.sin[position][:, None]
        a, b = np.split(x, 2, axis=-1)
        return np.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)

    def _attended(self, queries: tuple[Floats, Floats | None], sets: Sequence[_Set]) -> Floats:
        """[N, H × D]: one softmax over all sets."""
        heads, shared = self._sizes["heads"], self._sizes["kv_heads"]
        length = len(queries[0])

        def by_key(query: Floats | None) -> Floats:
            assert query is not None
            return query.transpose(1, 0, 2).reshape(shared, heads // shared * length, -1)

        scores = [(by_key(queries[part.back]) @ part.keys).reshape(heads, length, -1) + part.mask for part in sets]
        weights = _softmax(np.concatenate(scores, axis=-1)).reshape(shared, heads // shared * length, -1)
        apart = np.split(weights, np.cumsum([part.mask.shape[1] for part in sets])[:-1], axis=-1)
        mixed = sum(w @ part.values for w, part in zip(apart, sets, strict=True))
        return np.asarray(mixed).reshape(heads, length, -1).transpose(1, 0, 2).reshape(length, -1)

    def _fed(self, x: Floats, n: int, mixed: Floats) -> Floats:
        w, name = self._w, f"blocks.{n}"
        x = x + mixed @ w[f"{name}.attention.o.weight"]
        normed = self._normed(x, f"{name}.feed_norm")
        gate = normed @ w[f"{name}.gate.weight"]
        fed = gate * _sigmoid(gate) * (normed @ w[f"{name}.up.weight"])
        return np.asarray(x + fed @ w[f"{name}.down.weight"], dtype=np.float32)

    def _said(self, states: Floats, ahead: StreamState, back: StreamState, tokens: Tokens, wanted: Wanted) -> Said:
        probs = self._mixed(states, ahead, back, tokens, wanted)
        kept = np.concatenate([probs[:, END_OF_HOLE_ID, None], probs[:, PREDICTED_FIRST:]], axis=1)
        best = np.sort(np.argpartition(-kept, TOP_K, axis=1)[:, :TOP_K], axis=1)
        order = np.argsort(-np.take_along_axis(kept, best, axis=1), axis=1, kind="stable")
        best = np.take_along_axis(best, order, axis=1)
        said = Said.empty(wanted, vocab_size=self._sizes["vocab_size"])
        said.top_ids[:], said.top[:] = best, np.take_along_axis(kept, best, axis=1)
        said.total[:] = kept.sum(axis=1)
        if wanted.entropies:
            said.plogp[:] = (kept * np.log(np.maximum(kept, np.float32(1e-12)))).sum(axis=1)
        said.current[:] = probs[wanted.standing[:, 0], wanted.standing[:, 1]]
        said.distributions[:] = kept[wanted.whole]
        return said

    def _mixed(self, states: Floats, ahead: StreamState, back: StreamState, tokens: Tokens, wanted: Wanted) -> Floats:
        """Probabilities [R, V] of the vocabulary and of what is copied: from all keys but each stream's last."""
        near, far = (np.maximum(seen[wanted.rows] - 1, 0) for seen in (tokens.ahead_seen, tokens.back_seen))
        columns, back_columns = int(near.max(initial=0)), int(far.max(initial=0))
        query = states @ self._w["pointer_query.weight"] * np.float32(self._sizes["pointer_width"] ** -0.5)
        keys = np.concatenate([_first(ahead.pointers, columns), _first(back.pointers, back_columns)], axis=1)
        behind = np.arange(back_columns)
        seen = np.concatenate([np.arange(columns) < near[:, None], (behind < far[:, None]) & (behind > 0)], axis=1)
        odds = states @ self._w["pointer_gate.weight"][:, 0] + self._w["pointer_gate.bias"]
        copy = np.where(seen.any(axis=1), _sigmoid(odds), np.float32(0))
        probs = _softmax(states @ self._head) * (np.float32(1) - copy)[:, None]
        if seen.any():
            weights = _softmax(query @ keys + _hidden(seen)) * copy[:, None]
            following = np.concatenate([ahead.ids[1 : columns + 1], np.roll(back.ids[:back_columns], 1)])
            row, column = np.nonzero(seen)
            np.add.at(probs, (row, following[column]), weights[row, column])
        return probs


def _first(blocks: Floats, count: int) -> Floats:
    """[..., D, count]: the first columns of keys that lie in blocks [..., blocks, D, 32]."""
    used = np.moveaxis(blocks[..., : -(-count // BLOCK_TOKENS), :, :], -3, -2)
    return used.reshape(*used.shape[:-2], -1)[..., :count]


def _put(blocks: Floats, keys: Floats, start: int) -> None:
    """Columns [..., D, n] into such blocks, from column `start` on."""
    at = np.arange(start, start + keys.shape[-1])
    blocks[..., at // BLOCK_TOKENS, :, at % BLOCK_TOKENS] = np.moveaxis(keys, -1, 0)


def _hidden(seen: NDArray[np.bool_]) -> Floats:
    return np.where(seen, np.float32(0), HIDDEN)


def _softmax(scores: Floats) -> Floats:
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -87, 87))), dtype=np.float32)
