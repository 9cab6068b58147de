"""One layer of a transformer (RoPE, RMSNorm, gated feed-forward, GQA), its sizes and options.

Options follow the checkpoint: biases, QK norm, head width, partial rotation. `Attention` serves every family,
`Block` every dense one (`model.backends.published.networks.experts` has the other feed-forward); how positions see each other is the
caller's business, through masks and keys and values handed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ACTIVATIONS: Final = MappingProxyType[str, Callable[[Tensor], Tensor]](
    {
        "silu": F.silu,
        "relu": F.relu,
        "gelu": F.gelu,
        "gelu_pytorch_tanh": lambda x: F.gelu(x, approximate="tanh"),
    }
)


@dataclass(frozen=True, kw_only=True)
class LayerConfig:
    """Sizes and options of one layer. `head_size` is None where it is `width / heads`.

    `qk_norm_span`: the norm of queries and keys goes over one head (Qwen3) or over all of them (OLMo, LLaDA).
    """

    width: int
    heads: int
    kv_heads: int
    feed_forward: int
    head_size: int | None = None
    norm_eps: float = 1e-5
    norm_bias: bool = False
    qkv_bias: bool = False
    out_bias: bool = False
    feed_bias: bool = False
    qk_norm: bool = False
    qk_norm_span: Literal["head", "all"] = "head"
    activation: str = "silu"

    @property
    def head_width(self) -> int:
        """Channels of one head."""
        return self.head_size or self.width // self.heads


class Rope:
    """Rotary embedding of `width` rotated channels."""

    def __init__(self, width: int, theta: float) -> None:
        # Never a buffer, never on the meta device: recomputed wherever weights come from.
        self.frequencies = theta ** (-torch.arange(0, width, 2, dtype=torch.float32, device="cpu") / width)

    def turns(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """What `turned` multiplies by at `positions` ([L] or [B, L]): two of shape [L, width] or [B, 1, L, width].

        The form that takes few operations per layer.
        """
        angles = positions.to(torch.float32).unsqueeze(-1) * self.frequencies.to(positions.device)
        cos, sin = (t.to(dtype) if t.dim() == 2 else t.to(dtype).unsqueeze(1) for t in (angles.cos(), angles.sin()))
        return torch.cat([cos, cos], dim=-1), torch.cat([-sin, sin], dim=-1)


def turned(x: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    """`x` [B, H, L, D] rotated by `Rope.turns` of its positions; channels beyond those that are rotated stay.

    Three operations where the plain form takes seven, which a GPU's short passes feel.
    """
    cos, sin = turns
    width = cos.shape[-1]
    if width == x.shape[-1]:
        return torch.addcmul(x * cos, x.roll(width // 2, -1), sin)
    first, rest = x.split([width, x.shape[-1] - width], dim=-1)
    return torch.cat([turned(first, turns), rest], dim=-1)


class BiasedRMSNorm(nn.RMSNorm):
    """RMSNorm with a bias: some LLaDA-like checkpoints have one."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__(width, eps)
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + self.bias


def norm(c: LayerConfig, width: int) -> nn.Module:
    """The norm that `c` asks for, over `width` channels."""
    return BiasedRMSNorm(width, c.norm_eps) if c.norm_bias else nn.RMSNorm(width, c.norm_eps)


class Attention(nn.Module):
    """Projections and norms of one attention layer; the pattern of who sees whom is the caller's."""

    def __init__(self, c: LayerConfig) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_width = c.heads, c.kv_heads, c.head_width
        self.q = nn.Linear(c.width, c.heads * c.head_width, bias=c.qkv_bias)
        self.k = nn.Linear(c.width, c.kv_heads * c.head_width, bias=c.qkv_bias)
        self.v = nn.Linear(c.width, c.kv_heads * c.head_width, bias=c.qkv_bias)
        self.o = nn.Linear(c.heads * c.head_width, c.width, bias=c.out_bias)
        self._norm_all = c.qk_norm and c.qk_norm_span == "all"
        self.q_norm = norm(c, c.head_width * (c.heads if self._norm_all else 1)) if c.qk_norm else nn.Identity()
        self.k_norm = norm(c, c.head_width * (c.kv_heads if self._norm_all else 1)) if c.qk_norm else nn.Identity()

        self._joined: tuple[Tensor, Tensor | None] | None = None

    def join(self) -> None:
        """One product in place of three, for inference: small ones cost more to start than to compute.

        The three become views of the one: no weight is kept twice.
        """
        parts = (self.q, self.k, self.v)
        weight = _shared([p.weight for p in parts])
        self._joined = (weight, None if self.q.bias is None else _shared([p.bias for p in parts]))

    def _projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if self._joined is None:
            return self.q(x), self.k(x), self.v(x)
        q_width, kv_width = self.heads * self.head_width, self.kv_heads * self.head_width
        q, k, v = F.linear(x, *self._joined).split([q_width, kv_width, kv_width], dim=-1)
        return q, k, v

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries [B, H, L, D], keys and values [B, KV, L, D], not yet rotated."""
        batch, length, _ = x.shape
        q, k, v = self._projected(x)
        if self._norm_all:
            q, k = self.q_norm(q), self.k_norm(k)
        q, k, v = (t.view(batch, length, -1, self.head_width).transpose(1, 2) for t in (q, k, v))
        return (q, k, v) if self._norm_all else (self.q_norm(q), self.k_norm(k), v)

    def out(self, mixed: Tensor) -> Tensor:
        """[B, H, L, D] back to [B, L, width]."""
        return self.o(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class Block(nn.Module):
    """One layer: attention and a gated feed-forward network, both behind RMSNorm."""

    def __init__(self, c: LayerConfig) -> None:
        super().__init__()
        self.attention_norm = norm(c, c.width)
        self.attention = Attention(c)
        self.feed_norm = norm(c, c.width)
        self.gate = nn.Linear(c.width, c.feed_forward, bias=c.feed_bias)
        self.up = nn.Linear(c.width, c.feed_forward, bias=c.feed_bias)
        self.down = nn.Linear(c.feed_forward, c.width, bias=c.feed_bias)
        self._activation = ACTIVATIONS[c.activation]
        self._joined: tuple[Tensor, Tensor | None] | None = None

    def join(self) -> None:
        """See `Attention.join`. The weights must be where they stay: call it after moving the network."""
        self.attention.join()
        weight = _shared([self.gate.weight, self.up.weight])
        self._joined = (weight, None if self.gate.bias is None else _shared([self.gate.bias, self.up.bias]))

    def feed(self, x: Tensor) -> Tensor:
        """The feed-forward half, residual included."""
        h = self.feed_norm(x)
        gate, up = (self.gate(h), self.up(h)) if self._joined is None else F.linear(h, *self._joined).chunk(2, dim=-1)
        return x + self.down(self._activation(gate) * up)  # type: ignore[no-any-return]


def _shared(parts: list[Tensor]) -> Tensor:
    """The parts in one tensor [sum of rows, …], which they are views of from now on."""
    joined = torch.cat([p.detach() for p in parts])
    for part, view in zip(parts, joined.split([len(p) for p in parts]), strict=True):
        part.data = view
    return joined
