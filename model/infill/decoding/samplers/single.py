"""One position per forward pass: the reference that faster samplers are compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.canvas import Canvas, Decision
from model.infill.decoding.constraints import Proposal
from model.infill.decoding.samplers.base import Step
from model.infill.decoding.samplers.choice import best_of, best_ranked, fallback


@dataclass(frozen=True, kw_only=True)
class OneAtATime:
    """Commits the single most confident open position of each row (an end only where it comes next)."""

    def decide(self, canvas: Canvas, proposal: Proposal, *, step: Step) -> Decision:  # noqa: ARG002
        commit = fallback(canvas, proposal, leftmost=False)
        return Decision.committing(commit, proposal.ids, proposal.confidence)


@dataclass(frozen=True, kw_only=True)
class LeftToRight:
    """Commits the first open position of each row, as an autoregressive model would; for comparison."""

    def decide(self, canvas: Canvas, proposal: Proposal, *, step: Step) -> Decision:  # noqa: ARG002
        order = -np.broadcast_to(np.arange(canvas.ids.shape[1], dtype=np.float32), canvas.ids.shape)
        return Decision.committing(best_of(order, canvas.open), proposal.ids, proposal.confidence)


@dataclass(frozen=True, kw_only=True)
class TopKMargin:
    """Commits the `count` open positions of each row whose best token leads the second by most (arXiv 2502.06768).

    An end far off counts only where it comes next: see `choice.fallback`.
    """

    count: int = 1

    def decide(self, canvas: Canvas, proposal: Proposal, *, step: Step) -> Decision:  # noqa: ARG002
        left = canvas.left_of(canvas.open) == 0
        among = canvas.open & (left | ~proposal.ends)
        commit = best_ranked(proposal.margin, among, np.full(canvas.rows, self.count))
        return Decision.committing(commit, proposal.ids, proposal.confidence)
