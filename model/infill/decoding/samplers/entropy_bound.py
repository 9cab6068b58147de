"""Entropy bound: commit as many positions as their joint uncertainty allows (EB-Sampler, arXiv 2505.24857, eq. 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.canvas import Canvas, Decision
from model.infill.decoding.constraints import Proposal
from model.infill.decoding.samplers.base import Step
from model.infill.decoding.samplers.choice import fallback


@dataclass(frozen=True, kw_only=True)
class EntropyBound:
    """Commits the k positions of lowest entropy, k the largest with sum of entropies - largest <= `bound` nats.

    The bound limits the error of deciding positions independently that depend on each other. A row
    whose lowest-entropy positions only shorten the hole also commits its leftmost open position.
    """

    bound: float = 0.1

    def decide(self, canvas: Canvas, proposal: Proposal, *, step: Step) -> Decision:  # noqa: ARG002
        entropy = np.where(canvas.open, proposal.entropy.astype(np.float64), np.inf)
        order = np.argsort(entropy, axis=1, kind="stable")
        ascending = np.take_along_axis(entropy, order, axis=1)
        total = np.cumsum(np.where(np.isfinite(ascending), ascending, 0), axis=1)
        within = np.isfinite(ascending) & (total - np.where(np.isfinite(ascending), ascending, 0) <= self.bound)
        commit = np.zeros(canvas.open.shape, dtype=bool)
        np.put_along_axis(commit, order, within, axis=1)
        commit |= fallback(canvas, proposal, leftmost=True) & ~(commit & ~proposal.ends).any(axis=1, keepdims=True)
        return Decision.committing(commit, proposal.ids, proposal.confidence)
