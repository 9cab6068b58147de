"""Ties: holes that get one text. Their predictions are combined, and what one commits all commit.

Tied holes have the same length at first and change together, so position k of one is position k of all.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from model.backend import Prediction
from model.canvas import Canvas, Decision
from model.infill.decoding.constraints import Proposal
from model.infill.holes.ties import Ties


def leaders(canvas: Canvas, ties: Ties) -> NDArray[np.int64]:
    """int64 [B, L]: for a position of a tied hole the column of its fellow in the group's first hole, else its own."""
    column = np.tile(np.arange(canvas.ids.shape[1]), (canvas.rows, 1))
    for group in ties:
        start = {h: (canvas.hole == h).argmax(axis=1)[:, None] for h in group}
        for h in group[1:]:
            column = np.where(canvas.hole == h, column - start[h] + start[group[0]], column)
    return np.asarray(column, dtype=np.int64)


def combined(canvas: Canvas, prediction: Prediction, ties: Ties, *, vocab_size: int) -> Prediction:
    """The prediction with equal values in tied holes: the normalised product of their distributions.

    A token that is not among the K best of a hole counts there as probable as the average of those left out.
    """
    ids, probs, entropy = prediction.ids.copy(), prediction.probs.copy(), prediction.entropy.copy()
    top_k = ids.shape[2]
    for group in ties:
        row, column = np.nonzero(canvas.hole == group[0])
        start = {h: (canvas.hole == h).argmax(axis=1)[row] for h in group}
        there = np.stack([column - start[group[0]] + start[h] for h in group])  # [G, N]
        each_id, each_p = prediction.ids[row, there], prediction.probs[row, there].astype(np.float64)  # [G, N, K]
        union = np.moveaxis(each_id, 0, 1).reshape(len(row), -1)  # [N, G * K]
        left_out = np.maximum(1 - each_p.sum(axis=2), 1e-9) / max(1, vocab_size - top_k)
        same = each_id[:, :, None, :] == union[None, :, :, None]  # [G, N, G * K, K]
        p = np.where(same.any(axis=3), (same * each_p[:, :, None, :]).sum(axis=3), left_out[:, :, None])
        nats = np.log(np.maximum(p, 1e-30)).sum(axis=0)
        repeated = np.triu(union[:, :, None] == union[:, None, :], 1).any(axis=1)
        weight = np.where(repeated, 0, np.exp(nats - nats.max(axis=1, keepdims=True)))
        weight /= weight.sum(axis=1, keepdims=True)
        best = np.argsort(-weight, axis=1, kind="stable")[:, :top_k]
        ids[row, there] = np.take_along_axis(union, best, axis=1)
        probs[row, there] = np.take_along_axis(weight, best, axis=1)
        entropy[row, there] = -(weight * np.log(np.maximum(weight, 1e-30))).sum(axis=1)
    return replace(prediction, ids=ids, probs=probs, entropy=entropy)


def agreed(canvas: Canvas, proposal: Proposal, ties: Ties) -> Proposal:
    """The proposal in which tied holes propose what the first of them does (drawn rows draw for each position)."""
    leader = leaders(canvas, ties)
    names = ("ids", "confidence", "entropy", "ends", "margin")
    return Proposal(**{name: np.take_along_axis(getattr(proposal, name), leader, axis=1) for name in names})


def together(canvas: Canvas, decision: Decision, ties: Ties) -> Decision:
    """The decision in which tied holes change alike: what it does to one position, to its fellows too."""
    leader = leaders(canvas, ties)
    row = np.broadcast_to(np.arange(canvas.rows)[:, None], leader.shape)

    def any_of(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
        gathered = np.zeros_like(marked)
        np.logical_or.at(gathered, (row, leader), marked)
        return np.asarray(np.take_along_axis(gathered, leader, axis=1))

    return replace(
        decision,
        commit=any_of(decision.commit) & canvas.open,
        reopen=any_of(decision.reopen),
        delete=any_of(decision.delete),
    )
