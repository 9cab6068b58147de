"""The tensors of a model folder by their place in the network, checked against its config. Names are Hugging Face's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.backends.builtin.storage.config import ModelConfig
from model.backends.builtin.storage.packing import PANEL
from model.backends.builtin.storage.shards import REMEDY, Matrices, Packed, Vectors, open_shards, open_tensors
from model.errors import UnknownModel

Floats = NDArray[np.float32]
EMBEDDING, NORM = "model.embed_tokens.weight", "model.norm.weight"
ATTENTION, FEED_FORWARD = ("q_proj", "k_proj", "v_proj", "o_proj"), ("gate_proj", "up_proj", "down_proj")
PROJECTIONS = (*ATTENTION, *FEED_FORWARD)
MOST_HEAD_WIDTH = 128
MASK_EMBEDDING = "mask_embedding"
ADAPTED_ROWS, DENOISING, LEFT_TO_RIGHT = "rows", "denoising", "left-to-right"
"""What an adapter file's metadata says under "rows": which rows of a hole it was trained for. Without a word: denoising."""


def projection(layer: int, name: str) -> str:
    """The name of a projection of a layer, without `.weight` or `.bias`."""
    return f"model.layers.{layer}.{'self_attn' if name in ATTENTION else 'mlp'}.{name}"


def matrix_shapes(config: ModelConfig) -> dict[str, tuple[int, int]]:
    """Every matrix of the network, [outputs, inputs]; the embedding is also the head."""
    width, keys, wide = config.width, config.kv_heads * config.head_width, config.feed_forward
    queries = config.heads * config.head_width
    shapes = {
        "q_proj": (queries, width), "k_proj": (keys, width), "v_proj": (keys, width), "o_proj": (width, queries),
        "gate_proj": (wide, width), "up_proj": (wide, width), "down_proj": (width, wide),
    }  # fmt: skip
    every = {f"{projection(n, name)}.weight": shapes[name] for n in range(config.layers) for name in PROJECTIONS}
    return {EMBEDDING: (config.vocab_size, width)} | every


def vector_lengths(config: ModelConfig) -> dict[str, int]:
    """Every norm and bias of the network."""
    keys = config.kv_heads * config.head_width
    lengths = {NORM: config.width}
    for n in range(config.layers):
        lengths[f"model.layers.{n}.input_layernorm.weight"] = config.width
        lengths[f"model.layers.{n}.post_attention_layernorm.weight"] = config.width
        for name, length in (("q_proj", config.heads * config.head_width), ("k_proj", keys), ("v_proj", keys)):
            lengths[f"{projection(n, name)}.bias"] = length
    return lengths


@dataclass(frozen=True, kw_only=True, eq=False)
class LowRank:
    """What an adapter adds to a projection: x ↦ up · (down · x).

    down: float32 [rank, in]; up: float32 [out, rank]; both hold what bfloat16 can.
    """

    down: Floats
    up: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Adapter:
    """Low-rank parts by projection (`model.layers.0.mlp.up_proj`), and the embedding of a masked token, float32 [width].

    left_to_right: trained for rows that see what stands before them alone; otherwise for those that denoise.
    """

    parts: Mapping[str, LowRank]
    mask_embedding: Floats
    left_to_right: bool = False

    @property
    def rank(self) -> int:
        return len(next(iter(self.parts.values())).down)


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkWeights:
    """All of a network's tensors; `adapter` is None where the folder has none."""

    matrices: Matrices
    vectors: Vectors
    adapter: Adapter | None = None

    def projection(self, layer: int, name: str) -> Packed:
        return self.matrices[f"{projection(layer, name)}.weight"]


def open_weights(folder: Path, config: ModelConfig) -> NetworkWeights:
    """The weights in `folder`, mapped. Raises UnknownModel where one is missing or does not fit the config."""
    matrices, vectors = open_shards(folder)
    checked(matrices, vectors, config, folder)
    adapters = sorted(folder.glob("adapter-*.safetensors"))
    adapter = open_adapter(adapters[-1], config) if adapters else None
    return NetworkWeights(matrices=matrices, vectors=vectors, adapter=adapter)


def checked(matrices: Matrices, vectors: Vectors, config: ModelConfig, folder: Path) -> None:
    """Raises UnknownModel where a tensor is missing or of another size, or matrices that share an input share no groups."""
    for name, problem in _problems(matrices, vectors, config):
        raise UnknownModel(f"the weights in {folder} do not fit their config.json ({name} {problem}): {REMEDY}")


def _problems(matrices: Matrices, vectors: Vectors, config: ModelConfig) -> Iterator[tuple[str, str]]:
    for name, shape in matrix_shapes(config).items():
        problem = (
            _matrix_problem(matrices[name], shape, whole_panels=name != EMBEDDING) if name in matrices else "is missing"
        )
        if problem:
            yield name, problem
    for name, length in vector_lengths(config).items():
        if name not in vectors:
            yield name, "is missing"
        elif vectors[name].shape != (length,) or vectors[name].dtype != np.float32:
            yield name, f"is {vectors[name].dtype} {vectors[name].shape}, not float32 ({length},)"
    if config.head_width % PANEL or config.head_width > MOST_HEAD_WIDTH:
        yield "head_width", f"is {config.head_width}, no multiple of {PANEL} up to {MOST_HEAD_WIDTH}"
    for n in range(config.layers):
        groups = {name: matrices[f"{projection(n, name)}.weight"].format.group for name in PROJECTIONS}
        if config.head_width % groups["o_proj"]:
            yield projection(n, "o_proj"), f"has groups that are no part of {config.head_width} channels of a head"
        for first, *others in (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj")):
            if any(groups[other] != groups[first] for other in others):
                yield (
                    projection(n, first),
                    f"has groups of {groups[first]}, and {others[0]} others: they share an input",
                )


def _matrix_problem(matrix: Packed, shape: tuple[int, int], *, whole_panels: bool) -> str:
    form = matrix.format
    if (form.rows, form.columns) != shape or sum(map(len, matrix.pieces)) != form.panels:
        return f"is {form.rows} × {form.columns}, not {shape[0]} × {shape[1]}"
    return f"has {form.rows} outputs, no multiple of {PANEL}" if whole_panels and form.rows % PANEL else ""


def open_adapter(path: Path, config: ModelConfig) -> Adapter:
    """The adapter in a safetensors file, tensors float32, float16 or bfloat16.

    `mask_embedding` [width]; for each projection that is adapted `NAME.lora_A` [rank, in] and `NAME.lora_B` [out, rank],
    NAME as `model.layers.0.mlp.up_proj`; the scale is part of B. Raises UnknownModel.
    """
    tensors, metadata = open_tensors(path, aligned=False)
    rows_of = metadata.get(ADAPTED_ROWS, DENOISING)
    if rows_of not in {DENOISING, LEFT_TO_RIGHT}:
        raise UnknownModel(
            f"{path}: an adapter for {rows_of!r} rows, which this version does not know: update dlm-fill"
        )
    floats = {name: _float32(tensor) for name, tensor in tensors.items()}
    parts: dict[str, LowRank] = {}
    for name, (rows, columns) in matrix_shapes(config).items():
        base = name.removesuffix(".weight")
        down, up = floats.pop(f"{base}.lora_A", None), floats.pop(f"{base}.lora_B", None)
        if down is None and up is None:
            continue
        if down is None or up is None or down.shape != (len(up.T), columns) or up.shape[0] != rows or name == EMBEDDING:
            raise UnknownModel(f"{path}: the adapter of {base} does not fit {rows} × {columns}: {_ADAPTER_REMEDY}")
        parts[base] = LowRank(down=_float32(upper_halves(down)), up=_float32(upper_halves(up)))
    mask = floats.pop(MASK_EMBEDDING, None)
    if mask is None or mask.shape != (config.width,) or floats:
        wrong = f"{MASK_EMBEDDING} is missing or of another width" if not floats else f"unknown: {min(floats)}"
        raise UnknownModel(f"{path}: it is no adapter of this network ({wrong}): {_ADAPTER_REMEDY}")
    return Adapter(parts=parts, mask_embedding=mask, left_to_right=rows_of == LEFT_TO_RIGHT)


_ADAPTER_REMEDY = "train it again for this network, or take the file away"


def upper_halves(floats: NDArray[np.float32]) -> NDArray[np.uint16]:
    """bfloat16, to the nearest, half-way to even."""
    words = np.ascontiguousarray(floats, dtype=np.float32).view(np.uint32)
    return ((words + 0x7FFF + (words >> 16 & 1)) >> 16).astype(np.uint16)


def _float32(tensor: NDArray[Any]) -> Floats:
    if tensor.dtype == np.uint16:
        return (tensor.astype(np.uint32) << 16).view(np.float32)
    return tensor.astype(np.float32)
