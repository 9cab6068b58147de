"""Canvases in their place: one sequence per row, pieces of context with the holes' positions between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.canvas import Canvas

Ids = NDArray[np.int64]
PADDING = -1


@dataclass(frozen=True, kw_only=True, eq=False)
class Laid:
    """ids: int64 [B, T], `PADDING` behind the shorter rows. length: int64 [B], tokens of each row.

    at: int64 [B, L], the column in which a canvas position stands (0 for the canvas's own padding).
    counts: int64 [B, H], positions of each hole: rows with equal counts have their tokens in the same columns.
    """

    ids: Ids
    length: Ids
    at: Ids
    counts: Ids

    @property
    def padded(self) -> bool:
        return bool((self.length < self.ids.shape[1]).any())


def lay(pieces: Sequence[Ids], canvas: Canvas) -> Laid:
    """The canvas between its pieces; an open position shows the mask, whatever stands in it."""
    holes = len(pieces) - 1
    counts = np.stack([(canvas.hole == h).sum(axis=1) for h in range(holes)], axis=1).astype(np.int64)
    length = counts.sum(axis=1) + sum(len(piece) for piece in pieces)
    ids = np.full((canvas.rows, int(length.max(initial=0))), PADDING, dtype=np.int64)
    at = np.zeros(canvas.ids.shape, dtype=np.int64)
    shown = np.where(canvas.open, canvas.mask_id, canvas.ids)
    for row in range(canvas.rows):
        end = 0
        for h, piece in enumerate(pieces):
            ids[row, end : end + len(piece)] = piece
            end += len(piece)
            if h < holes:
                here = np.flatnonzero(canvas.hole[row] == h)
                at[row, here] = end + np.arange(len(here))
                ids[row, at[row, here]] = shown[row, here]
                end += len(here)
    return Laid(ids=ids, length=length, at=at, counts=counts)
