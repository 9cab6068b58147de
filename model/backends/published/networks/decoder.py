"""The published networks: one stack of layers over one sequence, all families by options.

Who sees whom is an argument: everything (LLaDA, Dream), or blocks that see themselves and those before
(LLaDA2.x, SDAR). A `Memory` keeps keys and values, so that later passes compute the positions they change only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.backends.published.networks.experts import ExpertBlock, ExpertsConfig
from model.backends.published.networks.layers import Block, LayerConfig, Rope, norm, turned

Layer: TypeAlias = Block | ExpertBlock


@dataclass(frozen=True, kw_only=True)
class DecoderConfig(LayerConfig):
    """Sizes and options of a published network.

    `rotary_width`: channels of a head that are rotated. The first `dense_layers` have no experts.
    `embedding_scale`, `logit_scale`: factors on what goes in and comes out.
    """

    vocab_size: int
    layers: int
    rope_theta: float
    rotary_width: int
    tied_embeddings: bool = False
    head_bias: bool = False
    embedding_scale: float = 1.0
    logit_scale: float = 1.0
    experts: ExpertsConfig | None = None
    dense_layers: frozenset[int] = frozenset()

    def has_experts(self, layer: int) -> bool:
        return self.experts is not None and layer not in self.dense_layers


class Memory:
    """Keys (rotated) and values of all positions of some sequences, [B, KV, T, D] per layer."""

    def __init__(self) -> None:
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []

    def put(self, layer: int, k: Tensor, v: Tensor, at: Tensor | None) -> tuple[Tensor, Tensor]:
        """All keys and values of the layer, `k` and `v` among them: the first ones, or at columns `at` int64 [B, Q]."""
        if layer == len(self.keys):
            self.keys.append(k)
            self.values.append(v.contiguous())  # a view would keep queries and keys alive
        elif at is not None:
            columns = at[:, None, :, None].expand_as(k)
            self.keys[layer].scatter_(2, columns, k)
            self.values[layer].scatter_(2, columns, v)
        return self.keys[layer], self.values[layer]

    def rows(self, index: Tensor) -> Memory:
        """Of these sequences (int64 [n]) alone, or repeated."""
        chosen = Memory()
        chosen.keys = [k[index] for k in self.keys]
        chosen.values = [v[index] for v in self.values]
        return chosen

    def first(self, length: int) -> Memory:
        """Of the first `length` positions alone."""
        chosen = Memory()
        chosen.keys = [k[:, :, :length] for k in self.keys]
        chosen.values = [v[:, :, :length] for v in self.values]
        return chosen


class Continued(Memory):
    """What follows after the positions of `past` (of one sequence, for any number of rows); `past` stays as it is.

    Nothing is kept of what is put, unless `keep`: then this is the memory of both.
    """

    def __init__(self, past: Memory, *, keep: bool) -> None:
        super().__init__()
        self._past, self._keep = past, keep

    def put(self, layer: int, k: Tensor, v: Tensor, at: Tensor | None) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        if self._past.keys:
            rows = (len(k), -1, -1, -1)
            k = torch.cat([self._past.keys[layer].expand(rows), k], dim=2)
            v = torch.cat([self._past.values[layer].expand(rows), v], dim=2)
        if self._keep:
            self.keys.append(k)
            self.values.append(v)
        return k, v


class Decoder(nn.Module):
    """A published network; every output row is at the position of its input (no shift is undone here)."""

    def __init__(self, c: DecoderConfig) -> None:
        super().__init__()
        self.config = c
        self.embedding = nn.Embedding(c.vocab_size, c.width)
        layers = [ExpertBlock(c, c.experts) if c.experts and c.has_experts(n) else Block(c) for n in range(c.layers)]
        # A module list, so that its parameters are found; the cast names what is in it.
        self.blocks = cast("Sequence[Layer]", nn.ModuleList(layers))
        self.norm = norm(c, c.width)
        self.head = None if c.tied_embeddings else nn.Linear(c.width, c.vocab_size, bias=c.head_bias)
        self.rope = Rope(c.rotary_width, c.rope_theta)

    @property
    def device(self) -> torch.device:
        return self.embedding.weight.device

    def join(self) -> None:
        """Ready for inference, where the weights are now: fewer and larger products, nothing to fetch from elsewhere."""
        self.rope.frequencies = self.rope.frequencies.to(self.device)
        for block in self.blocks:
            block.join()

    def states(
        self,
        ids: Tensor,
        *,
        sees: Tensor | None = None,
        memory: Memory | None = None,
        at: Tensor | None = None,
        causal: bool = False,
    ) -> Tensor:
        """Normed states [B, Q, width] of `ids` int64 [B, Q].

        They stand at positions 0 … Q-1, or at `at` int64 [B, Q] among the positions that `memory` knows from
        earlier passes. sees: bool, broadcast to [B, heads, Q, T]; None: everything sees everything, or with `causal`
        each position those up to itself (for passes that begin at 0).
        """
        x = self.embedding(ids)
        if self.config.embedding_scale != 1.0:
            x = x * self.config.embedding_scale
        turns = self.rope.turns(torch.arange(ids.shape[1], device=ids.device) if at is None else at, x.dtype)
        # Once, not in every layer: as an additive mask.
        mask = None if sees is None else torch.zeros_like(sees, dtype=x.dtype).masked_fill_(~sees, -torch.inf)
        for n, block in enumerate(self.blocks):
            q, k, v = block.attention.project(block.attention_norm(x))
            k = turned(k, turns)
            if memory is not None:
                k, v = memory.put(n, k, v, at)
            x = block.feed(x + block.attention.out(mixed(turned(q, turns), k, v, mask, causal=causal)))
        return self.norm(x)  # type: ignore[no-any-return]

    def logits(self, states: Tensor) -> Tensor:
        """[..., vocab_size] of normed states [..., width]."""
        made = F.linear(states, self.embedding.weight) if self.head is None else self.head(states)
        return made if self.config.logit_scale == 1.0 else made * self.config.logit_scale


def mixed(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, *, causal: bool = False) -> Tensor:
    """Attention [B, H, Q, D] of `q` over `k` and `v` [B, KV, T, D]; mask: added to the scores, [(B, 1,) Q or 1, T].

    Heads that share keys are asked as further queries of one head: so keys are read once, and every kernel takes them
    (those that take a mask know no grouped heads).
    """
    batch, heads, length, width = q.shape
    group = heads // k.shape[1]
    if causal:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=group > 1)
    if group == 1:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    if mask is not None and mask.shape[-2] > 1:
        mask = torch.cat([mask] * group, dim=-2)
    folded = q.reshape(batch, k.shape[1], group * length, width)
    return F.scaled_dot_product_attention(folded, k, v, attn_mask=mask).reshape(q.shape)
