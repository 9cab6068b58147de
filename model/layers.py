"""One layer of a dense transformer (RoPE, RMSNorm, SwiGLU, GQA), and the sizes and options of the whole.

Options follow the checkpoint: QKV bias, QK norm, tied embeddings. `Block` and `Attention` serve every dense
family; how positions see each other is the caller's business, through masks and keys and values handed in.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Sizes and options of a network; `config.json` of a checkpoint."""

    vocab_size: int
    width: int = 256
    layers: int = 6
    heads: int = 4
    kv_heads: int = 4
    feed_forward: int = 704
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-5
    qkv_bias: bool = False
    qk_norm: bool = True
    tied_embeddings: bool = True
    pointer_width: int = 64

    @property
    def head_width(self) -> int:
        """Channels of one head."""
        return self.width // self.heads

    def to_json(self) -> dict[str, object]:
        """A plain dictionary."""
        return asdict(self)


class Rope:
    """Rotary embedding. `table(positions)` gives cos and sin, float32 [..., head_width / 2]."""

    def __init__(self, head_width: int, theta: float) -> None:
        # Never a buffer, never on the meta device: recomputed wherever weights come from.
        self.frequencies = theta ** (-torch.arange(0, head_width, 2, dtype=torch.float32, device="cpu") / head_width)

    def table(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """cos, sin for integer `positions` of any shape."""
        angles = positions.to(torch.float32).unsqueeze(-1) * self.frequencies.to(positions.device)
        return angles.cos(), angles.sin()


def rotate(x: Tensor, table: tuple[Tensor, Tensor]) -> Tensor:
    """`x` [B, H, L, D] rotated by the table of its positions ([L, D/2] or [B, L, D/2])."""
    cos, sin = (t.to(x.dtype) if t.dim() == 2 else t.to(x.dtype).unsqueeze(1) for t in table)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class Attention(nn.Module):
    """Projections and norms of one attention layer; the pattern of who sees whom is the caller's."""

    def __init__(self, c: NetworkConfig) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_width = c.heads, c.kv_heads, c.head_width
        self.q = nn.Linear(c.width, c.heads * c.head_width, bias=c.qkv_bias)
        self.k = nn.Linear(c.width, c.kv_heads * c.head_width, bias=c.qkv_bias)
        self.v = nn.Linear(c.width, c.kv_heads * c.head_width, bias=c.qkv_bias)
        self.o = nn.Linear(c.heads * c.head_width, c.width, bias=False)
        self.q_norm = nn.RMSNorm(c.head_width, c.norm_eps) if c.qk_norm else nn.Identity()
        self.k_norm = nn.RMSNorm(c.head_width, c.norm_eps) if c.qk_norm else nn.Identity()

        self._joined: tuple[Tensor, Tensor | None] | None = None

    def join(self) -> None:
        """One product in place of three, for inference: on a CPU small ones cost more to start than to compute."""
        parts = (self.q, self.k, self.v)
        bias = None if self.q.bias is None else torch.cat([p.bias for p in parts])
        self._joined = (torch.cat([p.weight for p in parts]), bias)

    def _projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if self._joined is None:
            return self.q(x), self.k(x), self.v(x)
        q_width, kv_width = self.heads * self.head_width, self.kv_heads * self.head_width
        q, k, v = F.linear(x, *self._joined).split([q_width, kv_width, kv_width], dim=-1)
        return q, k, v

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries [B, H, L, D], keys and values [B, KV, L, D], not yet rotated."""
        batch, length, _ = x.shape
        q, k, v = (t.view(batch, length, -1, self.head_width).transpose(1, 2) for t in self._projected(x))
        return self.q_norm(q), self.k_norm(k), v

    def out(self, mixed: Tensor) -> Tensor:
        """[B, H, L, D] back to [B, L, width]."""
        return self.o(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class Block(nn.Module):
    """One layer: attention and SwiGLU, both behind RMSNorm."""

    def __init__(self, c: NetworkConfig) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(c.width, c.norm_eps)
        self.attention = Attention(c)
        self.feed_norm = nn.RMSNorm(c.width, c.norm_eps)
        self.gate = nn.Linear(c.width, c.feed_forward, bias=False)
        self.up = nn.Linear(c.width, c.feed_forward, bias=False)
        self.down = nn.Linear(c.feed_forward, c.width, bias=False)
        self._joined: Tensor | None = None

    def join(self) -> None:
        """See `Attention.join`. The weights must be where they stay: call it after moving the network."""
        self.attention.join()
        self._joined = torch.cat([self.gate.weight, self.up.weight])

    def feed(self, x: Tensor) -> Tensor:
        """The feed-forward half, residual included."""
        h = self.feed_norm(x)
        gate, up = (self.gate(h), self.up(h)) if self._joined is None else F.linear(h, self._joined).chunk(2, dim=-1)
        return x + self.down(F.silu(gate) * up)  # type: ignore[no-any-return]
