"""The other feed-forward: a mixture of experts, of which every token uses a few (LLaDA-MoE, LLaDA2.x, SDAR-MoE)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.backends.published.networks.layers import ACTIVATIONS, Attention, LayerConfig, norm


@dataclass(frozen=True, kw_only=True)
class ExpertsConfig:
    """How a layer's experts are made and chosen.

    count: experts; active: how many each token uses. feed_forward: inner width of one. shared: inner width of the
    one that every token uses besides (0: none). score: how the router's logits become scores. bias: a number per
    expert is added to its score, to choose only ("choice") or for good ("score"). normalised: the weights of the
    chosen sum to 1 (before `scale`). groups, active_groups: only the experts of the best groups can be chosen,
    a group being as good as the two best scores in it (DeepSeek-V3, arXiv 2412.19437, section 2.1.2).
    """

    count: int
    active: int
    feed_forward: int
    shared: int = 0
    score: Literal["softmax", "sigmoid"] = "softmax"
    bias: Literal["none", "choice", "score"] = "none"
    normalised: bool = False
    scale: float = 1.0
    groups: int = 1
    active_groups: int = 1


class Router(nn.Module):
    """Which experts a token uses, and with what weight."""

    def __init__(self, width: int, e: ExpertsConfig) -> None:
        super().__init__()
        self.config = e
        self.weight = nn.Parameter(torch.empty(e.count, width))
        self.bias = nn.Parameter(torch.empty(e.count)) if e.bias != "none" else None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(expert int64 [n, active], weight float32 [n, active]) for tokens `x` [n, width]."""
        e = self.config
        logits = F.linear(x.float(), self.weight.float())
        scores = logits.softmax(-1) if e.score == "softmax" else logits.sigmoid()
        wanted = scores if self.bias is None else scores + self.bias.float()
        if e.bias == "score":
            scores = wanted
        if e.active_groups < e.groups:
            wanted = wanted.masked_fill(~self._in_best_groups(wanted), float("-inf"))
        chosen = wanted.topk(e.active, dim=-1).indices
        weight = scores.gather(-1, chosen)
        if e.normalised:
            weight = weight / (weight.sum(-1, keepdim=True) + 1e-20)
        return chosen, weight * e.scale

    def _in_best_groups(self, scores: Tensor) -> Tensor:
        """Bool [n, count]."""
        e = self.config
        grouped = scores.unflatten(-1, (e.groups, -1))
        worth = grouped.topk(min(2, grouped.shape[-1]), dim=-1).values.sum(-1)
        best = torch.zeros_like(worth, dtype=torch.bool).scatter_(-1, worth.topk(e.active_groups, dim=-1).indices, 1)
        return best.unsqueeze(-1).expand_as(grouped).flatten(-2)


class Experts(nn.Module):
    """All experts of one layer, stacked: `gate_up` [E, 2 I, width] (gates above), `down` [E, width, I]."""

    def __init__(self, c: LayerConfig, e: ExpertsConfig) -> None:
        super().__init__()
        self.router = Router(c.width, e)
        self.gate_up = nn.Parameter(torch.empty(e.count, 2 * e.feed_forward, c.width))
        self.down = nn.Parameter(torch.empty(e.count, c.width, e.feed_forward))
        self.shared_gate = nn.Linear(c.width, e.shared, bias=False) if e.shared else None
        self.shared_up = nn.Linear(c.width, e.shared, bias=False) if e.shared else None
        self.shared_down = nn.Linear(e.shared, c.width, bias=False) if e.shared else None
        self._activation = ACTIVATIONS[c.activation]

    def forward(self, x: Tensor) -> Tensor:
        """What the chosen experts and the shared one make of `x` [..., width]."""
        flat = x.flatten(0, -2)
        chosen, weight = self.router(flat)
        # Tokens in the order of their experts, so that each expert is one product over a run of rows.
        order = chosen.flatten().argsort(stable=True)
        rows = flat[order // chosen.shape[1]]
        # Not `bincount`, which asks a GPU for the largest value and waits for it.
        count = chosen.new_zeros(len(self.gate_up)).scatter_add_(0, chosen.flatten(), torch.ones_like(order))
        product = grouped_product if _can_group(rows, self.gate_up, self.down) else product_by_expert
        gate, up = product(rows, self.gate_up, count).chunk(2, dim=-1)
        made = product(self._activation(gate) * up, self.down, count)
        back = torch.empty_like(made)
        back[order] = made
        mixed: Tensor = (back.unflatten(0, chosen.shape).float() * weight.unsqueeze(-1)).sum(1).to(x.dtype).view_as(x)
        if self.shared_gate is None or self.shared_up is None or self.shared_down is None:
            return mixed
        shared: Tensor = self.shared_down(self._activation(self.shared_gate(x)) * self.shared_up(x))
        return mixed + shared


def product_by_expert(rows: Tensor, weight: Tensor, count: Tensor) -> Tensor:
    """`rows` [n, K] times `weight` [E, N, K]: the first count[0] rows by the first expert, and so on. One sync."""
    runs = rows.split(count.tolist())
    return torch.cat([F.linear(run, w) for run, w in zip(runs, weight, strict=True) if len(run)])


def grouped_product(rows: Tensor, weight: Tensor, count: Tensor) -> Tensor:
    """Compute `product_by_expert` in one kernel and without a sync."""
    made: Tensor = F.grouped_mm(rows, weight.mT, offs=count.cumsum(0).to(torch.int32))
    return made


def _can_group(rows: Tensor, *weights: Tensor) -> bool:
    """Whether the one kernel takes these: bfloat16 on a GPU, rows of whole 16 bytes."""
    sides = [n for weight in weights for n in weight.shape[1:]]
    fits = rows.is_cuda and rows.dtype == torch.bfloat16 and not any(n % 8 for n in sides)
    return fits and hasattr(F, "grouped_mm")


class ExpertBlock(nn.Module):
    """One layer, as `model.backends.published.networks.layers.Block`, with experts in place of the one feed-forward network."""

    def __init__(self, c: LayerConfig, e: ExpertsConfig) -> None:
        super().__init__()
        self.attention_norm = norm(c, c.width)
        self.attention = Attention(c)
        self.feed_norm = norm(c, c.width)
        self.experts = Experts(c, e)

    def join(self) -> None:
        """See `Attention.join`; the experts are stacked already."""
        self.attention.join()

    def feed(self, x: Tensor) -> Tensor:
        """The feed-forward half, residual included."""
        return x + self.experts(self.feed_norm(x))  # type: ignore[no-any-return]
