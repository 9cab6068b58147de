"""The layout that ships, with or without its copy head: two causal streams, a canvas that sees both."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from model.networks.two_streams import Layout, Network, Streams
from model.tokenizer import END_ID, END_OF_HOLE_ID, START_ID
from model.train.ab.arm import HoleRows
from model.train.ab.mixture import log_mixture
from model.train.holes import TokenKinds
from model.train.loss import Losses, layout_of, losses, token_nats
from model.train.tokens import Tokens
from model.train.windows import Batch, Shape, Windows


@dataclass(frozen=True, kw_only=True)
class Read:
    """Both streams of some windows, and what may be copied from them: keys [B, K, pointer width], their tokens [B, K]."""

    rows: HoleRows
    streams: Streams
    keys: Tensor | None
    following: Tensor


class TwoStreams:
    """See `Arm`. With `copy` the loss is the one that ships; without, the same minus the pointer."""

    def __init__(self, network: Network, shape: Shape, *, copy: bool) -> None:
        self.network, self.shape, self.copy = network, shape, copy

    def windows(self, tokens: Tokens, kinds: TokenKinds, *, streams_alone: bool, seed: int) -> Windows:
        """See `Arm`."""
        canvas = 0 if streams_alone else self.shape.canvas
        return Windows(tokens, kinds, Shape(batch=self.shape.batch, window=self.shape.window, canvas=canvas), seed=seed)

    def loss(self, batch: Batch) -> Tensor:
        """See `Arm`."""
        return (losses if self.copy else plain_losses)(self.network, batch).total()

    def prefill(self, rows: HoleRows) -> Read:
        """See `Arm`. The streams read the content too; the canvas never sees that part of them."""
        streams, keys = self.network.streams(rows.ids, rows.ids), None
        if self.copy:
            ahead = self.network.pointer_keys(streams.ahead.states, rows.ids, ahead=True)
            back = self.network.pointer_keys(streams.back.states, rows.ids, ahead=False)
            keys = torch.cat([ahead[:, :-1], back[:, :-1]], dim=1)
        return Read(rows=rows, streams=streams, keys=keys, following=torch.cat([rows.ids[:, 1:]] * 2, dim=1))

    def log_probs(self, context: Read, content: Tensor) -> Tensor:
        """See `Arm`."""
        rows, size = context.rows, content.shape[1]
        order = torch.arange(size + 1)
        closed = torch.where(order[:-1] == rows.length.unsqueeze(1), END_OF_HOLE_ID, content)
        canvas = torch.cat([rows.ids[:, rows.left - 1 : rows.left], closed], dim=1)
        at, right = torch.arange(rows.ids.shape[1]), (rows.left + rows.length).view(-1, 1, 1)
        own = order <= rows.length.unsqueeze(1) + 1
        layout = Layout(
            position=(rows.left - 1 + order).expand(len(canvas), -1),
            back_position=(rows.ids.shape[1] - right.squeeze(2)).expand(-1, size + 1),
            sees_ahead=(at < rows.left).expand(len(canvas), size + 1, -1),
            sees_back=(at >= right).expand(-1, size + 1, -1),
            sees_canvas=own.unsqueeze(1).expand(-1, size + 1, -1),
        )
        states = self.network.canvas(canvas, context.streams, layout)[:, :-1]
        logits = self.network.logits(states)
        if context.keys is None:
            return logits.float().log_softmax(-1)
        sees = torch.cat([(at[:-1] < rows.left - 1).expand(len(canvas), size, -1),
                          (at[:-1] > right).expand(-1, size, -1)], dim=-1)  # fmt: skip
        weights, odds = self.network.pointer(states, context.keys, sees)
        return log_mixture(logits, weights, odds, context.following)


def plain_losses(network: Network, batch: Batch) -> Losses:
    """The losses that ship, without the copy head."""
    ids, streams = batch.ids, network.streams(batch.ids, batch.ids)
    real = ((ids[:, 1:] != END_ID) | (ids[:, :-1] != END_ID)) & (ids[:, 1:] >= START_ID)
    ahead = token_nats(network, streams.ahead.states[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    before = ((ids[:, :-1] >= START_ID) & (ids[:, 1:] != END_ID))[:, ::2]
    back = token_nats(network, streams.back.states[:, 1::2].flatten(0, 1), ids[:, :-1:2].flatten())
    ahead_mean, back_mean = _mean(ahead, real.flatten()), _mean(back, before.flatten())
    if not batch.canvas.shape[1]:
        nothing = torch.zeros_like(ahead_mean)
        return Losses(ahead=ahead_mean, back=back_mean, score=nothing, denoise=nothing, end=nothing)
    states = network.canvas(batch.canvas, streams, layout_of(batch))
    nats = token_nats(network, states.flatten(0, 1), batch.target.flatten()).view_as(batch.target)
    scored, content = batch.causal == 1, batch.target != END_OF_HOLE_ID
    return Losses(
        ahead=ahead_mean,
        back=back_mean,
        score=_mean(nats, batch.weight * scored),
        denoise=_mean(nats, batch.weight * ~scored * content),
        end=_mean(nats, batch.weight * ~scored * ~content),
    )


def _mean(nats: Tensor, weight: Tensor) -> Tensor:
    return (nats * weight).sum() / weight.sum().clamp(min=1e-6)
