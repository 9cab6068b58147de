"""The exported graph in ONNX Runtime, with the weights of a model directory: passes over tokens, in NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    RuntimeException,
)
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NotThere

from model.runtime.blocks import Blocks
from model.runtime.state import StreamState
from model.runtime.weights import Array, graph_weights, read_weights

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]
HIDDEN = np.float32(-1e9)
"""Added to the score of what a token does not see."""
CHUNK_TOKENS = 256
"""So many tokens of a stream at once: each sees all of its chunk's scores, half of them for nothing."""
Streams: TypeAlias = tuple[StreamState, StreamState, StreamState]
"""Left to right, right to left, and what was written into the hole before."""
_PREDICTED = ("top", "top_ids", "total", "plogp", "current")


@dataclass(frozen=True, kw_only=True, eq=False)
class Tokens:
    """What a pass reads: ids, position and back_position int64 [N], mask float32 [N, P + S + W + N] to
    add to the scores of what it might see: both streams, what was written before, the tokens themselves.
    """

    ids: Ids
    position: Ids
    back_position: Ids
    mask: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Wanted:
    """What to predict: after which tokens, rows int64 [R]; standing int64 [Q, 2]: after which of these (of R) how likely
    which id is.

    following: int64 [P + S], the token that each key would copy; copy_mask: float32 [R, P + S].
    whole: int64 [F], which of the R distributions to hand out as they are. entropies: hand out plogp (else 0).
    remember: hand out keys and values, too.
    """

    rows: Ids
    standing: Ids
    following: Ids
    copy_mask: Floats
    whole: Ids
    entropies: bool = True
    remember: bool = False


class Rotation:
    """Rotary tables, float32 [positions, head_width / 2], longer when asked for more."""

    def __init__(self, head_width: int, theta: float) -> None:
        self._frequencies = theta ** (-np.arange(0, head_width, 2, dtype=np.float32) / head_width)
        self._cos = self._sin = np.empty((0, head_width // 2), dtype=np.float32)

    def __call__(self, positions: Ids) -> tuple[Floats, Floats]:
        """cos, sin float32 [N, head_width / 2]."""
        last = int(positions.max())
        if last >= len(self._cos):
            angles = np.arange(last + 513, dtype=np.float32)[:, None] * self._frequencies
            self._cos, self._sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        return self._cos[positions], self._sin[positions]


class Session:
    """The network of a model directory, of these `sizes` ("network" in `config.json`), ready to run.

    Raises OSError, ValueError, LookupError, RuntimeError or SafetensorError where files are missing or do not fit.
    """

    def __init__(self, directory: Path, sizes: Mapping[str, Any], graph: Path, *, threads: int) -> None:
        self.sizes = sizes
        arrays = graph_weights(read_weights(directory), sizes)
        # The session reads the weights where they lie: the arrays have to stay.
        self._arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        options.add_external_initializers(list(self._arrays), [_value(a) for a in self._arrays.values()])
        try:
            self._session = ort.InferenceSession(graph.read_bytes(), options, providers=["CPUExecutionProvider"])
        except (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NotThere, RuntimeException) as error:
            raise ValueError(str(error)) from error  # they have no base of their own
        self._rotation = Rotation(self.sizes["width"] // self.sizes["heads"], self.sizes["rope_theta"])
        layers = range(self.sizes["layers"])
        self._sets = [f"{part}.{n}" for part in ("keys", "values") for n in layers]
        self._blocks = Blocks()
        self._nothing = self.stream()

    def stream(self) -> StreamState:
        """A stream with nothing read yet."""
        c = self.sizes
        head = c["width"] // c["heads"]
        return StreamState.empty(
            layers=c["layers"], heads=c["kv_heads"], width=head, pointer=c["pointer_width"], blocks=self._blocks
        )

    def extend(self, state: StreamState, ids: Ids, *, side: int) -> None:
        """Read `ids` int64 [n] (in reading order) after what `state` has read. side: 0 left to right, 1 the other way.

        A pointer key knows its token and the one before it in the text. Right to left, that one is read later: so the
        last token read before is read once more.
        """
        start = max(0, state.count - side)
        ids = np.concatenate([state.ids[start:], ids])
        state.cut(start)
        for at in range(0, len(ids), CHUNK_TOKENS):
            before = ids[at - 1] if at else (state.ids[-1] if state.count else ids[0])
            chunk = ids[at : at + CHUNK_TOKENS]
            after = ids[at + len(chunk)] if at + len(chunk) < len(ids) else chunk[-1]
            neighbours = np.concatenate([[before], chunk[:-1]]) if side == 0 else np.concatenate([chunk[1:], [after]])
            self._extend(state, chunk, neighbours, side)

    def _extend(self, state: StreamState, ids: Ids, neighbours: Ids, side: int) -> None:
        n, past = len(ids), state.capacity
        mask = np.full((n, past + 2 * self._nothing.capacity + n), HIDDEN, dtype=np.float32)
        mask[:, : state.count] = 0
        mask[:, -n:] *= ~np.tri(n, dtype=bool)
        position = np.arange(state.count, state.count + n)
        tokens = Tokens(ids=ids, position=position, back_position=position, mask=mask)
        nobody = Wanted(
            rows=np.zeros(1, dtype=np.int64),
            standing=np.zeros((1, 2), dtype=np.int64),
            following=np.zeros(past + self._nothing.capacity, dtype=np.int64),
            copy_mask=np.zeros((1, past + self._nothing.capacity), dtype=np.float32),
            whole=np.zeros(0, dtype=np.int64),
        )
        pairs = np.stack([ids, neighbours], axis=1)
        names, streams = ["pointers", *self._sets], (state, self._nothing, self._nothing)
        pointers, *sets = self._run(names, streams, tokens, nobody, role=side, pairs=pairs)
        state.append(ids, pointers, *self.by_part(sets))

    def by_part(self, sets: Sequence[Array]) -> tuple[list[Floats], list[Floats]]:
        """(keys [KV, N, D], values [KV, D, N]) of all layers, of a pass's keys and values."""
        layers = self.sizes["layers"]
        return [part[0] for part in sets[:layers]], [part[0] for part in sets[layers:]]

    def predict(self, streams: Streams, tokens: Tokens, wanted: Wanted) -> list[Array]:
        """One pass of a canvas: see the outputs of `model.train.graph.network.graph` from `top` on.

        If the third of the `streams` is to be added to: followed by keys and values of the tokens.
        """
        names = [*_PREDICTED, "distributions"] + (self._sets if wanted.remember else [])
        return self._run(names, streams, tokens, wanted, role=2, pairs=np.zeros((1, 2), dtype=np.int64))

    def _run(self, names: Sequence[str], streams: Streams, tokens: Tokens, wanted: Wanted, *,
             role: int, pairs: Ids) -> list[Array]:  # fmt: skip
        ahead, back, written = streams
        cos, sin = self._rotation(tokens.position)
        back_cos, back_sin = self._rotation(tokens.back_position)
        n = len(tokens.ids)
        span = [ahead.capacity, back.capacity, written.capacity + n]
        arrays: dict[str, Array] = {
            "ids": tokens.ids, "mask": tokens.mask, "cos": cos, "sin": sin, "back_cos": back_cos, "back_sin": back_sin,
            "role_id": np.array([role]), "side": np.array([min(role, 1)]), "spans": np.array(span),
            "span": np.array([sum(span)]), "key_rows": np.arange(len(pairs)), "key_ids": pairs, "rows": wanted.rows,
            "standing": wanted.standing, "following": wanted.following, "copy_mask": wanted.copy_mask,
            "whole": wanted.whole, "predicts": np.array([role == 2]), "entropies": np.array([wanted.entropies]),
        }  # fmt: skip
        feeds = {name: _value(array) for name, array in arrays.items()}
        feeds |= ahead.feeds("ahead") | back.feeds("back") | written.feeds("written")
        return [value.numpy() for value in self._session.run_with_ort_values(names, feeds)]


def _value(array: Array) -> ort.OrtValue:
    return ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array))
