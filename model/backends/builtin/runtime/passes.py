"""The seam between a network and what computes its passes: NumPy, or the compiled kernel."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.backends.builtin.runtime.rows import Outputs, Rows
from model.backends.builtin.runtime.state import Stores


class Passes(Protocol):
    """Computes one pass at a time. name: for people."""

    name: str

    def read(self, stores: Stores, ids: NDArray[np.int64], start: int) -> None:
        """Put keys and values of `ids` at the context's places from `start` on; each sees what stands before it."""
        ...

    def forward(self, stores: Stores, rows: Rows, *, adapter: bool) -> Outputs:
        """See `KVCache.forward`."""
        ...
