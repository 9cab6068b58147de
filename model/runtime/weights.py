"""The weights of a model directory as NumPy arrays, under the names and in the forms that the graph asks for.

The file holds bfloat16; here they become float32, which is what the graph computes in: at these sizes 8-bit
integers save a fifth of the time and change a tenth of the choices.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


def _sizes(config: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """Channels, of one head, of all queries, of all keys."""
    head = config["width"] // config["heads"]
    return config["width"], head, config["heads"] * head, config["kv_heads"] * head


def shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight of the graph; matrices as [out, in]."""
    width, head, queries, keys = _sizes(config)
    vocabulary, inner, pointer = config["vocab_size"], config["feed_forward"], config["pointer_width"]
    made: dict[str, tuple[int, ...]] = {"embedding": (vocabulary, width), "role": (3, width), "norm": (width,)}
    for n in range(config["layers"]):
        made |= {
            f"{n}.attention_norm": (width,),
            f"{n}.qkv": (queries + 2 * keys, width),
            f"{n}.o": (width, queries),
            f"{n}.feed_norm": (width,),
            f"{n}.gate_up": (2 * inner, width),
            f"{n}.down": (width, inner),
        }
        if config["qkv_bias"]:
            made[f"{n}.qkv_bias"] = (queries + 2 * keys,)
        if config["qk_norm"]:
            made |= {f"{n}.q_norm": (head,), f"{n}.k_norm": (head,)}
    return made | {
        "head": (vocabulary, width),
        "pointer_query": (pointer, width),
        "pointer_states": (2, width, pointer),
        "pointer_tokens": (pointer, 2 * width),
        "pointer_gate": (1, width),
        "pointer_gate_bias": (1,),
    }


def read_weights(directory: Path) -> dict[str, Array]:
    """float32 arrays by the names that the network gives them. Raises OSError, ValueError, SafetensorError."""
    from safetensors import deserialize

    state = {}
    for file in sorted(directory.glob("weights-*.safetensors")):
        for name, entry in deserialize(file.read_bytes()):
            if entry["dtype"] != "BF16":
                raise ValueError(f"{name} is {entry['dtype']}, not BF16")
            halves = np.frombuffer(entry["data"], dtype="<u2")
            state[name] = (halves.astype("<u4") << 16).view("<f4").reshape(entry["shape"])
    return state


def graph_weights(state: Mapping[str, Array], config: Mapping[str, Any]) -> dict[str, Array]:
    """All arrays that the graph takes. Raises KeyError where one is missing, ValueError on shapes."""
    made = _joined(state, config)
    for name, shape in shapes(config).items():
        if made[name].shape != shape:
            raise ValueError(f"{name} has shape {made[name].shape}, not {shape}")
    return made


def _joined(state: Mapping[str, Array], config: Mapping[str, Any]) -> dict[str, Array]:
    """One matrix where the network has several over the same input; scales folded in."""
    scale = np.float32(_sizes(config)[1] ** -0.5)
    made: dict[str, Array] = {
        "embedding": state["embedding.weight"],
        "role": state["role"],
        "norm": state["norm.weight"],
    }
    for n in range(config["layers"]):
        block = f"blocks.{n}."
        queries = state[f"{block}attention.q.weight"]
        parts = [state[f"{block}attention.{part}.weight"] for part in "kv"]
        made[f"{n}.qkv"] = np.concatenate([queries if config["qk_norm"] else queries * scale, *parts])
        made[f"{n}.o"], made[f"{n}.down"] = state[f"{block}attention.o.weight"], state[f"{block}down.weight"]
        made[f"{n}.gate_up"] = np.concatenate([state[f"{block}{part}.weight"] for part in ("gate", "up")])
        for name in ("attention_norm", "feed_norm"):
            made[f"{n}.{name}"] = state[f"{block}{name}.weight"]
        if config["qk_norm"]:
            made[f"{n}.q_norm"] = state[f"{block}attention.q_norm.weight"] * scale
            made[f"{n}.k_norm"] = state[f"{block}attention.k_norm.weight"]
        if config["qkv_bias"]:
            q, k, v = (state[f"{block}attention.{part}.bias"] for part in "qkv")
            made[f"{n}.qkv_bias"] = np.concatenate([q if config["qk_norm"] else q * scale, k, v])
    made["head"] = state["embedding.weight" if config["tied_embeddings"] else "head.weight"]
    made["pointer_query"] = state["pointer_query.weight"] * np.float32(config["pointer_width"] ** -0.5)
    made["pointer_states"] = np.stack([state[f"pointer_{side}.weight"].T for side in ("ahead", "back")])
    made["pointer_tokens"] = state["pointer_tokens.weight"]
    made["pointer_gate"], made["pointer_gate_bias"] = state["pointer_gate.weight"], state["pointer_gate.bias"]
    return made
