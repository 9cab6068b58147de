"""What benchmarks share: a large source, percentiles, the commit."""

from __future__ import annotations

import statistics
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path


def stdlib_source(lines: int) -> bytes:
    """Real Python of at least so many lines: the standard library's own modules, joined."""
    parts: list[bytes] = []
    count = 0
    modules = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    while count < lines:
        for path in modules:
            part = path.read_bytes().replace(b"\r\n", b"\n")
            if count >= lines:
                break
            parts.append(part)
            count += part.count(b"\n") + 1
    return b"\n".join(parts)


def summary(times_ms: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and maximum, in milliseconds."""
    ordered = sorted(times_ms)
    return {
        "p50": round(statistics.median(ordered), 3),
        "p95": round(ordered[min(int(len(ordered) * 0.95), len(ordered) - 1)], 3),
        "max": round(ordered[-1], 3),
    }


def commit() -> str | None:
    """The commit of the working tree; None outside of one."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
