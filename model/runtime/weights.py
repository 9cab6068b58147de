"""The weights of a model directory as NumPy arrays, under the names that the network gives them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Halves: TypeAlias = NDArray[np.uint16]
"""bfloat16, which NumPy does not know: the upper halves of float32."""
Floats: TypeAlias = NDArray[np.float32]


def shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight of a network with the sizes `config` (`config.json`'s "network")."""
    width, head = config["width"], config["width"] // config["heads"]
    keys, inner, pointer = config["kv_heads"] * head, config["feed_forward"], config["pointer_width"]
    made: dict[str, tuple[int, ...]] = {
        "embedding.weight": (config["vocab_size"], width),
        "role": (3, width),
        "norm.weight": (width,),
        "pointer_query.weight": (pointer, width),
        "pointer_ahead.weight": (pointer, width),
        "pointer_back.weight": (pointer, width),
        "pointer_tokens.weight": (pointer, 2 * width),
        "pointer_gate.weight": (1, width),
        "pointer_gate.bias": (1,),
    }
    if not config["tied_embeddings"]:
        made["head.weight"] = (config["vocab_size"], width)
    for n in range(config["layers"]):
        outs = {"q": width, "k": keys, "v": keys, "o": width}
        parts: dict[str, tuple[int, ...]] = {f"attention.{part}.weight": (out, width) for part, out in outs.items()}
        parts |= {"gate.weight": (inner, width), "up.weight": (inner, width), "down.weight": (width, inner)}
        parts |= {"attention_norm.weight": (width,), "feed_norm.weight": (width,)}
        if config["qk_norm"]:
            parts |= {f"attention.{part}_norm.weight": (head,) for part in "qk"}
        if config["qkv_bias"]:
            parts |= {f"attention.{part}.bias": (outs[part],) for part in "qkv"}
        made |= {f"blocks.{n}.{name}": shape for name, shape in parts.items()}
    return made


def read_weights(directory: Path, config: Mapping[str, Any]) -> dict[str, Halves]:
    """All weights that the sizes ask for, as they are stored.

    Raises OSError, SafetensorError, KeyError where one is missing, ValueError on another type or shape.
    """
    from safetensors import deserialize

    stored: dict[str, Halves] = {}
    for file in sorted(directory.glob("weights-*.safetensors")):
        for name, entry in deserialize(file.read_bytes()):
            if entry["dtype"] != "BF16":
                raise ValueError(f"{name} is {entry['dtype']}, not BF16")
            stored[name] = np.frombuffer(entry["data"], dtype="<u2").reshape(entry["shape"])
    wanted = shapes(config)
    for name, shape in wanted.items():
        if stored[name].shape != shape:
            raise ValueError(f"{name} has shape {stored[name].shape}, not {shape}")
    return {name: stored[name] for name in wanted}


def widened(weights: Halves) -> Floats:
    """The same numbers as float32."""
    return (weights.astype(np.uint32) << 16).view(np.float32)
