"""Semi-autoregressive blocks (LLaDA, arXiv 2502.09992, section 2.4): any sampler, block after block from the left."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from model.canvas import Canvas, Decision
from model.infill.decoding.constraints import Proposal
from model.infill.decoding.samplers.base import Sampler, Step
from model.infill.decoding.samplers.choice import leftmost_open
from model.infill.decoding.samplers.threshold import Threshold


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """Lets `inner` choose within the first block of `size` positions of each hole that has anything open.

    The inner sampler counts its steps from the row's last commit outside its present blocks.
    """

    inner: Sampler = field(default_factory=Threshold)
    size: int = 32

    def decide(self, canvas: Canvas, proposal: Proposal, *, step: Step) -> Decision:
        present = self._present(canvas)
        outside = np.where(present, -1, canvas.since).max(axis=1, initial=-1)
        view = replace(canvas, open=canvas.open & present)
        return self.inner.decide(view, proposal, step=np.asarray(step - (outside + 1), dtype=np.int64))

    def _present(self, canvas: Canvas) -> NDArray[np.bool_]:
        """Bool [B, L]: the positions, open or not, of each hole's first block with anything open."""
        block = canvas.left_of(canvas.used) // self.size
        first = np.full((canvas.rows, int(canvas.hole.max(initial=0)) + 1), -1, dtype=np.int64)
        row, column = np.nonzero(leftmost_open(canvas))
        first[row, canvas.hole[row, column]] = block[row, column]
        return np.asarray(canvas.used & (block == np.take_along_axis(first, np.maximum(canvas.hole, 0), axis=1)))
