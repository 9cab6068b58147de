"""How fast this machine runs a network that reads contexts, and what is bounded by that so that no editor lags.

`dlm-fill doctor` measures it and keeps it in the user's cache; whoever opens the model reads it there. Nothing is
bounded where nobody has measured.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.backends.builtin.runtime.network import KVCache
    from model.backends.builtin.storage.config import ModelConfig

READ_TOKENS, ROWS, REPETITIONS = 192, 6, 5
CONTEXT_S = 2.0
"""A context is bounded to what is read in so many seconds."""
LEAST_CONTEXT, MOST_CONTEXT, CONTEXT_STEP = 256, 640, 128
"""Tokens around a hole. With 640 the text of a hole is as likely as with 1,024 (73 holes: 0.2 nats less each, standard error
0.4; with 384, 1.5 less), and two cores of a laptop read them while a cursor rests for a second."""
BEAMS = ((0.030, 4), (0.070, 2))
"""A search keeps so many rows where a pass of six takes at most so many seconds; else one."""
KEEPS_UP_S = 0.080
"""Where a pass of one row takes longer, a line takes a second: who just types gets copies, who asks a fill."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds for a token of context that is read, for a pass of one row, and for one of `ROWS`."""

    token_s: float
    row_s: float
    rows_s: float


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a model may take here: tokens of context, rows of a search, and whether it fills for who just types."""

    context_tokens: int = MOST_CONTEXT
    beam: int = BEAMS[0][1]
    keeps_up: bool = True

    @classmethod
    def of(cls, pace: Pace | None) -> Bounds:
        """Those of a machine of that pace; none where it was not measured."""
        if pace is None:
            return cls()
        tokens = int(CONTEXT_S / max(pace.token_s, 1e-9)) // CONTEXT_STEP * CONTEXT_STEP
        return cls(
            context_tokens=min(max(tokens, LEAST_CONTEXT), MOST_CONTEXT),
            beam=next((beam for most, beam in BEAMS if pace.rows_s <= most), 1),
            keeps_up=pace.row_s <= KEEPS_UP_S,
        )


def pace_file() -> Path:
    """Where measurements lie: `dlm-fill/pace.json` in the user's cache directory."""
    import platformdirs

    try:
        return Path(platformdirs.user_cache_path("dlm-fill", appauthor=False), "pace.json")
    except RuntimeError:  # a user without a home: nothing can be kept
        return Path(os.devnull, "pace.json")


def key_of(config: ModelConfig, kernel: str) -> str:
    """What a measurement is of: the machine's processor, what computes, and the network's sizes."""
    sizes = f"{config.layers}x{config.width}x{config.feed_forward}x{config.vocab_size}"
    return f"{platform.machine()} {platform.processor()} {os.cpu_count()} cores, {kernel}, {sizes}"


def read_pace(key: str, *, path: Path | None = None) -> Pace | None:
    """What was measured for `key`; None if nothing was, or the file is damaged."""
    with suppress(OSError, ValueError, TypeError, LookupError, AttributeError):
        held = json.loads((path or pace_file()).read_text("utf-8"))[key]
        return Pace(**{name: float(held[name]) for name in ("token_s", "row_s", "rows_s")})
    return None


def keep_pace(key: str, pace: Pace, *, path: Path | None = None) -> None:
    """Keep what was measured, beside that of other models. A file that cannot be written costs only that."""
    path = path or pace_file()
    held: Mapping[str, object] = {}
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text("utf-8"))
        held = found if isinstance(found, dict) else {}
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps({**held, key: asdict(pace)}, indent=1) + "\n", "utf-8")
        beside.replace(path)


def measured(folder: Path, *, clock: Callable[[], float] = time.perf_counter) -> tuple[str, Pace]:
    """(what it is of, the pace of the model in `folder`): the fastest of several repetitions. Takes a second or two.

    Raises UnknownModel, NotEnoughMemory.
    """
    from model.backends.builtin.runtime.network import Network

    network = Network.open(folder)
    cache = network.cache(context_tokens=READ_TOKENS, scratch_tokens=4 * ROWS)
    read = [_read_s(cache, n, clock) for n in range(REPETITIONS)]
    passes = {rows: min(_pass_s(cache, rows, clock) for _ in range(2 * REPETITIONS)) for rows in (1, ROWS)}
    pace = Pace(token_s=min(read) / READ_TOKENS, row_s=passes[1], rows_s=passes[ROWS])
    return key_of(network.config, network.kernel), pace


def _read_s(cache: KVCache, seed: int, clock: Callable[[], float]) -> float:
    """Seconds that reading a new context takes, in slices that may be stopped."""
    import numpy as np

    ids = np.random.default_rng(seed).integers(0, cache.network.config.vocab_size, READ_TOKENS)
    began = clock()
    cache.read(ids, stop=lambda: False)
    return clock() - began


def _pass_s(cache: KVCache, rows: int, clock: Callable[[], float]) -> float:
    """Seconds that a pass of so many rows takes, each behind the context."""
    import numpy as np

    from model.backends.builtin.runtime.rows import Rows

    slots = np.arange(rows, dtype=np.int64)
    asked = Rows(
        ids=slots % cache.network.config.vocab_size,
        positions=np.full(rows, len(cache.ids), dtype=np.int64),
        slots=slots,
        context=np.full(rows, len(cache.ids), dtype=np.int64),
        sees=slots,
        starts=np.arange(rows + 1, dtype=np.int64),
        wanted=slots,
        targets=np.empty((rows, 0), dtype=np.int64),
        top=8,
        full=False,
    )
    began = clock()
    cache.forward(asked)
    return clock() - began
