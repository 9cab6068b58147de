"""What is trained: next tokens on both streams, score and denoise slots on the canvas.

A copy (pointer) over the text is mixed into every prediction but that of the right-to-left stream:
p(y) = g · Σ_j a_j [y_j = y] + (1 - g) · softmax(logits)_y. In training the sum needs no scatter over the
vocabulary: only the weights of the positions that hold the target count.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from model.networks.two_streams import Layout, Network, Streams
from model.tokenizer import END_ID, END_OF_HOLE_ID, START_ID
from model.train.windows import Batch

CHUNK = 4096
"""Rows of logits held at a time: bounds memory, keeps shapes fixed."""


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Nats per token: next token, previous token, score slots, denoise slots (content; end-of-hole)."""

    ahead: Tensor
    back: Tensor
    score: Tensor
    denoise: Tensor
    end: Tensor

    def total(self) -> Tensor:
        """What is minimised."""
        return self.ahead + 0.5 * self.back + self.score + self.denoise + 0.2 * self.end

    def numbers(self) -> dict[str, float]:
        """Plain floats, for the log."""
        return {n: float(getattr(self, n).detach()) for n in ("ahead", "back", "score", "denoise", "end")}


def token_nats(network: Network, states: Tensor, targets: Tensor) -> Tensor:
    """-log p of `targets` int64 [N] by the vocabulary alone; float32 [N] for states [N, width]."""
    parts = [
        F.cross_entropy(network.logits(s).float(), t, reduction="none")
        for s, t in zip(states.split(CHUNK), targets.split(CHUNK), strict=True)
    ]
    return torch.cat(parts)


def mixed_nats(vocabulary: Tensor, weights: Tensor, odds: Tensor, hits: Tensor) -> Tensor:
    """-log of the mixture; `vocabulary` [B, C] nats, `weights` [B, C, K] log, `odds` [B, C], `hits` bool."""
    copy = weights.masked_fill(~hits, -1e9).logsumexp(-1)
    return -torch.logaddexp(F.logsigmoid(odds) + copy, F.logsigmoid(-odds) - vocabulary)


def _mean(nats: Tensor, weight: Tensor) -> Tensor:
    return (nats * weight).sum() / weight.sum().clamp(min=1e-6)


def layout_of(batch: Batch) -> Layout:
    """Who sees whom, for the canvas of a batch."""
    window = batch.ids.shape[1]
    at = torch.arange(window, device=batch.ids.device)
    order = torch.arange(batch.slot.shape[1], device=batch.ids.device)
    same = (batch.slot.unsqueeze(2) == batch.slot.unsqueeze(1)) & (batch.slot.unsqueeze(2) >= 0)
    own = order.unsqueeze(1) == order.unsqueeze(0)
    earlier = order.unsqueeze(1) >= order.unsqueeze(0)
    return Layout(
        position=batch.position,
        back_position=window - batch.right,
        sees_ahead=at < batch.left.unsqueeze(-1),
        sees_back=at >= batch.right.unsqueeze(-1),
        sees_canvas=(same & (earlier | (batch.causal == 0).unsqueeze(2))) | own,
    )


def stream_losses(network: Network, batch: Batch, streams: Streams) -> tuple[Tensor, Tensor, Tensor]:
    """Nats per next and per previous token, and the left-to-right pointer keys [B, T, pointer_width]."""
    ids = batch.ids
    window = ids.shape[1]
    real = ((ids[:, 1:] != END_ID) | (ids[:, :-1] != END_ID)).float()
    real = real * (ids[:, 1:] >= START_ID)
    keys = network.pointer_keys(streams.ahead.states, ids, ahead=True)
    at = torch.arange(window - 1, device=ids.device)
    earlier = (at.unsqueeze(0) < at.unsqueeze(1))[None]
    weights, odds = network.pointer(streams.ahead.states[:, :-1], keys[:, :-1], earlier)
    targets = ids[:, 1:]
    plain = token_nats(network, streams.ahead.states[:, :-1].flatten(0, 1), targets.flatten()).view_as(targets)
    ahead = mixed_nats(plain, weights, odds, targets.unsqueeze(2) == targets.unsqueeze(1))
    before = (ids[:, :-1] >= START_ID).float() * (ids[:, 1:] != END_ID)
    # Every second position is enough for the stream that only serves as context.
    back = token_nats(network, streams.back.states[:, 1::2].flatten(0, 1), ids[:, :-1:2].flatten())
    back_weight = before[:, ::2].flatten()
    return _mean(ahead, real), _mean(back, back_weight), keys


def canvas_nats(network: Network, batch: Batch, streams: Streams, keys: Tensor) -> Tensor:
    """-log p of every canvas target, float32 [B, C]."""
    states = network.canvas(batch.canvas, streams, layout_of(batch))
    back_keys = network.pointer_keys(streams.back.states, batch.ids, ahead=False)
    at = torch.arange(batch.ids.shape[1] - 1, device=batch.ids.device)
    sees = torch.cat([at < batch.left.unsqueeze(-1) - 1, at > batch.right.unsqueeze(-1)], dim=-1)
    weights, odds = network.pointer(states, torch.cat([keys[:, :-1], back_keys[:, :-1]], dim=1), sees)
    following = torch.cat([batch.ids[:, 1:], batch.ids[:, 1:]], dim=1)
    plain = token_nats(network, states.flatten(0, 1), batch.target.flatten()).view_as(batch.target)
    return mixed_nats(plain, weights, odds, batch.target.unsqueeze(2) == following.unsqueeze(1))


def losses(network: Network, batch: Batch) -> Losses:
    """All losses of a batch; the canvas ones are 0 if it has no canvas."""
    streams = network.streams(batch.ids, batch.ids)
    ahead, back, keys = stream_losses(network, batch, streams)
    if not batch.canvas.shape[1]:
        nothing = torch.zeros_like(ahead)
        return Losses(ahead=ahead, back=back, score=nothing, denoise=nothing, end=nothing)
    nats = canvas_nats(network, batch, streams, keys)
    scored, content = batch.causal == 1, batch.target != END_OF_HOLE_ID
    return Losses(
        ahead=ahead,
        back=back,
        score=_mean(nats, batch.weight * scored),
        denoise=_mean(nats, batch.weight * ~scored * content),
        end=_mean(nats, batch.weight * ~scored * ~content),
    )
