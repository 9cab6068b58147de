"""What a sampler is: it says which open positions to commit. Loop, network and rules are not its concern."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from model.canvas import Canvas, Decision
from model.infill.decoding.constraints import Proposal

Step: TypeAlias = int | NDArray[np.int64]
Kind = TypeVar("Kind")


class Sampler(Protocol):
    """A strategy. It keeps no state between calls: all it may read are its arguments."""

    def decide(self, canvas: Canvas, proposal: Proposal, *, step: Step) -> Decision:
        """What to change after denoise step `step` (from 0; int64 [B] where rows count on their own).

        It commits at least one position of every row that has an open one.
        """
        ...


def layers(sampler: Sampler) -> Iterator[Sampler]:
    """The sampler, and those that it wraps, from outside to inside."""
    layer: Sampler | None = sampler
    while layer is not None:
        yield layer
        layer = getattr(layer, "inner", None)


def layer_of(sampler: Sampler, kind: type[Kind]) -> Kind | None:
    """The outermost layer of this kind; None if there is none."""
    return next((layer for layer in layers(sampler) if isinstance(layer, kind)), None)
