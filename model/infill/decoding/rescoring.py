"""How probable the tokens that stand in a canvas are, each given the others: what re-opening and rewriting judge by.

A masked-diffusion network is trained to predict what is masked, and at a position that is not, it may simply see the
token. So the tokens are masked in a few interleaved folds, all folds in one batch: one forward pass, with
any `CachedContext`, in which every token is predicted from all but its fold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.backend import CachedContext
from model.canvas import Canvas, Decision


@dataclass(frozen=True, kw_only=True, eq=False)
class Rescored:
    """What was `asked` (bool [B, L]), and float32 [B, L] each, 0 where nothing was asked:

    probability: of the standing token (where it is not among the K best: of the least probable of these, a bound).
    best_other: of the most probable other token; other: int64 [B, L], that token's id.
    """

    asked: NDArray[np.bool_]
    probability: NDArray[np.float32]
    best_other: NDArray[np.float32]
    other: NDArray[np.int64]


def rescore(cached: CachedContext, canvas: Canvas, wanted: NDArray[np.bool_], *, folds: int) -> Rescored:
    """What the network now says of the `wanted` (bool [B, L], decided) tokens; one forward pass of B * `folds` rows."""
    assert not (wanted & canvas.open).any(), "only what is decided stands"
    row = np.tile(np.arange(canvas.rows), folds)
    fold = np.repeat(np.arange(folds), canvas.rows)[:, None]
    batch = Canvas.stack([canvas] * folds)
    hidden = wanted[row] & (canvas.left_of(canvas.used)[row] % folds == fold)
    nothing = Decision.nothing(batch)
    prediction = cached.denoise(batch.apply(replace(nothing, reopen=hidden)))
    probability = np.zeros(canvas.ids.shape, dtype=np.float32)
    best_other = np.zeros(canvas.ids.shape, dtype=np.float32)
    at, column = np.nonzero(hidden)
    ids, probs = prediction.ids[at, column], prediction.probs[at, column]
    same = ids == canvas.ids[row[at], column][:, None]
    known = np.where(same, probs, 0).max(axis=1)
    probability[row[at], column] = np.where(same.any(axis=1), known, probs.min(axis=1))
    others = np.where(same, 0, probs)
    best_other[row[at], column] = others.max(axis=1)
    other = np.zeros(canvas.ids.shape, dtype=np.int64)
    other[row[at], column] = np.take_along_axis(ids, others.argmax(axis=1)[:, None], axis=1)[:, 0]
    return Rescored(asked=wanted, probability=probability, best_other=best_other, other=other)
