"""A pass by the compiled library `kernel/kernel.so`: see `kernel/kernel.h` for what it takes."""

from __future__ import annotations

import ctypes
import os
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.backends.builtin.kernel import LIBRARY
from model.backends.builtin.kernel.sources import FINGERPRINT_LENGTH, fingerprint
from model.backends.builtin.runtime.plain import rotation
from model.backends.builtin.runtime.rows import Outputs, Rows
from model.backends.builtin.runtime.running import Running
from model.backends.builtin.runtime.state import Store, Stores
from model.backends.builtin.runtime.structures import Layer, LowRankPart, Matrix, Pass, StoreAt, WeightsStruct
from model.backends.builtin.storage.config import ModelConfig
from model.backends.builtin.storage.packing import PANEL
from model.backends.builtin.storage.shards import Packed
from model.backends.builtin.storage.weights import (
    EMBEDDING,
    NORM,
    PROJECTIONS,
    LowRank,
    NetworkWeights,
    projection,
    upper_halves,
)
from model.errors import NotEnoughMemory

Ids = NDArray[np.int64]
MOST_THREADS = 2
"""Laptops have other work to do, and a pass of few rows waits for memory, not for processors."""
RANK_STEP = 16


def threads_here() -> int:
    """`OMP_NUM_THREADS` where somebody has set it, as for every other library; else few."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, int(wanted)) if wanted.isdecimal() else min(MOST_THREADS, os.cpu_count() or 1)


def library() -> ctypes.CDLL | None:
    """The compiled library; None where there is none, or one of other sources."""
    try:
        found = ctypes.CDLL(str(LIBRARY))
        made_from = (ctypes.c_char * FINGERPRINT_LENGTH).in_dll(found, "dlm_sources")
    except (OSError, ValueError):
        return None
    if made_from.value.decode() != fingerprint():
        return None
    found.dlm_variant.restype, found.dlm_variant.argtypes = ctypes.c_char_p, [ctypes.c_char_p]
    found.dlm_open.restype = ctypes.c_void_p
    found.dlm_open.argtypes = [ctypes.POINTER(WeightsStruct), ctypes.c_int, ctypes.c_char_p]
    found.dlm_close.restype, found.dlm_close.argtypes = None, [ctypes.c_void_p]
    found.dlm_run.argtypes = [ctypes.c_void_p, ctypes.POINTER(Pass)]
    return found


def variant(found: ctypes.CDLL, wanted: str = "") -> str:
    """The instruction set that it uses here, at most `wanted`: "avx512vnni", "avxvnni", "avx2", "dotprod" or "base"."""
    name: bytes = found.dlm_variant(wanted.encode())
    return name.decode()


class CompiledPasses:
    """See `Passes`. wanted: the instruction set to use at most, "" for the best. Raises NotEnoughMemory."""

    def __init__(
        self,
        found: ctypes.CDLL,
        config: ModelConfig,
        weights: NetworkWeights,
        *,
        wanted: str = "",
        threads: int | None = None,
    ) -> None:
        self._library, self._config = found, config
        self.name = variant(found, wanted)
        self._held: list[Any] = [weights]  # the library reads weights where they lie: they have to stay
        described = self._described(weights)
        opened = found.dlm_open(described, threads_here() if threads is None else threads, wanted.encode())
        if not opened:
            raise NotEnoughMemory("no memory for the built-in model: close other programs")
        self._network = ctypes.c_void_p(opened)
        self._running = Running()
        # Not when Python ends: a thread may be in the middle of a pass then, and the system takes all back in any case.
        weakref.finalize(self, found.dlm_close, self._network).atexit = False

    def _described(self, weights: NetworkWeights) -> WeightsStruct:
        c, vectors = self._config, weights.vectors
        layers = (Layer * c.layers)()
        for n in range(c.layers):
            for i, name in enumerate(PROJECTIONS):
                layers[n].matrix[i] = self._matrix(weights.projection(n, name))
                low = weights.adapter.parts.get(projection(n, name)) if weights.adapter else None
                layers[n].low[i] = self._low_rank(low)
            layers[n].input_norm = self._at(vectors[f"model.layers.{n}.input_layernorm.weight"])
            layers[n].post_norm = self._at(vectors[f"model.layers.{n}.post_attention_layernorm.weight"])
            layers[n].bias[:] = [
                self._at(vectors[f"{projection(n, name)}.bias"]) for name in ("q_proj", "k_proj", "v_proj")
            ]
        mask = weights.adapter.mask_embedding if weights.adapter else None
        self._held.append(layers)
        return WeightsStruct(
            c.layers, c.width, c.heads, c.kv_heads, c.head_width, c.feed_forward, c.vocab_size, c.norm_epsilon,
            self._matrix(weights.matrices[EMBEDDING]), self._at(vectors[NORM]), None if mask is None else self._at(mask),
            ctypes.addressof(layers),
        )  # fmt: skip

    def _matrix(self, packed: Packed) -> Matrix:
        form = packed.format
        panels = np.concatenate([
            _address(piece) + form.panel_bytes * np.arange(len(piece), dtype=np.uint64) for piece in packed.pieces
        ]).astype(np.uint64)  # fmt: skip
        return Matrix(form.rows, form.columns, form.bits, form.group, form.mins, form.panels, self._at(panels))

    def _low_rank(self, low: LowRank | None) -> LowRankPart:
        if low is None:
            return LowRankPart(0, None, None)
        rank, outputs = (-(-len(low.down) // RANK_STEP) * RANK_STEP, -(-len(low.up) // PANEL) * PANEL)
        down, up = np.zeros((low.down.shape[1], rank), np.float32), np.zeros((rank, outputs), np.float32)
        down[:, : len(low.down)], up[: len(low.down), : len(low.up)] = low.down.T, low.up.T
        return LowRankPart(rank, self._at(upper_halves(down)), self._at(upper_halves(up)))

    def _at(self, array: NDArray[Any]) -> int:
        """Where an array lies that has to stay."""
        array = np.ascontiguousarray(array)
        self._held.append(array)
        return _address(array)

    def read(self, stores: Stores, ids: Ids, start: int) -> None:
        """See `Passes.read`."""
        at = start + np.arange(len(ids))
        seen = at + 1
        cos, sin = rotation(self._config, at)
        ids = np.ascontiguousarray(ids, dtype=np.int64)
        self._run(Pass(
            n=len(ids), reading=1, ids=_address(ids), at=_address(at), context=_address(seen), cos=_address(cos),
            sin=_address(sin), stored=_store(stores.context), scratch=_store(stores.scratch),
        ))  # fmt: skip

    def forward(self, stores: Stores, rows: Rows, *, adapter: bool) -> Outputs:
        """See `KVCache.forward`."""
        # All arrays keep a name until the pass is over.
        cos, sin = rotation(self._config, rows.positions)
        ids, at, context, sees, starts, wanted, targets = (
            np.ascontiguousarray(part, dtype=np.int64)
            for part in (rows.ids, rows.slots, rows.context, rows.sees, rows.starts, rows.wanted, rows.targets)
        )
        count = len(wanted)
        said = Outputs(
            ids=np.empty((count, rows.top), dtype=np.int64),
            log_probs=np.empty((count, rows.top), dtype=np.float32),
            targets=np.empty(targets.shape, dtype=np.float32),
            entropy=np.empty(count, dtype=np.float32),
            full=np.empty((count, self._config.vocab_size), dtype=np.float32) if rows.full else None,
        )
        self._run(Pass(
            n=len(ids), adapter=adapter, ids=_address(ids), at=_address(at), context=_address(context), sees=_address(sees),
            starts=_address(starts), cos=_address(cos), sin=_address(sin), stored=_store(stores.context),
            scratch=_store(stores.scratch), wanted_n=count, target_n=targets.shape[1], top=rows.top,
            wanted=_address(wanted), targets=_address(targets), best=_address(said.ids), log_probs=_address(said.log_probs),
            target_log_probs=_address(said.targets), entropy=_address(said.entropy),
            full=None if said.full is None else _address(said.full),
        ))  # fmt: skip
        return said

    def _run(self, asked: Pass) -> None:
        with self._running:
            failed = self._library.dlm_run(self._network, asked)
        if failed:
            raise NotEnoughMemory("no memory for a pass of the built-in model: close other programs")


def _store(store: Store) -> StoreAt:
    return StoreAt(_address(store.keys), _address(store.values), store.blocks)


def _address(array: NDArray[Any]) -> int:
    at: int = array.__array_interface__["data"][0]  # half the time of `array.ctypes.data`
    return at
