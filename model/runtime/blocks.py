"""Memory for arrays that come and go in all sizes, taken from the system in blocks of their own and used again.

On the heap they left holes that the next ones did not fit, and a server grew by 30 MB per thousand fills. A block that is
given back is kept for the next that it fits: new memory is filled with zeros by the system, which takes as long as
computing a tenth of a context.
"""

from __future__ import annotations

import math
import mmap
import weakref
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
KEPT_BYTES = 24_000_000
GRAIN_BYTES = 1 << 18
"""Blocks are multiples of it; what is smaller goes on the heap."""
SLACK = 1.25
"""A kept block serves for what needs so much less."""


class _Lent:
    """A block while arrays lie in it: NumPy holds it for as long as one of them lives."""

    def __init__(self, block: mmap.mmap) -> None:
        address = np.frombuffer(block, dtype=np.uint8).ctypes.data
        self.__array_interface__: dict[str, Any] = {
            "data": (address, False),
            "shape": (len(block) // 4,),
            "typestr": np.dtype(np.float32).str,
            "version": 3,
        }


class Blocks:
    """Blocks that are free, at most KEPT_BYTES of them; those in use belong to their arrays."""

    def __init__(self) -> None:
        self._free: list[mmap.mmap] = []

    @property
    def free_bytes(self) -> int:
        return sum(map(len, self._free))

    def arrays(self, shapes: Sequence[tuple[int, ...]]) -> list[Floats]:
        """float32 arrays of these shapes in one block, which is free again when the last of them is gone.

        They hold zeros or what stood there before: finite numbers in any case.
        """
        sizes = [math.prod(shape) for shape in shapes]
        if 4 * sum(sizes) < GRAIN_BYTES:
            return [np.zeros(shape, dtype=np.float32) for shape in shapes]
        block = self._taken(4 * sum(sizes))
        lent = _Lent(block)
        weakref.finalize(lent, self._back, block).atexit = False
        whole = np.asarray(lent)
        starts = accumulate(sizes, initial=0)
        return [whole[at : at + n].reshape(shape) for at, n, shape in zip(starts, sizes, shapes, strict=False)]

    def _taken(self, size: int) -> mmap.mmap:
        fitting = [block for block in self._free if size <= len(block) <= SLACK * size]
        if fitting:
            best = min(fitting, key=len)
            self._free.remove(best)
            return best
        rounded = -(-size // GRAIN_BYTES) * GRAIN_BYTES
        if hasattr(mmap, "MAP_PRIVATE"):
            return mmap.mmap(-1, rounded, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        return mmap.mmap(-1, rounded)

    def _back(self, block: mmap.mmap) -> None:
        self._free.append(block)
        while self.free_bytes > KEPT_BYTES:
            del self._free[0]
