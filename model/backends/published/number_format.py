"""Which number format this processor multiplies faster in: measured once per machine, library version and shape, and kept.

A processor may have bfloat16 and be no faster for it, or take it up in emulation that is a hundred times slower:
no flag tells. So one layer's product is timed in both.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

PASS_TOKENS = 64
REPETITIONS = 5
WORTH = 1.2
"""bfloat16 rounds: it has to be so many times faster to be taken."""
HOPELESS = 3.0
"""If the first product is this many times slower, assume emulation and stop measuring: it may take seconds."""
LEAST_PARAMETERS = 50_000_000
"""Networks with fewer compute in float32 unasked: they are fast enough, and measuring would take longer than they do."""
Timer = Callable[["torch.dtype", int, int], float]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Milliseconds of a product of 64 tokens with the weights [inner, width]; `dtype` is what they speak for."""

    float32_ms: float
    bfloat16_ms: float

    @property
    def dtype(self) -> str:
        return "bfloat16" if self.float32_ms >= WORTH * self.bfloat16_ms else "float32"


def probe_file() -> Path:
    """Where measurements lie: `dlm-fill/cpu.json` in the user's cache directory."""
    import platformdirs

    try:
        return Path(platformdirs.user_cache_path("dlm-fill", appauthor=False), "cpu.json")
    except RuntimeError:  # a user without a home: nothing can be kept
        return Path(os.devnull, "cpu.json")


def measured(width: int, inner: int, *, path: Path | None = None, timer: Timer | None = None) -> Measured:
    """What was measured here before for such weights, or is measured now and kept in `path` (default: `probe_file`).

    Takes a second or two the first time, for the largest. A file that cannot be read or written costs only that.
    """
    import torch

    path = path or probe_file()
    key = _key(torch.__version__, torch.get_num_threads(), width, inner)
    known = _known(path)
    with suppress(KeyError, TypeError, ValueError):
        entry = known[key]
        return Measured(float32_ms=float(entry["float32_ms"]), bfloat16_ms=float(entry["bfloat16_ms"]))
    clock = timer or product_ms
    pairs = []
    for _ in range(REPETITIONS):  # by turns, so that what else runs slows down both
        pairs.append((clock(torch.float32, width, inner), clock(torch.bfloat16, width, inner)))
        if pairs[0][1] > HOPELESS * pairs[0][0]:
            break
    made = Measured(
        float32_ms=statistics.median(pair[0] for pair in pairs),
        bfloat16_ms=statistics.median(pair[1] for pair in pairs),
    )
    _keep(path, {**known, key: {"float32_ms": made.float32_ms, "bfloat16_ms": made.bfloat16_ms}})
    return made


def product_ms(dtype: torch.dtype, width: int, inner: int) -> float:
    """Milliseconds of one product, the second of two: the first lays the weights out."""
    import torch

    x = torch.ones(PASS_TOKENS, width, dtype=dtype)
    weights = torch.ones(inner, width, dtype=dtype)
    with torch.no_grad():
        torch.nn.functional.linear(x, weights)
        started = time.perf_counter()
        torch.nn.functional.linear(x, weights)
    return 1000 * (time.perf_counter() - started)


def all_measured(*, path: Path | None = None) -> dict[str, Measured]:
    """What has been measured on this machine, by what it was measured for."""
    found = {}
    for key, entry in _known(path or probe_file()).items():
        with suppress(KeyError, TypeError, ValueError):
            found[key] = Measured(float32_ms=float(entry["float32_ms"]), bfloat16_ms=float(entry["bfloat16_ms"]))
    return found


def _key(version: str, threads: int, width: int, inner: int) -> str:
    return f"{_processor()}, {os.cpu_count()} cores, {threads} threads, torch {version}, {inner} x {width}"


def _processor() -> str:
    """Its name where the system tells; a home directory may be shared by machines of several kinds."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines():
            if line.startswith(("model name", "CPU part")):
                return f"{platform.machine()} {line.partition(':')[2].strip()}"
    return f"{platform.machine()} {platform.processor()}".strip()


def _known(path: Path) -> dict[str, dict[str, float]]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _keep(path: Path, known: dict[str, dict[str, float]]) -> None:
    with suppress(OSError):  # then it is measured again next time
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}")
        part.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
        part.replace(path)
