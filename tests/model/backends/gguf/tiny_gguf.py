"""A GGUF file as the published one, but tiny: a few layers and channels over a vocabulary of a few words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from model.backends.byte_level import byte_alphabet
from model.backends.gguf.file import _PARTS

WIDTH, FEED, LAYERS, HEADS, KV_HEADS = 128, 192, 2, 2, 1
WORDS = ("def", "return", "self", " =", " in", "():", "\n\n", "    ")
SPECIAL = ("<|endoftext|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "</tool_call>")
BLOCKS = {"Q4_K": (4, 140), "Q5_K": (4, 172), "Q6_K": (-2, 208)}
"""Of types that the library does not write: where the scales of a block of 256 weights stand, and its other bytes."""


def weights(
    *, width: int = WIDTH, feed: int = FEED, heads: int = HEADS, kv_heads: int = KV_HEADS, biases: bool = False
) -> dict[str, NDArray[Any]]:
    """Float tensors by their GGUF names; the same each time, with biases of queries, keys and values or without."""
    rng, head = np.random.default_rng(3), width // heads
    keys = kv_heads * head
    sizes = {"attn_q": (width, width), "attn_k": (keys, width), "attn_v": (keys, width), "attn_output": (width, width),
             "ffn_gate": (feed, width), "ffn_up": (feed, width), "ffn_down": (width, feed)}  # fmt: skip
    vocab = len(vocabulary()[0]) + len(SPECIAL)
    tensors = {"token_embd.weight": rng.normal(size=(vocab, width)) * 0.1, "output_norm.weight": np.ones(width)}
    for n in range(LAYERS):
        for part in _PARTS.values():
            shape = sizes.get(part, (width,))
            values = rng.normal(size=shape) * shape[-1] ** -0.5 if len(shape) == 2 else np.ones(shape)
            tensors[f"blk.{n}.{part}.weight"] = values
            if part in {"attn_q", "attn_k", "attn_v"}:
                bias = rng.normal(size=shape[:1]) * 0.1
                tensors |= {f"blk.{n}.{part}.bias": bias} if biases else {}
    return {name: np.asarray(values, dtype=np.float32) for name, values in tensors.items()}


def vocabulary() -> tuple[list[str], list[str]]:
    """Text tokens and merges, spelled."""
    letters = {byte: letter for letter, byte in byte_alphabet().items()}
    tokens = [bytes([byte]) for byte in range(256)]
    merges: list[str] = []
    for word in (w.encode() for w in WORDS):
        for end in range(2, len(word) + 1):
            if word[:end] not in tokens:
                halves = (word[: end - 1], word[end - 1 : end])
                merges.append(" ".join("".join(letters[b] for b in half) for half in halves))
                tokens.append(word[:end])
    return ["".join(letters[b] for b in token) for token in tokens], merges


def write(
    path: Path,
    *,
    architecture: str = "qwen2",
    leave_out: str = "",
    tensors: Mapping[str, NDArray[Any]] | None = None,
    kind: str = "Q8_0",
    biases: bool = True,
    width: int = WIDTH,
    feed: int = FEED,
    heads: int = HEADS,
    kv_heads: int = KV_HEADS,
    special: tuple[str, ...] = SPECIAL,
    more: Mapping[str, Any] | None = None,
) -> Path:
    """The file, the same each time; without the tensor or field `leave_out`. `kind`: of the layers' matrices.

    more: metadata beside those that are always there, or instead of them.
    """
    texts, merges = vocabulary()
    writer = gguf.GGUFWriter(path, architecture)
    more = dict(more or {})
    writer.add_block_count(LAYERS)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(feed)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    for key, value in {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "qwen2", **more}.items():
        if key != leave_out:
            (writer.add_string if isinstance(value, str) else writer.add_uint32)(key, value)
    writer.add_token_list([*texts, *special])
    writer.add_token_types([1] * len(texts) + [3] * len(special))
    writer.add_token_merges(merges)
    sizes = {"width": width, "feed": feed, "heads": heads, "kv_heads": kv_heads}
    found = dict(weights(**sizes, biases=biases)) | dict(tensors or {})
    for name, data in found.items():
        if name == leave_out:
            continue
        if data.ndim == 2 and name.startswith("blk."):
            form = gguf.GGMLQuantizationType[kind]
            writer.add_tensor(name, packed(data, kind), raw_dtype=form)
        else:
            writer.add_tensor(name, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def packed(data: NDArray[Any], kind: str) -> NDArray[Any]:
    """The tensor in that type; in those that the library does not write, random codes of a like size."""
    if kind not in BLOCKS:
        return gguf.quantize(data, gguf.GGMLQuantizationType[kind])
    rng, (scales, rest) = np.random.default_rng(data.size), BLOCKS[kind]
    count = data.size // 256
    body = rng.integers(0, 256, size=(count, rest), dtype=np.uint8)
    steps = rng.uniform(1e-4, 3e-4, size=(count, abs(scales) // 2)).astype(np.float16).view(np.uint8)
    blocks = np.concatenate([steps, body] if scales > 0 else [body, steps], axis=1)
    return blocks.reshape(data.shape[0], -1)
