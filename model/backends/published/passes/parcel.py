"""Whole numbers that travel to a device together: one copy instead of one for each array."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Parcel:
    """What is in it, in this order: name and shape."""

    shapes: tuple[tuple[str, tuple[int, ...]], ...]

    @classmethod
    def of(cls, arrays: Mapping[str, Ids]) -> tuple[Parcel, Tensor]:
        """(how to open it, int64 [n] on the CPU) of int64 arrays."""
        shapes = tuple((name, array.shape) for name, array in arrays.items())
        return cls(shapes), torch.from_numpy(np.concatenate([array.ravel() for array in arrays.values()]))

    def opened(self, packed: Tensor) -> dict[str, Tensor]:
        """The arrays again, as views of int64 [n], wherever that is."""
        found, start = {}, 0
        for name, shape in self.shapes:
            found[name] = packed.narrow(0, start, prod(shape)).view(shape)
            start += prod(shape)
        return found
