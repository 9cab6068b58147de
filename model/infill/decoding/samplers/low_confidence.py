"""Low-confidence remasking with a fixed number of steps (LLaDA, arXiv 2502.09992, algorithm 5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.canvas import Canvas, Decision
from model.infill.decoding.constraints import Proposal
from model.infill.decoding.samplers.base import Step
from model.infill.decoding.samplers.choice import best_ranked


@dataclass(frozen=True, kw_only=True)
class LowConfidence:
    """Predicts everything, keeps the most confident open / remaining-steps of each row, masks the rest again.

    With n open positions n % steps steps commit one more than the others, and these come first, as in LLaDA's own
    code. After `steps` steps everything is decided, however unsure. Within `Blocks` the steps are those of one block.
    """

    steps: int = 16

    def decide(self, canvas: Canvas, proposal: Proposal, *, step: Step) -> Decision:
        remaining = np.maximum(1, self.steps - np.asarray(step))
        quota = -(-canvas.open.sum(axis=1) // remaining)  # rounded up
        commit = best_ranked(proposal.confidence, canvas.open, quota)
        return Decision.committing(commit, proposal.ids, proposal.confidence)
