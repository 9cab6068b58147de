"""How fast a device multiplies and reads memory: what bounds a forward pass. Takes well under two seconds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

MEASURE_S = 0.3
SMALL, LARGE = 64, 8192
COPIED_BYTES = 1 << 26
"""Small enough for a repetition to fit between what else runs, too large for caches."""


@dataclass(frozen=True, kw_only=True)
class Speed:
    """float operations per second in a matrix product, and bytes per second that are read and written."""

    flops: float
    bandwidth: float

    def pass_s(self, parameters: float, *, bytes_each: int, tokens: int) -> float:
        """Seconds that a forward pass over `tokens` takes at least: all weights are read, 2 operations each and token."""
        return max(parameters * bytes_each / self.bandwidth, 2 * parameters * tokens / self.flops)


def rate(work: Callable[[], object], amount: float, *, now: Callable[[], float] = time.perf_counter) -> float:
    """`amount` per second of the fastest of the repetitions of `work` that fit MEASURE_S; the first warms up."""
    work()
    begin, fastest = now(), float("inf")
    while now() - begin < MEASURE_S or fastest == float("inf"):
        started = now()
        work()
        fastest = min(fastest, now() - started)
    return amount / max(fastest, 1e-9)


def cpu_speed() -> Speed:
    """The speed of this machine's processor, in float32, as NumPy uses it: one core's products, times the cores.

    The matrices are so small that BLAS keeps to one thread: where other programs compute, threads that wait for each
    other would be all that is measured.
    """
    import numpy as np

    a = np.ones((SMALL, SMALL, SMALL), dtype=np.float32)
    source = np.zeros(COPIED_BYTES, dtype=np.uint8)
    target = np.zeros_like(source)
    return Speed(
        flops=(os.cpu_count() or 1) * rate(lambda: a @ a, 2.0 * SMALL**4),
        bandwidth=rate(lambda: np.copyto(target, source), 2.0 * COPIED_BYTES),
    )


def gpu_speed(device: str) -> Speed:
    """The speed of a GPU, in bfloat16, as torch uses it."""
    import torch

    a = torch.ones((LARGE, LARGE), dtype=torch.bfloat16, device=device)
    source = torch.zeros(16 * COPIED_BYTES, dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)

    def done(work: Callable[[], object]) -> Callable[[], None]:
        def timed() -> None:
            work()
            (torch.mps if device == "mps" else torch.cuda).synchronize()

        return timed

    return Speed(
        flops=rate(done(lambda: a @ a), 2.0 * LARGE**3),
        bandwidth=rate(done(lambda: target.copy_(source)), 32.0 * COPIED_BYTES),
    )
