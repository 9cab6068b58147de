"""Rows that break the rules of `Rows` are refused before anything is computed: the kernel trusts what it is given."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.backends.builtin.runtime.rows import Rows

POSITIONS = 1 << 20
"""Rotary positions lie below this."""


def check_ids(ids: NDArray[np.int64], limit: int) -> None:
    """Raises ValueError for an id that the network does not have."""
    if ids.ndim != 1 or (len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < limit):
        raise ValueError(f"ids are to be one row of numbers from 0 to {limit - 1}")


def check_rows(rows: Rows, *, ids: int, context: int, scratch: int, vocab: int) -> None:
    """Raises ValueError where rows contradict themselves or a cache of these sizes."""
    count = len(rows.ids)
    check_ids(rows.ids, ids)
    for name, limit in (("positions", POSITIONS), ("slots", scratch), ("context", context + 1)):
        part = getattr(rows, name)
        if part.shape != (count,) or (count and not 0 <= int(part.min()) <= int(part.max()) < limit):
            raise ValueError(f"{name} is to be {count} numbers from 0 to {limit - 1}")
    if len(np.unique(rows.slots)) != count:
        raise ValueError("two rows share a slot: each needs one of its own")
    starts = rows.starts
    if (
        starts.shape != (count + 1,)
        or starts[0] != 0
        or starts[-1] != len(rows.sees)
        or bool((np.diff(starts) < 1).any())
    ):
        raise ValueError(
            f"starts is to rise from 0 to {len(rows.sees)} in {count} steps: each row sees its own slot at least"
        )
    if len(rows.sees) and not 0 <= int(rows.sees.min()) <= int(rows.sees.max()) < scratch:
        raise ValueError(f"sees is to be slots from 0 to {scratch - 1}")
    own = np.repeat(rows.slots, np.diff(starts)) == rows.sees
    if count and not bool(np.logical_or.reduceat(own, starts[:-1]).all()):
        raise ValueError("a row does not see its own slot")
    wanted, targets = rows.wanted, rows.targets
    if wanted.ndim != 1 or (len(wanted) and not 0 <= int(wanted.min()) <= int(wanted.max()) < count):
        raise ValueError(f"wanted is to be rows from 0 to {count - 1}")
    if targets.ndim != 2 or len(targets) != len(wanted):
        raise ValueError(f"targets is to be [{len(wanted)}, T]")
    if targets.size and not 0 <= int(targets.min()) <= int(targets.max()) < vocab:
        raise ValueError(f"targets are to be ids from 0 to {vocab - 1}")
    if not 0 <= rows.top <= vocab:
        raise ValueError(f"top is to be from 0 to {vocab}")
