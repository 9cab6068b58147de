"""The floor: what the passes of a fill would take if the machine did nothing but their multiplications.

2 · weights · tokens, and attention on top, at the rate of a plain float32 matrix product measured in the same run.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model.canvas import Canvas
from model.denoiser import Context, Denoiser, Prediction, Prefilled, Spec


@dataclass
class Work:
    """Multiply-adds of what was computed, counted twice each (FLOPs). `sizes`: the network's, of its config.json."""

    sizes: Mapping[str, int]
    flops: float = 0.0

    def read(self, tokens: int) -> None:
        """A stream has read `tokens` tokens, each attending to half of them on average."""
        self.flops += tokens * (self._layers + self._attention(tokens / 2))

    def passed(self, positions: int, keys: float, context: int, predicted: int) -> None:
        """A canvas pass: `positions` in all rows attend to `keys` each; `predicted` go to vocabulary and copies."""
        width, vocab, pointer = (self.sizes[name] for name in ("width", "vocab_size", "pointer_width"))
        self.flops += positions * (self._layers + self._attention(keys))
        self.flops += 2 * predicted * (width * vocab + width * pointer + context * pointer)

    @property
    def _layers(self) -> float:
        s = self.sizes
        head = s["width"] // s["heads"]
        attention = s["width"] * head * (2 * s["heads"] + 2 * s["kv_heads"])
        return 2 * s["layers"] * (attention + 3 * s["width"] * s["feed_forward"])

    def _attention(self, keys: float) -> float:
        return 4 * self.sizes["layers"] * self.sizes["width"] * keys


@dataclass(frozen=True)
class Counted:
    """A denoiser whose work is counted; a context is taken for new in every request."""

    inner: Denoiser
    work: Work = field(repr=False)

    @property
    def spec(self) -> Spec:
        return self.inner.spec

    def prefill(self, context: Context, *, reuse: Prefilled | None = None) -> Prefilled:  # noqa: ARG002
        for pieces in (context.pieces[:-1], context.pieces[1:]):
            self.work.read(sum(map(len, pieces)))
        return _CountedPrefilled(self.inner.prefill(context), self.work, sum(map(len, context.pieces)))


@dataclass(frozen=True)
class _CountedPrefilled:
    inner: Prefilled
    work: Work
    context_tokens: int

    def denoise(self, canvas: Canvas) -> Prediction:
        # Padding is no necessary work; every hole is read behind a copy of the token before it.
        length = float(canvas.used.sum(axis=1).mean()) + 1
        self._passed(round(canvas.rows * length), length, int(canvas.open.sum()))
        return self.inner.denoise(canvas)

    def score(self, canvas: Canvas, *, wanted: NDArray[np.bool_] | None = None) -> Prediction:
        """What rows have in common on their left has to be read once; what is not wanted has been read before."""
        asked = canvas.used if wanted is None else wanted
        begun = {canvas.ids[row, :at].tobytes() for row, at in zip(*np.nonzero(asked), strict=True)}
        self._passed(len(begun), float(canvas.used.sum(axis=1).mean()) / 2, len(begun))
        return self.inner.score(canvas, wanted=wanted)

    def _passed(self, positions: int, own_keys: float, predicted: int) -> None:
        self.work.passed(positions, self.context_tokens + own_keys, self.context_tokens, predicted)


SPINNING_S = 0.3
"""Longer than OpenBLAS's threads wait for more work before they sleep."""


def matmul_flops_per_s(size: int = 768) -> tuple[float, float]:
    """(per second, per second of CPU time of all threads): the best of a few float32 products, by NumPy's BLAS.

    BLAS's threads go on spinning for a while, on a core that what is timed next needs: waits until they sleep.
    """
    a, b = np.random.default_rng(0).random((2, size, size), dtype=np.float32)
    best = best_cpu = np.inf
    for _ in range(4):
        started, cpu_started = time.perf_counter(), time.process_time()
        a @ b
        best = min(best, time.perf_counter() - started)
        best_cpu = min(best_cpu, time.process_time() - cpu_started)
    time.sleep(SPINNING_S)
    return float(2 * size**3 / best), float(2 * size**3 / best_cpu)
