"""Low-confidence remasking with a fixed number of steps (LLaDA, arXiv 2502.09992, algorithm 5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.canvas import Canvas, Decision
from model.proposal import Proposal


@dataclass(frozen=True, kw_only=True)
class LowConfidence:
    """Predicts everything, keeps the most confident open / remaining-steps of each row, masks the rest again.

    After `steps` steps everything is decided, however unsure.
    """

    steps: int = 16

    def decide(self, canvas: Canvas, proposal: Proposal, *, step: int) -> Decision:
        remaining = max(1, self.steps - step)
        quota = -(-canvas.open.sum(axis=1) // remaining)  # rounded up
        confidence = np.where(canvas.open, proposal.confidence.astype(np.float64), -1.0)
        order = np.argsort(-confidence, axis=1, kind="stable")  # the leftmost of equals first
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.broadcast_to(np.arange(order.shape[1]), order.shape), axis=1)
        commit = canvas.open & (rank < quota[:, None])
        return Decision.committing(commit, proposal.ids, proposal.confidence)
