"""Small selections that samplers share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.canvas import Canvas
from model.infill.decoding.constraints import Proposal


def leftmost_open(canvas: Canvas) -> NDArray[np.bool_]:
    """Bool [B, L]: the leftmost open position of each hole."""
    return np.asarray(canvas.open & (canvas.left_of(canvas.open) == 0))


def best_of(confidence: NDArray[np.float32], among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Bool [B, L]: in each row the most confident of the positions `among`, the leftmost of equals."""
    score = np.where(among, confidence.astype(np.float64), -np.inf)
    best = np.zeros(among.shape, dtype=bool)
    best[np.arange(len(among)), score.argmax(axis=1)] = True
    return best & among


def best_ranked(score: NDArray[np.float32], among: NDArray[np.bool_], count: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Bool [B, L]: in each row the `count` [B] best of the positions `among`, leftmost of equals first."""
    order = np.argsort(-np.where(among, score.astype(np.float64), -np.inf), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(order.shape[1]), order.shape), axis=1)
    return np.asarray(among & (rank < count[:, None]))


def fallback(canvas: Canvas, proposal: Proposal, *, leftmost: bool) -> NDArray[np.bool_]:
    """Bool [B, L]: one position per row with any open, to commit when nothing else qualifies.

    Far positions are nearly always "after the end", so the most confident position anywhere would cut
    the hole short step by step: an ending counts here only where nothing open stands left of it.
    """
    left = leftmost_open(canvas)
    if leftmost:
        return best_of(proposal.confidence, left)
    return best_of(proposal.confidence, canvas.open & (left | ~proposal.ends))
