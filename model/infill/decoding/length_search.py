"""The length of a hole for checkpoints that neither end a hole nor resize it: calibrated probes (CAL, arXiv 2602.00476).

The mean confidence of the first step peaks near the right length, under a bias of its own: short
canvases look sure whatever stands around them. So it is divided by what the same network says where there is no text.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.backend import Backend, CachedContext, Context
from model.canvas import Canvas
from model.infill.budget import BudgetMeter
from model.types import Cancelled, Hole

PROBED = (1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64)


class LengthSearch:
    """Finds lengths for one network; it keeps the bias, which is the same for every request."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._bias: dict[int, float] = {}

    @property
    def needed(self) -> bool:
        """Whether the network leaves a hole the length that it is given."""
        spec = self._backend.spec
        return spec.end_of_hole_id is None and spec.delete_id is None

    def lengths(
        self,
        cached: CachedContext,
        holes: Sequence[Hole],
        first: list[int],
        *,
        meter: BudgetMeter,
        cancelled: Cancelled,
    ) -> list[int]:
        """A length per hole: as it is given, else by one forward pass over all probes; `first` if there is no time."""
        given = [hole.length_tokens for hole in holes]
        if None not in given or meter.spent or cancelled():
            return first
        spec = self._backend.spec
        tried = probes(given, canvas_tokens=spec.canvas_tokens)
        free = [max(n for n, length in zip(row, given, strict=True) if length is None) for row in tried]
        if not set(free) <= self._bias.keys():
            self._bias = dict(zip(free, bias_of(self._backend, free), strict=True))
        confidence = first_confidence(cached, tried, mask_id=spec.mask_id)
        meter.count_pass()
        return searched(confidence, tried, [self._bias[n] for n in free])


def first_confidence(cached: CachedContext, lengths: Sequence[Sequence[int]], *, mask_id: int) -> NDArray[np.float64]:
    """float64 [P, H]: mean probability of the best token in each hole, P canvases (`lengths[p][h]` masks) in one pass."""
    canvas = Canvas.stack([Canvas.masked(row, mask_id=mask_id) for row in lengths])
    best = cached.denoise(canvas).probs[:, :, 0].astype(np.float64)
    means = [np.where(canvas.hole == h, best, 0).sum(axis=1) for h in range(len(lengths[0]))]
    return np.asarray(np.stack(means, axis=1) / np.maximum(1, np.asarray(lengths)), dtype=np.float64)


def probes(given: Sequence[int | None], *, canvas_tokens: int, most: int = PROBED[-1]) -> list[list[int]]:
    """Canvases to try: every free hole (None) gets the same length in each, up to `most` and what there is room for."""
    free = sum(length is None for length in given)
    room = (canvas_tokens - sum(length or 0 for length in given)) // max(1, free)
    return [[n if length is None else length for length in given] for n in PROBED if n <= min(most, max(1, room))]


def searched(confidence: NDArray[np.float64], tried: Sequence[Sequence[int]], bias: Sequence[float]) -> list[int]:
    """For each hole the length with the highest `confidence` [P, H] over `bias` [P]; the shortest of equals."""
    calibrated = confidence / np.asarray(bias, dtype=np.float64)[:, None]
    return [int(np.asarray(tried)[p, h]) for h, p in enumerate(calibrated.argmax(axis=0))]


def bias_of(backend: Backend, lengths: Sequence[int]) -> list[float]:
    """The bias for these lengths, measured without text around."""
    nothing = np.empty(0, dtype=np.int64)
    bare = backend.prefill(Context(pieces=(nothing, nothing), starts_with=(b"",)))
    means = first_confidence(bare, [[n] for n in lengths], mask_id=backend.spec.mask_id)[:, 0]
    return [float(max(mean, 1e-6)) for mean in means]
