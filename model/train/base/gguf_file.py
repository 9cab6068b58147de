"""A GGUF file: float weights by their Hugging Face names, sizes, and the vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.backends.builtin.config import ModelConfig
from model.errors import UnknownModel
from model.tokenizer import byte_alphabet

Floats = NDArray[np.float32]
_PARTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
    }
)
"""Modules of a layer: by their Hugging Face names, what GGUF calls them."""
_CONTROL, _USER_DEFINED = 3, 4


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """tokens: the bytes of each text token, by id; merges[i]: the two ids that token 256 + i joins; special: ids by text."""

    tokens: tuple[bytes, ...]
    merges: tuple[tuple[int, int], ...]
    special: Mapping[str, int]


class GgufFile:
    """A GGUF file of the architecture qwen2. Raises UnknownModel: missing, damaged, or of another architecture."""

    def __init__(self, path: Path) -> None:
        import gguf

        self._gguf, self.path = gguf, path
        try:
            self._reader = gguf.GGUFReader(path)
            self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}
            architecture = self._field("general.architecture")
        except (OSError, ValueError, LookupError, IndexError) as error:
            reason = " ".join(str(error).split())[:160] or type(error).__name__
            raise UnknownModel(f"cannot read {path} ({reason}): name a complete GGUF file") from error
        if architecture != "qwen2":
            raise UnknownModel(f"{path} holds a network of architecture {architecture!r}: this reads qwen2")

    def _field(self, key: str) -> Any:
        return self._reader.fields[key].contents()

    def config(self, *, vocab_size: int, special: Mapping[str, int], context_tokens: int) -> ModelConfig:
        """The network's sizes, with another vocabulary."""
        heads = int(self._field("qwen2.attention.head_count"))
        width = int(self._field("qwen2.embedding_length"))
        return ModelConfig(
            layers=int(self._field("qwen2.block_count")),
            width=width,
            heads=heads,
            kv_heads=int(self._field("qwen2.attention.head_count_kv")),
            head_width=width // heads,
            feed_forward=int(self._field("qwen2.feed_forward_length")),
            vocab_size=vocab_size,
            rope_base=float(self._field("qwen2.rope.freq_base")),
            norm_epsilon=float(self._field("qwen2.attention.layer_norm_rms_epsilon")),
            context_tokens=context_tokens,
            special=dict(special),
        )

    def vocabulary(self) -> Vocabulary:
        """What the tokenizer's metadata say."""
        texts: list[str] = self._field("tokenizer.ggml.tokens")
        kinds: list[int] = self._field("tokenizer.ggml.token_type")
        alphabet = byte_alphabet()
        tokens = [bytes(alphabet[c] for c in t) for t, kind in zip(texts, kinds, strict=True) if kind == 1]
        ids = {token: n for n, token in enumerate(tokens)}
        merges = [tuple(bytes(alphabet[c] for c in half) for half in merge.split(" "))
                  for merge in self._field("tokenizer.ggml.merges")]  # fmt: skip
        special = {
            t: n for n, (t, kind) in enumerate(zip(texts, kinds, strict=True)) if kind in {_CONTROL, _USER_DEFINED}
        }
        return Vocabulary(
            tokens=tuple(tokens), merges=tuple((ids[left], ids[right]) for left, right in merges), special=special
        )

    def check(self, names: Iterable[str]) -> None:
        """Raises UnknownModel where a tensor is missing."""
        for where in map(self._where, names):
            if where not in self._tensors:
                raise UnknownModel(f"{self.path} holds no {where}: name a complete GGUF file")

    def weight(self, name: str) -> Floats:
        """float32: the tensor of that Hugging Face name. Embedding and head are tied: the more exact of both is taken."""
        self.check([name])
        tensor = self._tensors[self._where(name)]
        values = self._gguf.dequantize(tensor.data, tensor.tensor_type)
        return np.asarray(values, dtype=np.float32).reshape(tuple(int(n) for n in reversed(tensor.shape)))

    def _where(self, name: str) -> str:
        if name == "model.norm.weight":
            return "output_norm.weight"
        if name in {"model.embed_tokens.weight", "lm_head.weight"}:
            return "output.weight" if "output.weight" in self._tensors else "token_embd.weight"
        layer, _, rest = name.removeprefix("model.layers.").partition(".")
        part, _, kind = rest.rpartition(".")
        return f"blk.{layer}.{_PARTS[part]}.{kind}"
