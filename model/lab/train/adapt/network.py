"""The network in training: a frozen left-to-right decoder whose hole rows carry low-rank parts and a mask embedding.

Context is read causally and without the adapter, so its keys and values are those of the left-to-right mode and cost no
gradient. Row i of a canvas stands at the position before slot i and predicts slot i, as in the left-to-right mode: row 0
carries the last token before the canvas, row i the token of slot i − 1 or the mask embedding. Rows of a canvas see the
context before row 0 and each other, in both directions; rows that write from left to right (`dlm-fill tune`) only those before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from model.backends.builtin.storage.config import ModelConfig, read_config
from model.backends.builtin.storage.conversion import float_weights
from model.backends.builtin.storage.packing import dequantised
from model.backends.builtin.storage.weights import EMBEDDING, NORM, open_weights, projection
from model.backends.published.networks.decoder import Decoder, DecoderConfig, Memory, mixed
from model.backends.published.networks.layers import Block, turned

_PLACES = {
    "q_proj": "attention.q", "k_proj": "attention.k", "v_proj": "attention.v", "o_proj": "attention.o",
    "gate_proj": "gate", "up_proj": "up", "down_proj": "down",
}  # fmt: skip
SCALE = 2.0
"""What the low-rank part is multiplied by; an adapter file holds it within `lora_B`."""


def decoder_config(c: ModelConfig) -> DecoderConfig:
    """The same sizes for the torch network."""
    return DecoderConfig(
        width=c.width,
        heads=c.heads,
        kv_heads=c.kv_heads,
        feed_forward=c.feed_forward,
        head_size=c.head_width,
        norm_eps=c.norm_epsilon,
        qkv_bias=True,
        vocab_size=c.vocab_size,
        layers=c.layers,
        rope_theta=c.rope_base,
        rotary_width=c.head_width,
        tied_embeddings=True,
    )


def read_decoder(folder: Path, *, dtype: torch.dtype = torch.bfloat16) -> tuple[Decoder, ModelConfig]:
    """The network in a folder, frozen: of a model folder, or of one with float weights by Hugging Face's names.

    A model folder gives its quantised weights as they are, so that the adapter fits what it will be used with. Raises
    UnknownModel.
    """
    config = read_config(folder)
    packed = any(folder.glob("weights-*-of-*.safetensors"))
    weight = _dequantised(folder, config) if packed else float_weights(folder, config)
    with torch.device("meta"):
        decoder = Decoder(decoder_config(config))
    state = {name: torch.from_numpy(weight(source)).to(dtype) for name, source in _names(config)}
    decoder.load_state_dict(state, assign=True)
    return decoder.requires_grad_(requires_grad=False).eval(), config


def _dequantised(folder: Path, config: ModelConfig) -> Callable[[str], NDArray[np.float32]]:
    weights = open_weights(folder, config)

    def weight(name: str) -> NDArray[np.float32]:
        if name in weights.vectors:
            return np.array(weights.vectors[name])
        packed = weights.matrices[name]
        return dequantised(packed.whole(), packed.format)

    return weight


def _names(config: ModelConfig) -> Iterator[tuple[str, str]]:
    yield "embedding.weight", EMBEDDING
    yield "norm.weight", NORM
    for n in range(config.layers):
        for ours, theirs in (("attention_norm", "input_layernorm"), ("feed_norm", "post_attention_layernorm")):
            yield f"blocks.{n}.{ours}.weight", f"model.layers.{n}.{theirs}.weight"
        for theirs, ours in _PLACES.items():
            yield f"blocks.{n}.{ours}.weight", f"{projection(n, theirs)}.weight"
            if theirs in {"q_proj", "k_proj", "v_proj"}:
                yield f"blocks.{n}.{ours}.bias", f"{projection(n, theirs)}.bias"


class LowRankLinear(nn.Module):
    """What is added to a projection: `up(down(x)) · SCALE`; nothing at first."""

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, base.in_features) * base.in_features**-0.5)
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(F.linear(x, self.down.to(x.dtype)), self.up.to(x.dtype)) * SCALE


class AdaptedDecoder(nn.Module):
    """The decoder with its adapter. Only the adapter's parameters are trained; they are float32."""

    def __init__(self, decoder: Decoder, *, rank: int) -> None:
        super().__init__()
        self._decoder = [decoder]  # in a list, so that its parameters are not this module's
        self.rank = rank
        self.mask_embedding = nn.Parameter(decoder.embedding.weight.float().mean(dim=0))
        self.parts = nn.ModuleDict(
            {
                f"{n}_{name}": LowRankLinear(block.get_submodule(place), rank)  # type: ignore[arg-type]
                for n, block in enumerate(decoder.blocks)
                for name, place in _PLACES.items()
            }
        )

    @property
    def decoder(self) -> Decoder:
        return self._decoder[0]

    @torch.no_grad()
    def read(self, ids: Tensor) -> tuple[Tensor, Memory]:
        """Normed states [B, T, width] of contexts int64 [B, T] read left to right, and their keys and values."""
        memory = Memory()
        return self.decoder.states(ids, memory=memory, causal=True), memory

    def states(self, ids: Tensor, masked: Tensor, starts: Tensor, lengths: Tensor, memory: Memory) -> Tensor:
        """Normed states [B, C·L, width] of C canvases of L rows over each of B contexts.

        ids: int64 [B, C, L], inputs; masked: bool [B, C, L], inputs that are masks. starts: int64 [B, C], the position of
        row 0: a canvas sees the context before it. lengths: int64 [B, C], rows of a canvas that count; none sees the others.
        """
        decoder = self.decoder
        rows = ids.shape[2]
        x = torch.where(
            masked[..., None], self.mask_embedding.to(decoder.embedding.weight.dtype), decoder.embedding(ids)
        )
        offsets = torch.arange(rows, device=ids.device)
        positions = (starts[..., None] + offsets).flatten(1)
        mask = _mask(starts, lengths, rows, memory.keys[0].shape[2], x.dtype)
        return self._through(x.flatten(1, 2), positions, mask, memory)

    def written(self, ids: Tensor, holes: Tensor, starts: Tensor, positions: Tensor, memory: Memory) -> Tensor:
        """Normed states [B, R, width] of rows that write from left to right, all int64 [B, R].

        holes: which hole a row belongs to; starts: the position of that hole's row 0. A row sees the context before that,
        and the rows of its hole up to itself.
        """
        x = self.decoder.embedding(ids)
        context = torch.arange(memory.keys[0].shape[2], device=ids.device) < starts[..., None]
        own = (holes[:, :, None] == holes[:, None]) & (positions[:, :, None] >= positions[:, None])
        return self._through(x, positions, _added(torch.cat([context, own], dim=2), x.dtype), memory)

    def _through(self, x: Tensor, positions: Tensor, mask: Tensor, memory: Memory) -> Tensor:
        """Normed states of rows [B, R, width] at positions int64 [B, R]; mask: as `_added` makes it."""
        turns = self.decoder.rope.turns(positions, x.dtype)
        for n, block in enumerate(self.decoder.blocks):
            x = self._layer(n, block, x, turns, mask, memory)  # type: ignore[arg-type]
        return self.decoder.norm(x)  # type: ignore[no-any-return]

    def _layer(
        self, n: int, block: Block, x: Tensor, turns: tuple[Tensor, Tensor], mask: Tensor, memory: Memory
    ) -> Tensor:
        batch, length, _ = x.shape
        h = block.attention_norm(x)
        q, k, v = (
            (getattr(block.attention, name[0])(h) + self._low(n, name, h)).view(
                batch, length, -1, block.attention.head_width
            )
            for name in ("q_proj", "k_proj", "v_proj")
        )
        q, k, v = (t.transpose(1, 2) for t in (q, k, v))
        k = torch.cat([memory.keys[n], turned(k, turns)], dim=2)
        v = torch.cat([memory.values[n], v], dim=2)
        seen = mixed(turned(q, turns), k, v, mask).transpose(1, 2).flatten(2)
        x = x + block.attention.o(seen) + self._low(n, "o_proj", seen)
        h = block.feed_norm(x)
        inner = F.silu(block.gate(h) + self._low(n, "gate_proj", h)) * (block.up(h) + self._low(n, "up_proj", h))
        return x + block.down(inner) + self._low(n, "down_proj", inner)  # type: ignore[no-any-return]

    def _low(self, n: int, name: str, x: Tensor) -> Tensor:
        return self.parts[f"{n}_{name}"](x)  # type: ignore[no-any-return]


def _mask(starts: Tensor, lengths: Tensor, rows: int, context: int, dtype: torch.dtype) -> Tensor:
    """See `_added`, of C canvases of L rows: [B, 1, C·L, T + C·L]."""
    batch, canvases = starts.shape
    columns = torch.arange(context, device=starts.device)
    before = (columns < starts[..., None])[:, :, None].expand(-1, -1, rows, -1).flatten(1, 2)  # [B, C·L, T]
    offsets = torch.arange(rows, device=starts.device)
    counts = offsets < lengths[..., None]  # [B, C, L]
    own = torch.eye(canvases, dtype=torch.bool, device=starts.device)
    among = own[None, :, None, :, None] & counts[:, None, None]  # [B, C, 1, C, L]
    among = among.expand(-1, -1, rows, -1, -1).reshape(batch, canvases * rows, canvases * rows)
    return _added(torch.cat([before, among], dim=2), dtype)


def _added(sees: Tensor, dtype: torch.dtype) -> Tensor:
    """What is added to the scores, [B, 1, R, T + R]: 0 where a row sees a column, −∞ elsewhere."""
    return torch.zeros_like(sees, dtype=dtype).masked_fill_(~sees, -torch.inf)[:, None]
