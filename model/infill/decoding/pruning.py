"""Rows that keep everybody waiting."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.canvas import Canvas


class StragglerPruning:
    """Says (bool [B], for `denoise`) which drawn rows to give up: they are far from done when the greedy ones long are.

    A row that was drawn may never come to an end, and everybody waits for the last one. So they have `TWICE` the steps
    of the slowest greedy row, and twice that as long as fewer than `wanted` rows are done; but `LEAST` at any rate.
    """

    TWICE, LEAST = 2, 16

    def __init__(self, *, temperature: NDArray[np.float32], wanted: int) -> None:
        self._drawn, self._wanted = temperature > 0, wanted
        self._steps, self._greedy = 0, 0

    def __call__(self, canvas: Canvas) -> NDArray[np.bool_]:
        """Asked once a step."""
        self._steps += 1
        open_rows = canvas.open.any(axis=1)
        if (open_rows & ~self._drawn).any():
            self._greedy = self._steps
        done = int((canvas.used.any(axis=1) & ~open_rows).sum())
        limit = max(self.LEAST, self.TWICE * (self._greedy + 1)) * (1 if done >= self._wanted else self.TWICE)
        return open_rows & self._drawn & (self._steps >= limit)
