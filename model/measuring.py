"""What all benchmarks share: a stopwatch, percentiles, what a report begins with, and its last line."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


def since_ms(started: float) -> float:
    """Milliseconds since a reading of `time.perf_counter`."""
    return 1000 * (time.perf_counter() - started)


def timed_ms(work: Callable[[], object], *, wait: Callable[[], None] = lambda: None) -> float:
    """Milliseconds that `work` takes, `wait` (until a device has done all that it was asked) included."""
    wait()
    started = time.perf_counter()
    work()
    wait()
    return since_ms(started)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of `values` lies below; there has to be one. The half is the median."""
    if share == 0.5:
        return statistics.median(values)
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def spread(values: Sequence[float], *, digits: int = 1) -> dict[str, float]:
    """Median, 95th percentile and maximum."""
    found = {"p50": percentile(values, 0.5), "p95": percentile(values, 0.95), "max": percentile(values, 1.0)}
    return {name: round(value, digits) for name, value in found.items()}


def quantile(values: Sequence[float], share: float, *, digits: int | None = 2) -> float | None:
    """The percentile, rounded; None where there are no values."""
    return round(percentile(values, share), digits) if values else None


def about(bench: str, **more: Any) -> dict[str, Any]:
    """What a report begins with: which bench, of which commit, on what machine, how busy it was; and `more`."""
    return {
        "bench": bench,
        "commit": _commit(),
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "load": load(),
        **more,
    }


def cpu() -> str:
    """The processor, as far as Python can tell."""
    return platform.processor() or platform.machine()


def load() -> float | None:
    """How many processes wanted to run in the last minute; None where the system does not tell."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def last_line(report: Mapping[str, Any]) -> str:
    """The report as one line of JSON: what a bench prints last."""
    return json.dumps(report)


def _commit() -> str | None:
    """The commit of the working tree; None outside of one."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
