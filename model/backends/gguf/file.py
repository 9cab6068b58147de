"""A GGUF file: float weights by their Hugging Face names, sizes, and the vocabulary (specification: ggml, docs/gguf.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.backends.builtin.storage.config import ModelConfig
from model.backends.byte_level import byte_alphabet
from model.errors import UnknownModel
from model.extras import require

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


_COMPARED_ROWS, _TIED_SHARE = 64, 0.15
"""An embedding and a head that differ by so little in so many rows are one, packed twice: four bits are off by some 8 %."""
_TYPE_NORMAL, _TYPE_CONTROL, _TYPE_USER = 1, 3, 4
ARCHITECTURES = ("qwen2", "llama")
READ = ("F32", "F16", "BF16", "Q4_0", "Q5_0", "Q8_0", "Q4_K", "Q5_K", "Q6_K")
"""Types of tensors that are read; what else there is comes in files for which better ones exist."""


@dataclass(frozen=True, kw_only=True)
class GgufVocabulary:
    """tokens: the bytes of each text token; merges[i]: the two tokens that token 256 + i joins; special: ids by text.

    ids: where each text token stands in the file's embedding. Here bytes come first, in the file's order, then tokens by
    their merge's rank, so that a token's place is its rank; what no merge makes is left out, for no text is encoded to it.
    """

    tokens: tuple[bytes, ...]
    merges: tuple[tuple[int, int], ...]
    special: Mapping[str, int]
    ids: tuple[int, ...]


class GgufFile:
    """A GGUF file of an architecture in `ARCHITECTURES`. Raises UnknownModel: missing, damaged, or of another architecture."""

    def __init__(self, path: Path) -> None:
        require("gguf", extra="gguf", why=f"the model file {path}")
        import gguf

        self._gguf, self.path = gguf, path
        try:
            self._reader = gguf.GGUFReader(path)
            self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}
            self.architecture = str(self.field("general.architecture"))
        except (OSError, ValueError, LookupError, IndexError) as error:
            reason = " ".join(str(error).split())[:160] or type(error).__name__
            raise UnknownModel(f"cannot read {path} ({reason}): name a complete GGUF file") from error
        if self.architecture not in ARCHITECTURES:
            known = " and ".join(ARCHITECTURES)
            raise UnknownModel(f"{path} holds a network of architecture {self.architecture!r}: this reads {known}")

    def field(self, key: str, default: Any = None) -> Any:
        """What the metadata say of `key`. Raises LookupError where they say nothing and there is no default."""
        if key not in self._reader.fields and default is not None:
            return default
        return self._reader.fields[key].contents()

    def _size(self, key: str, default: Any = None) -> Any:
        try:
            return self.field(f"{self.architecture}.{key}", default)
        except LookupError as error:
            raise UnknownModel(f"{self.path} does not say its {key}: name a complete GGUF file") from error

    def config(self, *, vocab_size: int, special: Mapping[str, int], context_tokens: int) -> ModelConfig:
        """The network's sizes, with another vocabulary. Raises UnknownModel for what the runtime does not compute."""
        heads, width = int(self._size("attention.head_count")), int(self._size("embedding_length"))
        head_width = int(self._size("attention.key_length", width // heads))
        scaling = str(self._size("rope.scaling.type", "none"))
        if scaling not in {"none", ""} or int(self._size("rope.dimension_count", head_width)) != head_width:
            raise UnknownModel(
                f"{self.path} turns its positions by {scaling or 'parts'}: this reads plain rotary positions"
            )
        if "rope_freqs.weight" in self._tensors:
            raise UnknownModel(f"{self.path} turns its positions by a table: this reads plain rotary positions")
        return ModelConfig(
            layers=int(self._size("block_count")),
            width=width,
            heads=heads,
            kv_heads=int(self._size("attention.head_count_kv", heads)),
            head_width=head_width,
            feed_forward=int(self._size("feed_forward_length")),
            vocab_size=vocab_size,
            rope_base=float(self._size("rope.freq_base", 10_000.0)),
            norm_epsilon=float(self._size("attention.layer_norm_rms_epsilon")),
            context_tokens=context_tokens,
            special=dict(special),
        )

    def vocabulary(self) -> GgufVocabulary:
        """What the tokenizer's metadata say. Raises UnknownModel where it is no byte-level BPE."""
        kind = str(self.field("tokenizer.ggml.model", "none"))
        if kind != "gpt2":
            raise UnknownModel(f"{self.path} has a tokenizer of kind {kind!r}: this reads byte-level BPE (gpt2)")
        try:
            return self._vocabulary()
        except (LookupError, ValueError) as error:
            reason = " ".join(str(error).split())[:80]
            raise UnknownModel(
                f"the tokenizer in {self.path} is damaged ({reason}): name a complete GGUF file"
            ) from error

    def _vocabulary(self) -> GgufVocabulary:
        texts: list[str] = self.field("tokenizer.ggml.tokens")
        kinds: list[int] = self.field("tokenizer.ggml.token_type")
        alphabet = byte_alphabet()
        normal = {
            bytes(alphabet[c] for c in text): id_
            for id_, (text, kind) in enumerate(zip(texts, kinds, strict=True))
            if kind == _TYPE_NORMAL
        }
        single = sorted((bytes([byte]) for byte in range(256)), key=normal.__getitem__)
        order = {token: place for place, token in enumerate(single)}
        merges: list[tuple[int, int]] = []
        for merge in self.field("tokenizer.ggml.merges"):
            left, right = (bytes(alphabet[c] for c in half) for half in merge.split(" "))
            if left + right in normal and left + right not in order:  # else it has another way already
                merges.append((order[left], order[right]))
                order[left + right] = len(order)
        special = {
            text: id_
            for id_, (text, kind) in enumerate(zip(texts, kinds, strict=True))
            if kind in {_TYPE_CONTROL, _TYPE_USER}
        }
        tokens = tuple(order)
        return GgufVocabulary(
            tokens=tokens, merges=tuple(merges), special=special, ids=tuple(normal[t] for t in tokens)
        )

    def check(self, names: Iterable[str]) -> None:
        """Raises UnknownModel where a tensor is missing, or of a type that is not read."""
        for name in names:
            self._tensor(name)

    def bits(self, name: str) -> int:
        """Bits that a weight of that Hugging Face name has in the file."""
        kind = self._tensor(name).tensor_type.name
        return 4 if kind.startswith("Q4") else 8

    def _tensor(self, name: str) -> Any:
        where = self._where(name)
        if where not in self._tensors:
            raise UnknownModel(f"{self.path} holds no {where}: name a complete GGUF file")
        tensor = self._tensors[where]
        if tensor.tensor_type.name not in READ:
            kinds = ", ".join(READ)
            raise UnknownModel(f"{self.path} has weights of type {tensor.tensor_type.name}: this reads {kinds}")
        return tensor

    def has(self, name: str) -> bool:
        """Whether there is a tensor of that Hugging Face name."""
        return self._where(name) in self._tensors

    @property
    def ties_its_head(self) -> bool:
        """Whether the embedding is also the head. Some files hold it twice, in two types of tensor: rows are compared."""
        if "output.weight" not in self._tensors:
            return True
        both = [self._tensors[name] for name in ("token_embd.weight", "output.weight")]
        if tuple(both[0].shape) != tuple(both[1].shape):
            return False
        rows = np.linspace(0, int(both[0].shape[1]) - 1, num=_COMPARED_ROWS, dtype=np.int64)
        one, other = (self._gguf.dequantize(t.data[rows], t.tensor_type).astype(np.float64) for t in both)
        return bool(np.abs(one - other).mean() <= _TIED_SHARE * np.abs(one).mean())

    def weight(self, name: str) -> Floats:
        """float32: the tensor of that Hugging Face name. Embedding and head are tied: the more exact of both is taken."""
        tensor = self._tensor(name)
        values = self._gguf.dequantize(tensor.data, tensor.tensor_type)
        whole = np.asarray(values, dtype=np.float32).reshape(tuple(int(n) for n in reversed(tensor.shape)))
        if self.architecture == "llama" and name.endswith(("q_proj.weight", "k_proj.weight")):
            heads = "attention.head_count" if name.endswith("q_proj.weight") else "attention.head_count_kv"
            return _unpermuted(whole, int(self._size(heads, self._size("attention.head_count"))))
        return whole

    def _where(self, name: str) -> str:
        if name == "model.norm.weight":
            return "output_norm.weight"
        if name in {"model.embed_tokens.weight", "lm_head.weight"}:
            return "output.weight" if "output.weight" in self._tensors else "token_embd.weight"
        layer, _, rest = name.removeprefix("model.layers.").partition(".")
        part, _, kind = rest.rpartition(".")
        return f"blk.{layer}.{_PARTS[part]}.{kind}"


def _unpermuted(weight: Floats, heads: int) -> Floats:
    """The rows of a query or key matrix as Hugging Face has them, whose rotary positions turn the halves of a head.

    Files of the architecture llama hold them for neighbours that turn: row 2i and 2i + 1 of a head are i and i + half.
    """
    rows, columns = weight.shape
    return np.ascontiguousarray(
        weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)
    )
