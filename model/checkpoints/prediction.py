"""From a network's states to what the engine reads: the vocabulary head on the wanted rows, and the best few tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.canvas import Canvas
from model.decoder import Decoder
from model.denoiser import Prediction

ROWS_AT_ONCE = 128
"""A row of probabilities takes half a megabyte with the largest vocabularies."""


class Starts(Protocol):
    """What token healing needs of a tokenizer."""

    def tokens_starting_with(self, start: bytes) -> NDArray[np.int64]: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Wanted:
    """The canvas positions to predict: `row`, `column` int64 [n]."""

    canvas: Canvas
    row: NDArray[np.int64]
    column: NDArray[np.int64]

    @classmethod
    def of(cls, canvas: Canvas, where: NDArray[np.bool_]) -> Wanted:
        row, column = np.nonzero(where)
        return cls(canvas=canvas, row=row, column=column)


def predict(
    network: Decoder, states: Tensor, wanted: Wanted, *, mask_id: int, top_k: int, healed: Sequence[Tensor | None]
) -> Prediction:
    """The prediction from `states` [n, width], one per wanted position. The mask is never predicted.

    healed[h]: int64 [m], the tokens that hole h may begin with (None: any).
    """
    canvas, parts = wanted.canvas, []
    k = min(top_k, network.config.vocab_size - 1)
    standing = torch.from_numpy(canvas.ids[wanted.row, wanted.column]).to(states.device)
    bounds = _bounds(wanted, healed)
    for start in range(0, len(states), ROWS_AT_ONCE):
        logits = network.logits(states[start : start + ROWS_AT_ONCE]).float()
        logits[:, mask_id] = -torch.inf
        for row, allowed in bounds:
            if start <= row < start + len(logits):
                _confine(logits[row - start], allowed)
        log_probs = logits.log_softmax(-1)
        probs = log_probs.exp()
        best = probs.topk(k, dim=-1)
        entropy = -(probs * log_probs.clamp(min=-1e4)).sum(-1)
        current = log_probs.gather(-1, standing[start : start + len(logits), None]).squeeze(-1)
        parts.append((best.indices, best.values, entropy, current))
    prediction = _empty(canvas, k)
    if parts:
        at = (wanted.row, wanted.column)
        made = [torch.cat(column).cpu().numpy() for column in zip(*parts, strict=True)]
        prediction.ids[at], prediction.probs[at], prediction.entropy[at] = made[:3]
        prediction.current[at] = np.where(canvas.open[at], 0, np.maximum(made[3], -1e4))
    return prediction


def healed_tokens(
    starts_with: Sequence[bytes], codec: Starts | None, device: torch.device
) -> tuple[Tensor | None, ...]:
    """Per hole the tokens that it may begin with; None where any may, or where no token covers what is demanded."""
    found: list[Tensor | None] = []
    for start in starts_with:
        tokens = codec.tokens_starting_with(start) if start and codec is not None else np.empty(0, dtype=np.int64)
        found.append(torch.from_numpy(tokens).to(device) if len(tokens) else None)
    return tuple(found)


def together(a: Prediction, b: Prediction) -> Prediction:
    """Both: where one says something, the other is 0."""
    return Prediction(
        ids=a.ids + b.ids, probs=a.probs + b.probs, entropy=a.entropy + b.entropy, current=a.current + b.current
    )


def _bounds(wanted: Wanted, healed: Sequence[Tensor | None]) -> list[tuple[int, Tensor]]:
    """(index among the wanted, tokens allowed there) for the first positions of holes that heal."""
    canvas, bounds = wanted.canvas, []
    first = canvas.first[wanted.row, wanted.column]
    hole = canvas.hole[wanted.row, wanted.column]
    for h, allowed in enumerate(healed):
        if allowed is not None:
            bounds += [(int(n), allowed) for n in np.flatnonzero(first & (hole == h))]
    return bounds


def _confine(logits: Tensor, allowed: Tensor) -> None:
    """In place: only `allowed` tokens keep their logits [V]."""
    kept = logits[allowed].clone()
    logits.fill_(-torch.inf)
    logits[allowed] = kept


def _empty(canvas: Canvas, k: int) -> Prediction:
    shape = canvas.ids.shape
    return Prediction(
        ids=np.zeros((*shape, k), dtype=np.int64),
        probs=np.zeros((*shape, k), dtype=np.float32),
        entropy=np.zeros(shape, dtype=np.float32),
        current=np.zeros(shape, dtype=np.float32),
    )
