"""The built-in model's network: two streams over the text, and a canvas for the holes.

Two streams read the whole text: one left to right (every token sees what stands before it), one right to left
(every token sees what stands after it). A hole's canvas sees the first up to the hole, the second from the
hole on, and the canvas itself. No stream ever sees a hole's fill, and a stream's state at a token does not
depend on where the hole is: so keys and values are exact over all denoise steps, over every keystroke and over
every move of the cursor, and in training any number of holes share one pass over the text.

The streams and the canvas carry logits shifted by one: the output at a token predicts the next one (of the
right-to-left stream: the previous one). A canvas therefore begins with a copy of the token before the hole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.networks.layers import Block, NetworkConfig, Rope, rotate

_ThreeSets: TypeAlias = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True, kw_only=True)
class Stream:
    """What one stream leaves, in its reading order; keys and values have one entry per layer.

    keys (rotated at positions 0 … L-1), values: [B, KV, L, D]. states: [B, L, width], normed, of the last layer.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    states: Tensor

    def first(self, length: int) -> Stream:
        """The part that depends on the first `length` tokens only."""
        return Stream(
            keys=tuple(k[:, :, :length] for k in self.keys),
            values=tuple(v[:, :, :length] for v in self.values),
            states=self.states[:, :length],
        )

    def reversed(self) -> Stream:
        """The other way round: of the right-to-left stream, text order."""
        return Stream(
            keys=tuple(k.flip(2) for k in self.keys),
            values=tuple(v.flip(2) for v in self.values),
            states=self.states.flip(1),
        )


@dataclass(frozen=True, kw_only=True)
class Streams:
    """Both streams, in text order. The right-to-left one has position 0 at the last token of the text."""

    ahead: Stream
    back: Stream


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the canvas tokens stand and what they see.

    position: int64 [B, C], position for the left-to-right keys and among the canvas.
    back_position: int64 [B, C], position seen from the right-to-left keys: one past the nearest token.
    sees_ahead: bool [B, C, P]; sees_back: bool [B, C, S]; sees_canvas: bool [B, C, C].
    """

    position: Tensor
    back_position: Tensor
    sees_ahead: Tensor
    sees_back: Tensor
    sees_canvas: Tensor


class Network(nn.Module):
    """The built-in model. Parameters in float32; run under autocast for bfloat16."""

    def __init__(self, c: NetworkConfig) -> None:
        super().__init__()
        self.config = c
        self.embedding = nn.Embedding(c.vocab_size, c.width)
        self.role = nn.Parameter(torch.zeros(3, c.width))
        """Added to the embedding: left-to-right stream, right-to-left stream, canvas."""
        # A module list, so that its parameters are found; the cast names what is in it.
        self.blocks = cast("Sequence[Block]", nn.ModuleList(Block(c) for _ in range(c.layers)))
        self.norm = nn.RMSNorm(c.width, c.norm_eps)
        self.head = None if c.tied_embeddings else nn.Linear(c.width, c.vocab_size, bias=False)
        self.pointer_query = nn.Linear(c.width, c.pointer_width, bias=False)
        self.pointer_ahead = nn.Linear(c.width, c.pointer_width, bias=False)
        self.pointer_back = nn.Linear(c.width, c.pointer_width, bias=False)
        self.pointer_tokens = nn.Linear(2 * c.width, c.pointer_width, bias=False)
        self.pointer_gate = nn.Linear(c.width, 1)
        self.rope = Rope(c.head_width, c.rope_theta)
        self._initialise()

    def _initialise(self) -> None:
        for name, parameter in self.named_parameters():
            if parameter.dim() >= 2 and not name.startswith("role"):
                nn.init.normal_(parameter, std=0.02 if "embedding" in name else parameter.shape[-1] ** -0.5 * 0.6)
        for block in self.blocks:
            for linear in (block.attention.o, block.down):
                nn.init.normal_(linear.weight, std=0.02 / (2 * len(self.blocks)) ** 0.5)
        nn.init.constant_(self.pointer_gate.bias, -2.0)

    def stream(self, ids: Tensor, role: int, past: Stream | None = None) -> Stream:
        """One causal pass over `ids` int64 [B, L], in reading order, after the tokens of `past`."""
        start = past.states.shape[1] if past else 0
        x = self.embedding(ids) + self.role[role]
        at = torch.arange(start, start + ids.shape[1], device=ids.device)
        table = self.rope.table(at)
        sees = torch.arange(start + ids.shape[1], device=ids.device) <= at.unsqueeze(1) if past else None
        keys, values = [], []
        for n, block in enumerate(self.blocks):
            q, k, v = block.attention.project(block.attention_norm(x))
            k = rotate(k, table)
            if past:
                k, v = torch.cat([past.keys[n], k], dim=2), torch.cat([past.values[n], v], dim=2)
            mixed = F.scaled_dot_product_attention(
                rotate(q, table), k, v, attn_mask=sees, is_causal=past is None, enable_gqa=self._grouped
            )
            x = block.feed(x + block.attention.out(mixed))
            keys.append(k)
            values.append(v)
        states = self.norm(x)
        return Stream(
            keys=tuple(keys),
            values=tuple(values),
            states=torch.cat([past.states, states], dim=1) if past else states,
        )

    def join(self) -> None:
        """Ready for inference, where the weights are now: fewer and larger products."""
        for block in self.blocks:
            block.join()

    @property
    def _grouped(self) -> bool:
        return self.config.heads != self.config.kv_heads

    def streams(self, ahead: Tensor, back: Tensor) -> Streams:
        """Both streams over `ahead` int64 [B, P] and `back` int64 [B, S], both in text order."""
        return Streams(ahead=self.stream(ahead, 0), back=self.stream(back.flip(1), 1).reversed())

    def canvas(self, ids: Tensor, streams: Streams, layout: Layout) -> Tensor:
        """Normed states [B, C, width] of canvas `ids` int64 [B, C]; the streams are read, never changed.

        Streams of batch size 1 serve any number of canvases. One softmax spans the three sets of keys; the
        query is rotated once for the left-to-right keys and the canvas, once for the right-to-left keys.
        """
        x = self.embedding(ids) + self.role[2]
        table, back_table = self.rope.table(layout.position), self.rope.table(layout.back_position)
        sees = torch.cat([layout.sees_ahead, layout.sees_back, layout.sees_canvas], dim=-1)
        bias: Tensor | None = None
        split = [layout.sees_ahead.shape[-1], layout.sees_back.shape[-1], layout.sees_canvas.shape[-1]]
        repeat = self.config.heads // self.config.kv_heads
        scale = self.config.head_width**-0.5
        for n, block in enumerate(self.blocks):
            q, k, v = block.attention.project(block.attention_norm(x))
            q, q_back, k = rotate(q * scale, table), rotate(q * scale, back_table), rotate(k, table)
            keys = (streams.ahead.keys[n], streams.back.keys[n], k)
            values = (streams.ahead.values[n], streams.back.values[n], v)
            if repeat > 1:
                keys, values = _repeated(keys, repeat), _repeated(values, repeat)
            queries = (q, q_back, q)
            scores = torch.cat([_product(a, b.mT) for a, b in zip(queries, keys, strict=True)], dim=-1)
            if bias is None:
                bias = torch.zeros_like(sees, dtype=scores.dtype).masked_fill_(~sees, float("-inf")).unsqueeze(1)
            with torch.autocast(x.device.type, enabled=False):  # it would widen the softmax: twice the time on a CPU
                weights = (scores + bias).softmax(-1)
            ahead, back, own = (_product(w, t) for w, t in zip(weights.split(split, -1), values, strict=True))
            x = block.feed(x + block.attention.out(ahead + back + own))
        return self.norm(x)  # type: ignore[no-any-return]

    def logits(self, states: Tensor) -> Tensor:
        """[..., vocab_size] of normed states [..., width]."""
        return F.linear(states, self.embedding.weight if self.head is None else self.head.weight)

    def pointer_keys(self, states: Tensor, ids: Tensor, *, ahead: bool) -> Tensor:
        """Keys [B, L, pointer_width]: "what stood here was followed by…", for each token of a stream.

        The right-to-left stream knows nothing of what stands left of a token, so the token itself and
        the one before it are given apart (the first one sees itself in place of the one before).
        """
        tokens = self.embedding(ids)
        before = torch.cat([tokens[:, :1], tokens[:, :-1]], dim=1)
        project = self.pointer_ahead if ahead else self.pointer_back
        return project(states) + self.pointer_tokens(torch.cat([tokens, before], dim=-1))  # type: ignore[no-any-return]

    def pointer(self, states: Tensor, keys: Tensor, sees: Tensor) -> tuple[Tensor, Tensor]:
        """Where the next token might be copied from, and how likely a copy is.

        Log-weights float32 [B, C, K] over the keys that each state sees, and the log-odds of a copy,
        float32 [B, C]. (Pointer-generator networks: See et al. 2017; here over in-file contexts as in
        Grave et al. 2017's continuous cache.)
        """
        scores = self.pointer_query(states) @ keys.transpose(-1, -2) * self.config.pointer_width**-0.5
        nothing = ~sees.any(-1)
        scores = scores.float().masked_fill(~sees, -1e9)
        odds = self.pointer_gate(states).squeeze(-1).float().masked_fill(nothing, -1e9)
        return scores.log_softmax(-1), odds


def _product(rows: Tensor, shared: Tensor) -> Tensor:
    """`rows` [B, H, L, D] @ `shared` [1 or B, H, D, N]; what all rows share is read once, not copied per row."""
    if shared.shape[0] == rows.shape[0]:
        return rows @ shared
    batch, heads, length, width = rows.shape
    folded = rows.transpose(0, 1).reshape(1, heads, batch * length, width) @ shared
    return folded.view(heads, batch, length, -1).transpose(0, 1)


def _repeated(parts: _ThreeSets, times: int) -> _ThreeSets:
    """Each key-value head as often as heads share it: [B, KV, L, D] to [B, H, L, D]."""
    ahead, back, canvas = (part.repeat_interleave(times, 1) for part in parts)
    return ahead, back, canvas
