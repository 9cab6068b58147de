"""Holes on the training canvas: which tokens are shown, which are to be predicted.

A slot is one hole (or a joint set), in one of two modes:
- *score*: the content left to right, nothing masked, every token carries loss;
- *denoise*: a canvas longer than the content, partly masked; the masked positions carry loss. Either nothing
  but masks closes it (`open`), or an end-of-hole token stands at its last position (`closed`), as after the
  engine has committed one there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.tokenizer import END_OF_HOLE_ID, MASK_ID
from model.train.holes import CANVAS_SIZES, Ids


class CanvasWriter:
    """Fills the canvas arrays of one window, slot after slot."""

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        names = ("canvas", "target", "left", "right", "position", "causal")
        self.arrays = {n: np.zeros(size, dtype=np.int64) for n in names}
        self.arrays["slot"] = np.full(size, -1, dtype=np.int64)
        self.weight = np.zeros(size, dtype=np.float32)
        self.size, self.used, self.slots, self.rng = size, 0, 0, rng

    def _put(
        self, inputs: Ids, targets: Ids, weight: NDArray[np.float32], hole: tuple[int, int], *, causal: bool
    ) -> None:
        at = slice(self.used, self.used + len(inputs))
        left, right = hole
        values: dict[str, Ids | int] = {"canvas": inputs, "target": targets, "left": left, "right": right}
        values |= {"position": left - 1 + np.arange(len(inputs)), "causal": int(causal), "slot": self.slots}
        for name, value in values.items():
            self.arrays[name][at] = value
        self.weight[at] = weight
        self.used += len(inputs)

    def score(self, before: int, content: Ids, hole: tuple[int, int]) -> bool:
        """A slot in score mode; False if there is no room."""
        if self.used + len(content) + 1 > self.size:
            return False
        inputs = np.concatenate([[before], content])
        targets = np.append(content, END_OF_HOLE_ID)
        self._put(inputs, targets, np.ones(len(inputs), dtype=np.float32), hole, causal=True)
        self.slots += 1
        return True

    def denoise(self, holes: list[tuple[int, Ids, tuple[int, int]]]) -> bool:
        """A slot in denoise mode: one hole, or several that see each other."""
        sizes = [self.canvas_size(len(content)) for _, content, _ in holes]
        if self.used + sum(sizes) + len(sizes) > self.size:
            return False
        noise = int(self.rng.choice(3, p=[0.25, 0.25, 0.5]))
        rate = self.rng.random()
        for size, (before, content, hole) in zip(sizes, holes, strict=True):
            targets, masked = self.corrupted(content, size, noise=noise, rate=rate)
            inputs = np.concatenate([[before], np.where(masked, MASK_ID, targets)])
            weight = masked.astype(np.float32)
            weight[len(content) + 1 :] *= 0.1  # the first end says it all
            self._put(inputs, np.append(targets, 0), np.append(weight, np.float32(0)), hole, causal=False)
        self.slots += 1
        return True

    def corrupted(self, content: Ids, size: int, *, noise: int, rate: float) -> tuple[Ids, NDArray[np.bool_]]:
        """(what belongs on the canvas, what is masked): everything, all but a start, or each token at `rate`."""
        closed = self.rng.random() < 0.4
        if closed:
            size = int(self.rng.integers(len(content), size)) + 1
        targets = np.full(size, END_OF_HOLE_ID, dtype=np.int64)
        targets[: len(content)] = content
        masked = np.ones(size, dtype=bool)
        if noise == 1:
            masked[: self.rng.integers(0, len(content) + 1)] = False
        elif noise == 2:
            masked[: len(content)] = self.rng.random(len(content)) < rate
        masked[-1] = not closed
        return targets, masked

    def canvas_size(self, content: int) -> int:
        fits = [s for s in CANVAS_SIZES if s > content]
        larger = len(fits) > 1 and self.rng.random() < 0.3
        return fits[1] if larger else fits[0]
