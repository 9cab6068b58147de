"""From float weights to a model folder: calibration, codes, shards."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.backends.builtin.config import ModelConfig, write_config
from model.backends.builtin.packing import format_of, pack, quantise
from model.backends.builtin.shards import Packed, write_shards
from model.backends.builtin.tokenizer import CodeTokenizer
from model.backends.builtin.weights import EMBEDDING, matrix_shapes, vector_lengths
from model.train.base.gptq import Quantised, gptq, inputs
from model.train.base.network import MATRICES, layer_states, prefix

Floats = NDArray[np.float32]
Weight = Callable[[str], Floats]
GROUP, BITS, WIDE_BITS = 64, 4, 8
WIDE = ("self_attn.k_proj", "self_attn.v_proj")
"""Matrices with eight bits beside the embedding: small, and every position's attention depends on them."""
MOST_ROWS = 20_000
"""Second moments are summed over at most this many inputs: four times the widest matrix's columns."""
CALIBRATION = Path(__file__).parent / "calibration.jsonl.xz"


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """A piece of code with a hole; from which package and version, and the licence that the package states."""

    language: str
    package: str
    version: str
    licence: str
    prefix: str
    middle: str
    suffix: str


def excerpts(path: Path = CALIBRATION) -> list[Excerpt]:
    """The calibration set: code of permissively licensed packages in many languages."""
    lines = lzma.decompress(path.read_bytes()).decode("utf-8").splitlines()
    return [Excerpt(**json.loads(line)) for line in lines]


def sequence(excerpt: Excerpt, tokenizer: CodeTokenizer, special: Mapping[str, int]) -> NDArray[np.int64]:
    """int64 [n]: the prompt as the engine writes it, the hole's text, and its end."""
    ends = [
        np.asarray([special[name]], dtype=np.int64) for name in ("fim_prefix", "fim_suffix", "fim_middle", "endoftext")
    ]
    parts = [tokenizer.encode(text) for text in (excerpt.suffix, excerpt.prefix, excerpt.middle)]
    return np.concatenate([ends[0], ends[1], parts[0], ends[2], parts[1], parts[2], ends[3]])


class _Moments:
    """Sums of x xᵀ over the inputs of a layer's matrices, by the first matrix that they go into."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.first: dict[str, str] = {}
        self._rows: dict[str, int] = {}

    def __call__(self, names: tuple[str, ...], inputs: Tensor) -> None:
        rows = self._rows.get(names[0], 0)
        inputs = inputs[: max(0, MOST_ROWS - rows)]
        if not len(inputs):
            return
        self._rows[names[0]] = rows + len(inputs)
        self.first.update(dict.fromkeys(names, names[0]))
        product = inputs.T @ inputs
        self.sums[names[0]] = self.sums[names[0]] + product if rows else product


@torch.no_grad()
def quantised_layers(
    weight: Weight, config: ModelConfig, sequences: Sequence[NDArray[np.int64]], *, say: Callable[[str], None]
) -> dict[str, tuple[Quantised, int]]:
    """Codes and bits of every matrix of the layers, by name. Each layer sees what the quantised ones before it make."""
    embedding = torch.from_numpy(weight(EMBEDDING))
    states = [embedding[torch.from_numpy(ids)] for ids in sequences]
    made: dict[str, tuple[Quantised, int]] = {}
    for layer in range(config.layers):
        names = [n for n in (*matrix_shapes(config), *vector_lengths(config)) if n.startswith(prefix(layer))]
        weights = {name.removeprefix(prefix(layer)): torch.from_numpy(weight(name).copy()) for name in names}
        moments = _Moments()
        for x in states:
            layer_states(x, weights, config, seen=moments)
        seen = {first: inputs(product) for first, product in moments.sums.items()}
        for name in MATRICES:
            bits = WIDE_BITS if name in WIDE else BITS
            quantised, weights[f"{name}.weight"] = gptq(
                weights[f"{name}.weight"], seen[moments.first[name]], bits=bits, group=GROUP
            )
            made[f"{prefix(layer)}{name}.weight"] = quantised, bits
        states = [layer_states(x, weights, config) for x in states]
        say(f"layer {layer + 1} of {config.layers}")
    return made


def write_folder(
    folder: Path,
    config: ModelConfig,
    weight: Weight,
    sequences: Sequence[NDArray[np.int64]],
    *,
    say: Callable[[str], None],
) -> None:
    """Quantise, and write config and shards into `folder`."""
    matrices = {}
    for name, (quantised, bits) in quantised_layers(weight, config, sequences, say=say).items():
        form = format_of(quantised.codes, quantised.scales, None, bits=bits)
        matrices[name] = Packed(format=form, pieces=(pack(quantised.codes, quantised.scales, bits=bits),))
    codes, scales, _ = quantise(weight(EMBEDDING), bits=WIDE_BITS, group=GROUP)
    form = format_of(codes, scales, None, bits=WIDE_BITS)
    matrices[EMBEDDING] = Packed(format=form, pieces=(pack(codes, scales, bits=WIDE_BITS),))
    write_shards(folder, matrices, {name: weight(name) for name in vector_lengths(config)})
    described = {"method": "GPTQ", "bits": BITS, "group": GROUP, "wide": [EMBEDDING, *WIDE], "wide_bits": WIDE_BITS}
    write_config(replace(config, quantisation=described), folder)
