"""The built-in network on a CPU: weights that are mapped, and caches that remember what has been read."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.backends.builtin.kernel import CHOICE, CHOICES
from model.backends.builtin.runtime.checking import check_ids, check_rows
from model.backends.builtin.runtime.compiled import CompiledPasses, library
from model.backends.builtin.runtime.passes import Passes
from model.backends.builtin.runtime.plain import PlainPasses
from model.backends.builtin.runtime.rows import Outputs, Rows
from model.backends.builtin.runtime.state import Store, Stores
from model.backends.builtin.storage.config import ModelConfig, read_config
from model.backends.builtin.storage.weights import NetworkWeights, open_weights
from model.errors import BadRequest, NotEnoughMemory, UnknownModel

Ids = NDArray[np.int64]


SLICE_SECONDS = 0.03
"""Read the context in slices of about this many seconds, so that a reading can be stopped."""
SLICE_ROWS = (32, 128)
"""Least and most tokens of a slice: with fewer, the weights are read too often; more gain nothing."""
ROWS_STEP = 8


def never() -> bool:
    """Nothing stops."""
    return False


class ReadingPace:
    """How many context tokens to read in one pass, by how long the last one took."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.rows, self._clock = SLICE_ROWS[0], clock

    @contextmanager
    def measured(self, rows: int) -> Iterator[None]:
        """Take the time of a pass of so many rows; short ones say too little of longer ones."""
        before = self._clock()
        yield
        seconds = self._clock() - before
        if rows >= SLICE_ROWS[0]:
            fit = int(SLICE_SECONDS * rows / max(seconds, 1e-6)) // ROWS_STEP * ROWS_STEP
            self.rows = min(max(fit, SLICE_ROWS[0]), SLICE_ROWS[1])


def passes_for(config: ModelConfig, weights: NetworkWeights, kernel: str | None) -> Passes:
    """What computes on this machine. Raises BadRequest for a `kernel` that there is not."""
    wanted = os.environ.get(CHOICE, "") if kernel is None else kernel
    if wanted not in CHOICES:
        raise BadRequest(
            f"there is no kernel {wanted!r}: name one of {', '.join(filter(None, CHOICES))}, or leave it out"
        )
    found = None if wanted == "numpy" else library()
    return CompiledPasses(found, config, weights, wanted=wanted) if found else PlainPasses(config, weights)


class Network:
    """The weights of a model folder. Several caches share it; one thread at a time may use it."""

    def __init__(self, config: ModelConfig, weights: NetworkWeights, passes: Passes) -> None:
        self.config, self._weights, self._passes = config, weights, passes
        self.pace = ReadingPace()

    @classmethod
    def open(cls, folder: Path, *, kernel: str | None = None) -> Network:
        """The network in `folder`.

        kernel: "numpy", or the instruction set to use at most; None: the best there is, or what `DLM_FILL_KERNEL` says.
        Raises UnknownModel: missing, cut short, damaged, or weights that do not fit their config.
        """
        if sys.byteorder != "little":
            raise UnknownModel(
                "the built-in model's weights are little-endian, and this machine is not: use a remote model"
            )
        config = read_config(folder)
        weights = open_weights(folder, config)
        return cls(config, weights, passes_for(config, weights, kernel))

    @property
    def kernel(self) -> str:
        """What computes: "numpy", or the instruction set."""
        return self._passes.name

    @property
    def has_adapter(self) -> bool:
        """Whether the folder has an adapter: without one no row is a masked token."""
        return self._weights.adapter is not None

    @property
    def writes_adapted(self) -> bool:
        """Whether the adapter is for rows that write from left to right: then all rows behind the context carry it."""
        return self._weights.adapter is not None and self._weights.adapter.left_to_right

    def cache(self, *, context_tokens: int, scratch_tokens: int = 1024) -> KVCache:
        """An empty cache. Raises NotEnoughMemory."""
        try:
            stores = Stores(
                context=Store.empty(self.config, context_tokens), scratch=Store.empty(self.config, scratch_tokens)
            )
        except MemoryError as error:
            raise NotEnoughMemory(
                f"no memory for a context of {context_tokens:,} tokens: set a shorter one, or close other programs"
            ) from error
        return KVCache(self, self._passes, stores, context_tokens=context_tokens, scratch_tokens=scratch_tokens)


class KVCache:
    """Keys and values of one document's context, and of scratch slots.

    context_tokens, scratch_tokens: how many of each there is room for.
    """

    def __init__(
        self, network: Network, passes: Passes, stores: Stores, *, context_tokens: int, scratch_tokens: int
    ) -> None:
        self.network, self.context_tokens, self.scratch_tokens = network, context_tokens, scratch_tokens
        self._passes, self._stores = passes, stores
        self._ids: Ids = np.empty(0, dtype=np.int64)

    @property
    def ids(self) -> Ids:
        """int64 [n]: the context that has been read, causally, at positions 0 to n − 1."""
        return self._ids

    @property
    def nbytes(self) -> int:
        """Bytes of keys and values when the cache is full."""
        return self._stores.context.nbytes + self._stores.scratch.nbytes

    def context_states(self) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
        """Keys (rotated) and values of the context that has been read: float16 [layers, kv_heads, n, head_width] each."""
        store, count = self._stores.context, len(self._ids)
        keys = store.keys.swapaxes(3, 4).reshape(store.values.shape)
        return keys[:, :, :count], store.values[:, :, :count]

    def read(self, ids: Ids, *, stop: Callable[[], bool] = never) -> bool:
        """Make the context `ids`, and return whether all of it is read.

        Keys and values of the longest common beginning stay; the rest is read in slices. `stop` is asked before each
        slice (about every 30 ms; without `stop` slices are longer); what has been read by then stays. Slices do not
        change what comes out: every row is computed by itself, in the same order.

        Raises ValueError for ids that the network does not have, or more of them than there is room for.
        """
        ids = np.array(ids, dtype=np.int64)
        check_ids(ids, self.network.config.vocab_size)
        if len(ids) > self.context_tokens:
            raise ValueError(f"a context of {len(ids)} tokens, and room for {self.context_tokens}")
        start, pace = common(self._ids, ids), self.network.pace
        self._ids = ids[:start]
        while start < len(ids):
            if stop():
                return False
            end = min(start + (SLICE_ROWS[1] if stop is never else pace.rows), len(ids))
            with pace.measured(end - start):
                self._passes.read(self._stores, ids[start:end], start)
            self._ids = ids[:end]
            start = end
        return True

    def forward(self, rows: Rows, *, adapter: bool = False) -> Outputs:
        """Run one pass over any rows; their keys and values go to their scratch slots before any row looks at them.

        adapter: these rows carry the folder's low-rank adapter, and the id `vocab_size` is a masked token. Raises
        ValueError for rows that contradict themselves or the cache, and for an adapter that there is not.
        """
        vocab = self.network.config.vocab_size
        if adapter and not self.network.has_adapter:
            raise ValueError("this model folder has no adapter-*.safetensors")
        check_rows(rows, ids=vocab + adapter, context=len(self._ids), scratch=self.scratch_tokens, vocab=vocab)
        if not len(rows.ids):
            return _nothing(rows, vocab)
        return self._passes.forward(self._stores, rows, adapter=adapter)


def common(a: Ids, b: Ids) -> int:
    """Length of the common beginning."""
    n = min(len(a), len(b))
    differs = np.flatnonzero(a[:n] != b[:n])
    return int(differs[0]) if len(differs) else n


def _nothing(rows: Rows, vocab: int) -> Outputs:
    return Outputs(
        ids=np.empty((0, rows.top), dtype=np.int64),
        log_probs=np.empty((0, rows.top), dtype=np.float32),
        targets=np.empty(rows.targets.shape, dtype=np.float32),
        entropy=np.empty(0, dtype=np.float32),
        full=np.empty((0, vocab), dtype=np.float32) if rows.full else None,
    )
