"""A GGUF file as the published one, but tiny: four layers of 64 channels over a vocabulary of a few words."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

from model.tokenizer import byte_alphabet
from model.train.base.gguf_file import _PARTS

WIDTH, FEED, LAYERS, HEADS, KV_HEADS = 128, 192, 2, 2, 1
WORDS = ("def", "return", "self", " =", " in", "():", "\n\n", "    ")
SPECIAL = ("<|endoftext|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "</tool_call>")


def write(path: Path, *, architecture: str = "qwen2", leave_out: str = "") -> Path:
    """The file, the same each time; without the tensor `leave_out`."""
    letters = {byte: letter for letter, byte in byte_alphabet().items()}
    tokens = [bytes([byte]) for byte in range(256)]
    merges: list[str] = []
    for word in (w.encode() for w in WORDS):
        for end in range(2, len(word) + 1):
            if word[:end] not in tokens:
                merges.append(
                    " ".join("".join(letters[b] for b in half) for half in (word[: end - 1], word[end - 1 : end]))
                )
                tokens.append(word[:end])
    texts = ["".join(letters[b] for b in token) for token in tokens]
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(LAYERS)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_token_list([*texts, *SPECIAL])
    writer.add_token_types([1] * len(texts) + [3] * len(SPECIAL))
    writer.add_token_merges(merges)
    rng = np.random.default_rng(3)
    head = WIDTH // HEADS
    sizes = {"attn_q": (WIDTH, WIDTH), "attn_k": (KV_HEADS * head, WIDTH), "attn_v": (KV_HEADS * head, WIDTH),
             "attn_output": (WIDTH, WIDTH), "ffn_gate": (FEED, WIDTH), "ffn_up": (FEED, WIDTH), "ffn_down": (WIDTH, FEED)}  # fmt: skip
    vocab = len(texts) + len(SPECIAL)
    tensors = {"token_embd.weight": rng.normal(size=(vocab, WIDTH)) * 0.1, "output_norm.weight": np.ones(WIDTH)}
    for n in range(LAYERS):
        for part in _PARTS.values():
            shape = sizes.get(part, (WIDTH,))
            values = rng.normal(size=shape) * shape[-1] ** -0.5 if len(shape) == 2 else np.ones(shape)
            tensors[f"blk.{n}.{part}.weight"] = values
            if part in {"attn_q", "attn_k", "attn_v"}:
                tensors[f"blk.{n}.{part}.bias"] = rng.normal(size=shape[:1]) * 0.1
    for name, values in tensors.items():
        if name == leave_out:
            continue
        data = np.asarray(values, dtype=np.float32)
        if data.ndim == 2 and not name.startswith("token"):
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quantize(data, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
