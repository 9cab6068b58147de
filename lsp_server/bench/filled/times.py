"""How long the cases took, by the clock and in processor time: on a busy machine only the second says much."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median, quantiles


class CaseTimes:
    """Milliseconds of each case; `cpu_ms`: of all threads of this process together."""

    def __init__(self) -> None:
        self.ms, self.cpu_ms = list[float](), list[float]()

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Take the time of a case."""
        started, cpu = time.perf_counter(), time.process_time()
        yield
        self.ms.append(1000 * (time.perf_counter() - started))
        self.cpu_ms.append(1000 * (time.process_time() - cpu))

    def figures(self) -> dict[str, int | None]:
        """p50 and p95 of both; None without a case."""
        found: dict[str, int | None] = {}
        for name, times in (("ms", self.ms), ("cpu_ms", self.cpu_ms)):
            cuts = quantiles(times, n=20) if len(times) > 1 else [*times] * 19
            found[f"p50_{name}"] = round(median(times)) if times else None
            found[f"p95_{name}"] = round(cuts[-1]) if times else None
        return found
