"""Confidence threshold: commit whatever the network is sure of (Fast-dLLM, arXiv 2505.22618, section 3.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.canvas import Canvas, Decision
from model.infill.decoding.constraints import Proposal
from model.infill.decoding.samplers.base import Step
from model.infill.decoding.samplers.choice import fallback


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """Commits every open position whose confidence *exceeds* its threshold, and the one best if none does.

    Sure ends alone make no text, so they count as none.

    The threshold is `tau` beside a decided token and approaches 1 with every open position between:
    1 - (1 - tau) * reach**distance. Small models are overconfident far from what is known; `reach` 1 is
    the plain rule. `leftmost`: the one best is taken among the leftmost open positions only.
    """

    tau: float = 0.9
    reach: float = 0.9
    leftmost: bool = True

    def decide(self, canvas: Canvas, proposal: Proposal, *, step: Step) -> Decision:  # noqa: ARG002
        tau = 1 - (1 - self.tau) * self.reach ** canvas.left_of(canvas.open)
        sure = canvas.open & (proposal.confidence.astype(np.float64) > tau)
        spare = fallback(canvas, proposal, leftmost=self.leftmost)
        commit = sure | (spare & ~(sure & ~proposal.ends).any(axis=1, keepdims=True))
        return Decision.committing(commit, proposal.ids, proposal.confidence)
