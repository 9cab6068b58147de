"""Tiny networks of the built-in model's architecture, with random weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from model.backends.builtin.runtime.rows import Rows
from model.backends.builtin.storage.config import ModelConfig
from model.backends.builtin.storage.conversion import random_weights, write_model
from model.backends.builtin.storage.weights import MASK_EMBEDDING, PROJECTIONS, matrix_shapes, projection

VOCAB = 203  # no multiple of a panel
CONFIG = ModelConfig(
    layers=3, width=128, heads=6, kv_heads=2, head_width=64, feed_forward=192, vocab_size=VOCAB,
    rope_base=1e6, norm_epsilon=1e-6, context_tokens=512, special={"end_of_text": VOCAB - 1},
)  # fmt: skip


def write(
    folder: Path,
    *,
    bits: int = 4,
    group: int = 32,
    mins: bool = False,
    seed: int = 0,
    rank: int = 0,
    config: ModelConfig = CONFIG,
) -> Path:
    """A model folder; with an adapter of this rank if it is not 0."""
    write_model(folder, config, random_weights(config, seed=seed), bits=bits, group=group, mins=mins)
    if rank:
        rng = np.random.default_rng(seed)
        tensors = {MASK_EMBEDDING: rng.standard_normal(config.width, dtype=np.float32)}
        shapes = matrix_shapes(config)
        for name in (projection(n, part) for n in range(config.layers) for part in PROJECTIONS):
            rows, columns = shapes[f"{name}.weight"]
            tensors[f"{name}.lora_A"] = rng.standard_normal((rank, columns), dtype=np.float32) * np.float32(
                columns**-0.5
            )
            tensors[f"{name}.lora_B"] = rng.standard_normal((rows, rank), dtype=np.float32) * np.float32(
                0.3 * rank**-0.5
            )
        save_file(tensors, folder / "adapter-1.safetensors")
    return folder


def rows(
    ids: Iterable[int],
    *,
    sees: Sequence[Sequence[int]],
    context: int | Sequence[int],
    slots: Sequence[int] | None = None,
    positions: Sequence[int] | None = None,
    wanted: Sequence[int] | None = None,
    targets: Sequence[Sequence[int]] | None = None,
    top: int = 4,
    full: bool = True,
) -> Rows:
    """Rows that see these slots each; positions follow the context unless they are given."""
    count = len(sees)
    seen = np.full(count, context, dtype=np.int64) if isinstance(context, int) else _ints(context)
    asked = _ints(range(count) if wanted is None else wanted)
    return Rows(
        ids=_ints(ids),
        positions=seen + _ints([len(s) - 1 for s in sees]) if positions is None else _ints(positions),
        slots=_ints(range(count) if slots is None else slots),
        context=seen,
        sees=_ints([slot for each in sees for slot in each]),
        starts=np.cumsum([0, *map(len, sees)]),
        wanted=asked,
        targets=np.empty((len(asked), 0), dtype=np.int64) if targets is None else np.asarray(targets, dtype=np.int64),
        top=top,
        full=full,
    )


def _ints(values: Iterable[int]) -> NDArray[np.int64]:
    return np.asarray(list(values), dtype=np.int64)
