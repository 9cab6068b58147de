"""From float weights to a model folder: calibration, codes, shards."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.backends.builtin.storage.config import ModelConfig
from model.backends.builtin.storage.packing import dequantised, format_of, pack, quantise
from model.backends.builtin.storage.shards import Matrices, Packed, Vectors
from model.backends.builtin.storage.weights import EMBEDDING, NORM, matrix_shapes, vector_lengths
from model.backends.builtin.tokenizer import CodeTokenizer
from model.lab.train.base.folder import Folder
from model.lab.train.base.gptq import DAMPING, gptq, inputs
from model.lab.train.base.network import MATRICES, layer_states, prefix

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


Layer = tuple[Matrices, Vectors]


class Quantiser:
    """Layers one after the other: each sees what the quantised ones before it make of the calibration set."""

    def __init__(self, weight: Weight, config: ModelConfig, states: Sequence[Tensor]) -> None:
        """states: the embedded calibration set, float32 [T, width] each."""
        self._weight, self._config, self._states = weight, config, states

    @torch.no_grad()
    def quantised(self, layer: int) -> Layer:
        """The next layer, quantised."""
        floats = {name: self._weight(name) for name in _names(self._config, layer)}
        weights = {name.removeprefix(prefix(layer)): torch.from_numpy(part.copy()) for name, part in floats.items()}
        moments = _Moments()
        for x in self._states:
            layer_states(x, weights, self._config, seen=moments)
        seen = {first: inputs(product) for first, product in moments.sums.items()}
        matrices: dict[str, Packed] = {}
        for name in MATRICES:
            bits = WIDE_BITS if name in WIDE else BITS
            made, weights[f"{name}.weight"] = gptq(
                weights[f"{name}.weight"], seen[moments.first[name]], bits=bits, group=GROUP
            )
            matrices[f"{prefix(layer)}{name}.weight"] = packed(made.codes, made.scales, bits=bits)
        self._advance(weights)
        return matrices, {name: floats[name] for name in vector_lengths(self._config) if name in floats}

    @torch.no_grad()
    def taken(self, layer: int, matrices: Matrices, vectors: Vectors) -> None:
        """The next layer is there already: this is what it is."""
        weights = {name: torch.from_numpy(np.array(part)) for name, part in vectors.items()}
        weights |= {name: torch.from_numpy(dequantised(part.whole(), part.format)) for name, part in matrices.items()}
        self._advance({name.removeprefix(prefix(layer)): part for name, part in weights.items()})

    def _advance(self, weights: Mapping[str, Tensor]) -> None:
        self._states = [layer_states(x, weights, self._config) for x in self._states]


def _names(config: ModelConfig, layer: int) -> list[str]:
    return [n for n in (*matrix_shapes(config), *vector_lengths(config)) if n.startswith(prefix(layer))]


def packed(codes: NDArray[np.uint8], scales: NDArray[np.float16], *, bits: int) -> Packed:
    """A matrix as the shards hold it; its zero stands in the middle of the codes."""
    return Packed(format=format_of(codes, scales, None, bits=bits), pieces=(pack(codes, scales, bits=bits),))


def write_folder(
    folder: Path,
    config: ModelConfig,
    weight: Weight,
    states: Sequence[Tensor],
    *,
    tokenizer: bytes,
    say: Callable[[str], None],
) -> None:
    """Quantise, and write config, tokenizer and shards into `folder`; what is complete there, of the same settings, is taken as it is.

    Raises BadRequest where the folder holds a model of other settings.
    """
    out = Folder(folder, config)
    made = out.begin(tokenizer)
    if made.halves != {0, 1}:
        codes, scales, _ = quantise(weight(EMBEDDING), bits=WIDE_BITS, group=GROUP)
        embedding = packed(codes, scales, bits=WIDE_BITS)
        for half in {0, 1} - made.halves:
            out.write_half(half, embedding, {NORM: weight(NORM)} if half == 0 else {})
    last = max(set(range(config.layers)) - made.layers, default=-1)
    quantiser = Quantiser(weight, config, states)
    for layer in range(last + 1):
        if layer in made.layers:
            quantiser.taken(layer, *out.layer(layer))
        else:
            out.write_layer(layer, *quantiser.quantised(layer))
        say(f"layer {layer + 1} of {config.layers}" + (" is there" if layer in made.layers else ""))


def described(**origin: str) -> dict[str, Any]:
    """How the weights are made: what two folders must have in common, so that files of one fit the other."""
    return {
        "method": "GPTQ", "bits": BITS, "group": GROUP, "wide": [EMBEDDING, *WIDE], "wide_bits": WIDE_BITS,
        "damping": DAMPING, "rows": MOST_ROWS, **origin,
    }  # fmt: skip
