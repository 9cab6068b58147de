"""The layout of the published models: prefix, hole and suffix on one canvas, every token sees every other.

Its states depend on the hole's content, so there is no exact cache: every denoise step computes the whole.
`shifted` logits let a network that was trained on next tokens be adapted (Ye et al. 2025, Dream).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from model.networks.layers import rotate
from model.networks.two_streams import Network, Stream
from model.tokenizer import END_ID, END_OF_HOLE_ID, START_ID
from model.train.ab.arm import HoleRows
from model.train.ab.canvas_windows import CanvasBatch, CanvasWindows
from model.train.ab.mixture import log_mixture
from model.train.holes import TokenKinds
from model.train.loss import mixed_nats, token_nats
from model.train.tokens import Tokens
from model.train.windows import Shape

END_WEIGHT = 0.2
"""Of the loss on end-of-hole tokens, as in the loss that ships."""


class CanvasNetwork(Network):
    """The same blocks, vocabulary and pointer; `role[0]` is the only role, and the streams serve to pre-train."""

    def whole(self, ids: Tensor) -> Stream:
        """One bidirectional pass over `ids` int64 [B, L]; keys and values to reuse as an inexact cache."""
        x = self.embedding(ids) + self.role[0]
        table = self.rope.table(torch.arange(ids.shape[1], device=ids.device))
        keys, values = [], []
        for block in self.blocks:
            q, k, v = block.attention.project(block.attention_norm(x))
            keys.append(rotate(k, table))
            values.append(v)
            mixed = F.scaled_dot_product_attention(rotate(q, table), keys[-1], v, enable_gqa=self._grouped)
            x = block.feed(x + block.attention.out(mixed))
        return Stream(keys=tuple(keys), values=tuple(values), states=self.norm(x))

    def part(self, ids: Tensor, at: int, stale: Stream) -> Tensor:
        """Normed states of `ids` int64 [B, C] at positions `at` …, the keys and values elsewhere as they were."""
        x, end = self.embedding(ids) + self.role[0], at + ids.shape[1]
        table = self.rope.table(torch.arange(at, end, device=ids.device))
        for n, block in enumerate(self.blocks):
            q, k, v = block.attention.project(block.attention_norm(x))
            keys = _replaced(stale.keys[n], rotate(k, table), at)
            values = _replaced(stale.values[n], v, at)
            mixed = F.scaled_dot_product_attention(rotate(q, table), keys, values, enable_gqa=self._grouped)
            x = block.feed(x + block.attention.out(mixed))
        return self.norm(x)  # type: ignore[no-any-return]


def _replaced(stale: Tensor, fresh: Tensor, at: int) -> Tensor:
    return torch.cat([stale[:, :, :at], fresh, stale[:, :, at + fresh.shape[2] :]], dim=2)


@dataclass(frozen=True, kw_only=True)
class Whole:
    """What is known of some holes: their rows, and for an inexact cache the pass over text and canvas."""

    rows: HoleRows
    stale: Stream | None = None


class OneCanvas:
    """See `Arm`. `shifted`: the output at a token predicts the next one, else the token itself."""

    def __init__(self, network: CanvasNetwork, shape: Shape, *, shifted: bool, copy: bool) -> None:
        self.network, self.shape, self.copy = network, shape, copy
        self.shift = int(shifted)

    def windows(self, tokens: Tokens, kinds: TokenKinds, *, streams_alone: bool, seed: int) -> Dataset[CanvasBatch]:
        """See `Arm`."""
        return CanvasWindows(tokens, kinds, self.shape, seed=seed, text_alone=streams_alone)

    def loss(self, batch: CanvasBatch) -> Tensor:
        """See `Arm`."""
        return self._next_token(batch.ids) if batch.text_alone else self._denoise(batch)

    def _next_token(self, ids: Tensor) -> Tensor:
        states, targets = self.network.stream(ids, 0).states, ids[:, 1:]
        nats = token_nats(self.network, states[:, :-1].flatten(0, 1), targets.flatten()).view_as(targets)
        if self.copy:
            keys = self.network.pointer_keys(states, ids, ahead=True)[:, :-1]
            at = torch.arange(ids.shape[1] - 1)
            weights, odds = self.network.pointer(states[:, :-1], keys, (at < at.unsqueeze(1))[None])
            nats = mixed_nats(nats, weights, odds, targets.unsqueeze(2) == targets.unsqueeze(1))
        real = ((targets != END_ID) | (ids[:, :-1] != END_ID)) & (targets >= START_ID)
        return (nats * real).sum() / real.sum().clamp(min=1)

    def _denoise(self, batch: CanvasBatch) -> Tensor:
        """Only the rows that carry loss meet the vocabulary; their number is fixed (see `CanvasWindows`)."""
        every = self.network.whole(batch.ids).states
        states = every.gather(1, (batch.row - self.shift).unsqueeze(-1).expand(-1, -1, every.shape[-1]))
        nats = token_nats(self.network, states.flatten(0, 1), batch.target.flatten()).view_as(batch.target)
        if self.copy:
            weights, odds, following = self._pointer(states, every, batch.ids, batch.visible)
            nats = mixed_nats(nats, weights, odds, batch.target.unsqueeze(2) == following.unsqueeze(1))
        content = batch.weight * (batch.target != END_OF_HOLE_ID)
        end = batch.weight * (batch.target == END_OF_HOLE_ID)
        return _mean(nats, content) + END_WEIGHT * _mean(nats, end)

    def _pointer(self, states: Tensor, every: Tensor, ids: Tensor, visible: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log-weights, log-odds and what would be copied: tokens of the text whose text is shown."""
        keys = self.network.pointer_keys(every, ids, ahead=True)[:, :-1]
        sees = visible[:, None, 1:].expand(-1, states.shape[1], -1)
        return *self.network.pointer(states, keys, sees), ids[:, 1:]

    def prefill(self, rows: HoleRows) -> Whole:
        """See `Arm`. There is nothing to share: that is the cost of this layout."""
        return Whole(rows=rows)

    def stale(self, rows: HoleRows, content: Tensor) -> Whole:
        """The same with a "dual" cache (Wu et al. 2025, Fast-dLLM): what one pass over all left, never refreshed."""
        ids, _ = self.canvas(rows, content)
        return Whole(rows=rows, stale=self.network.whole(ids))

    def log_probs(self, context: Whole, content: Tensor) -> Tensor:
        """See `Arm`."""
        rows, size = context.rows, content.shape[1]
        ids, visible = self.canvas(rows, content)
        start = rows.left - self.shift
        if context.stale is None:
            every = self.network.whole(ids).states
            states = every[:, start : start + size]
        else:
            every = context.stale.states
            states = self.network.part(ids[:, start : start + size], start, context.stale)
        logits = self.network.logits(states)
        if not self.copy:
            return logits.float().log_softmax(-1)
        return log_mixture(logits, *self._pointer(states, every, ids, visible))

    def canvas(self, rows: HoleRows, content: Tensor) -> tuple[Tensor, Tensor]:
        """(ids with the canvas in its place, closed by an end of hole; which of them are text that is shown)."""
        at = torch.arange(rows.ids.shape[1])
        last = rows.left + rows.length.unsqueeze(1)
        hole = (at >= rows.left) & (at < last)
        own = (at - rows.left).clamp(0, content.shape[1] - 1).expand(len(content), -1)
        after = torch.cat([rows.ids[:, :1], rows.ids[:, :-1]], dim=1)  # the suffix moves on by one, its end falls out
        ids = torch.where(at < rows.left, rows.ids, torch.where(hole, content.gather(1, own), after))
        return torch.where(at == last, END_OF_HOLE_ID, ids), (at < rows.left) | (at > last)


def _mean(nats: Tensor, weight: Tensor) -> Tensor:
    return (nats * weight).sum() / weight.sum().clamp(min=1e-6)
