"""What one forward pass over a KV cache takes and gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """R rows of one pass; each sees a part of the context, and scratch slots.

    ids: int64 [R]. positions: int64 [R], rotary. slots: int64 [R], where a row's key and value go. context: int64 [R], how
    many context tokens it sees. Row r sees the slots `sees[starts[r]:starts[r + 1]]`, its own among them: int64, and
    int64 [R + 1]. wanted: int64 [W], rows whose prediction is wanted. targets: int64 [W, T], ids whose log-probability is
    wanted. top: how many of the likeliest ids are wanted. full: whether all log-probabilities are.
    """

    ids: NDArray[np.int64]
    positions: NDArray[np.int64]
    slots: NDArray[np.int64]
    context: NDArray[np.int64]
    sees: NDArray[np.int64]
    starts: NDArray[np.int64]
    wanted: NDArray[np.int64]
    targets: NDArray[np.int64]
    top: int
    full: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Outputs:
    """Of W wanted rows: ids int64 [W, K] best first, log_probs float32 [W, K], targets float32 [W, T], entropy float32 [W]
    in nats, full float32 [W, V] or None.
    """

    ids: NDArray[np.int64]
    log_probs: NDArray[np.float32]
    targets: NDArray[np.float32]
    entropy: NDArray[np.float32]
    full: NDArray[np.float32] | None
