"""From a network's states to what the engine reads: the vocabulary head on the wanted rows, and the best few tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.backend import Prediction
from model.backends.published.networks.decoder import Decoder
from model.backends.published.passes.head import Best, best_of, unpacked
from model.backends.published.passes.hole_pass import Healed, allowed_table, rows_of_table
from model.canvas import Canvas


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

    @property
    def standing(self) -> NDArray[np.int64]:
        """int64 [n]: what stands there."""
        return self.canvas.ids[self.row, self.column]

    def which(self, healed: Healed) -> NDArray[np.int64]:
        """int64 [n]: the row of `allowed_table` for each; only the first position of a hole that heals is confined."""
        hole = self.canvas.hole[self.row, self.column]
        first = self.canvas.first[self.row, self.column]
        return np.where(first, rows_of_table(healed)[hole], 0)

    def prediction(self, best: Best) -> Prediction:
        """The prediction of the whole canvas, 0 where nothing was wanted."""
        canvas, at = self.canvas, (self.row, self.column)
        made = _empty(canvas, best.ids.shape[1])
        made.ids[at], made.probs[at], made.entropy[at] = best.ids, best.probs, best.entropy
        made.current[at] = np.where(canvas.open[at], 0, best.current)
        return made


def predict(
    network: Decoder, states: Tensor, wanted: Wanted, *, mask_id: int, top_k: int, healed: Healed
) -> Prediction:
    """The prediction from `states` [n, width], one per wanted position. The mask is never predicted."""
    device = states.device
    allowed = allowed_table(healed, network.config.vocab_size, device)
    made = best_of(
        network,
        states,
        torch.from_numpy(wanted.standing).to(device),
        mask_id=mask_id,
        top_k=top_k,
        allowed=allowed,
        which=None if allowed is None else torch.from_numpy(wanted.which(healed)).to(device),
    )
    return wanted.prediction(unpacked(made, len(wanted.row)))


def healed_tokens(starts_with: Sequence[bytes], codec: Starts | None) -> Healed:
    """Per hole the tokens that it may begin with; None where any may, or where no token covers what is demanded."""
    found: list[NDArray[np.int64] | None] = []
    for start in starts_with:
        tokens = codec.tokens_starting_with(start) if start and codec is not None else np.empty(0, dtype=np.int64)
        found.append(tokens if len(tokens) else None)
    return tuple(found)


def together(a: Prediction, b: Prediction) -> Prediction:
    """Both: where one says something, the other is 0."""
    return Prediction(
        ids=a.ids + b.ids, probs=a.probs + b.probs, entropy=a.entropy + b.entropy, current=a.current + b.current
    )


def _empty(canvas: Canvas, k: int) -> Prediction:
    shape = canvas.ids.shape
    return Prediction(
        ids=np.zeros((*shape, k), dtype=np.int64),
        probs=np.zeros((*shape, k), dtype=np.float32),
        entropy=np.zeros(shape, dtype=np.float32),
        current=np.zeros(shape, dtype=np.float32),
    )
