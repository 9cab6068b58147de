"""How long the cases took, by the clock and in processor time: on a busy machine only the second says much."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from model.measuring import quantile, since_ms


class CaseTimes:
    """Milliseconds of each case; `cpu_ms`: of all threads of this process together."""

    def __init__(self) -> None:
        self.ms, self.cpu_ms = list[float](), list[float]()

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Take the time of a case."""
        started, cpu = time.perf_counter(), time.process_time()
        yield
        self.ms.append(since_ms(started))
        self.cpu_ms.append(1000 * (time.process_time() - cpu))

    def figures(self) -> dict[str, float | None]:
        """p50 and p95 of both; None without a case."""
        both = (("ms", self.ms), ("cpu_ms", self.cpu_ms))
        shares = (("p50", 0.5), ("p95", 0.95))
        return {f"{p}_{name}": quantile(times, share, digits=0) for name, times in both for p, share in shares}
