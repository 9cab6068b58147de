"""A model folder from float weights: those of a Hugging Face folder, or random ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.backends.builtin.storage.config import ModelConfig, write_config
from model.backends.builtin.storage.packing import format_of, pack, quantise
from model.backends.builtin.storage.shards import Packed, open_tensors, write_shards
from model.backends.builtin.storage.weights import EMBEDDING, matrix_shapes, vector_lengths
from model.errors import UnknownModel

Floats = NDArray[np.float32]


def float_weights(folder: Path, config: ModelConfig) -> Callable[[str], Floats]:
    """The tensors of a folder's `*.safetensors` by their Hugging Face names. Raises UnknownModel: missing or damaged."""
    tensors = {
        name: part
        for path in sorted(folder.glob("*.safetensors"))
        for name, part in open_tensors(path, aligned=False)[0].items()
    }
    missing = [name for name in (*matrix_shapes(config), *vector_lengths(config)) if name not in tensors]
    if missing:
        raise UnknownModel(f"{folder} holds no {missing[0]}: name a folder with the safetensors of a qwen2 network")

    def weight(name: str) -> Floats:
        part = tensors[name]
        if part.dtype == np.uint16:
            return (part.astype(np.uint32) << 16).view(np.float32)
        return part.astype(np.float32)

    return weight


def random_weights(config: ModelConfig, *, seed: int) -> Callable[[str], Floats]:
    """Random weights of a size at which states neither vanish nor explode, the same for the same seed and name."""
    shapes: Mapping[str, tuple[int, ...]] = matrix_shapes(config) | {n: (k,) for n, k in vector_lengths(config).items()}

    def weight(name: str) -> Floats:
        shape, rng = shapes[name], np.random.default_rng([seed, *name.encode()])
        if len(shape) == 2:
            return rng.standard_normal(shape, dtype=np.float32) * np.float32(shape[1] ** -0.5)
        noise = rng.standard_normal(shape, dtype=np.float32) * np.float32(0.2)
        return noise if name.endswith("bias") else 1 + noise

    return weight


def write_model(
    folder: Path,
    config: ModelConfig,
    weight: Callable[[str], Floats],
    *,
    bits: int = 4,
    group: int = 32,
    mins: bool = False,
) -> None:
    """Write config and weights of a model folder, each weight at its nearest code; the embedding has 8 bits."""
    matrices = {}
    for name in matrix_shapes(config):
        wide = 8 if name == EMBEDDING else bits
        codes, scales, least = quantise(weight(name), bits=wide, group=group, mins=mins and name != EMBEDDING)
        packed = pack(codes, scales, least, bits=wide)
        matrices[name] = Packed(format=format_of(codes, scales, least, bits=wide), pieces=(packed,))
    folder.mkdir(parents=True, exist_ok=True)
    write_shards(folder, matrices, {name: weight(name) for name in vector_lengths(config)})
    write_config(config, folder)
