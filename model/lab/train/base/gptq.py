"""Quantisation that looks at what the weights are multiplied with: GPTQ (Frantar et al. 2022, arXiv 2210.17323).

Columns are rounded one after the other, and each one's error is made up for by those that follow, weighted by the
second moments of the layer's inputs over a calibration set. Scales of a group are searched for the least weighted error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

DAMPING = 0.01
"""Of the mean diagonal, added to the second moments, so that they can be inverted."""
SHRINKS = tuple(1.0 - 0.05 * n for n in range(7))
"""Scales that are tried: shares of the one that reaches the largest weight of a group."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Quantised:
    """codes: uint8 [N, K]; scales: float16 [N, K / group]; the zero stands in the middle of the codes."""

    codes: NDArray[np.uint8]
    scales: NDArray[np.float16]


@dataclass(frozen=True, kw_only=True, eq=False)
class Inputs:
    """What a matrix is multiplied with: `factors` float32 [K, K], see `inputs`; `importance` float32 [K]."""

    factors: Tensor
    importance: Tensor


def inputs(moments: Tensor) -> Inputs:
    """The upper Cholesky factor of the damped inverse of `moments`, float32 [K, K], the sum of x xᵀ over inputs x."""
    damped = moments.clone()
    damped.diagonal()[damped.diagonal() == 0] = 1.0
    damped.diagonal().add_(DAMPING * damped.diagonal().mean())
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(damped))
    return Inputs(factors=torch.linalg.cholesky(inverse, upper=True), importance=moments.diagonal().clone())


def gptq(weight: Tensor, seen: Inputs, *, bits: int, group: int) -> tuple[Quantised, Tensor]:
    """Quantise `weight`, float32 [N, K], for these inputs.

    Return codes and scales, and the weights that they stand for, float32 [N, K].
    """
    rows, columns = weight.shape
    zero, top = 1 << (bits - 1), (1 << bits) - 1
    left, made = weight.clone(), torch.empty_like(weight)
    codes = torch.empty(rows, columns, dtype=torch.uint8)
    scales = torch.empty(rows, columns // group, dtype=torch.float16)
    for g, start in enumerate(range(0, columns, group)):
        end = start + group
        block = left[:, start:end]
        scale16 = _best_scale(block, seen.importance[start:end], zero=zero, top=top)
        scales[:, g] = scale16
        scale = torch.where(scale16 == 0, torch.ones_like(scale16), scale16).float()
        errors = torch.empty_like(block)
        own = seen.factors[start:end, start:end]
        for c in range(group):
            code = (block[:, c] / scale + zero).round().clamp(0, top)
            value = torch.where(scale16 == 0, torch.zeros_like(scale), (code - zero) * scale)
            codes[:, start + c], made[:, start + c] = code.to(torch.uint8), value
            errors[:, c] = (block[:, c] - value) / own[c, c]
            block[:, c:] -= errors[:, c : c + 1] * own[c : c + 1, c:]
        if end < columns:
            left[:, end:] -= errors @ seen.factors[start:end, end:]
    return Quantised(codes=codes.numpy(), scales=scales.numpy()), made


def _best_scale(block: Tensor, importance: Tensor, *, zero: int, top: int) -> Tensor:
    """float16 [N]: of the scales tried, the one with the least error weighted by `importance` [group]."""
    extreme = block.gather(1, block.abs().argmax(dim=1, keepdim=True)).squeeze(1)
    best, least = torch.zeros_like(extreme, dtype=torch.float16), torch.full_like(extreme, torch.inf)
    for shrink in SHRINKS:
        # The extreme weight takes the code 0, which has no counterpart on the other side.
        scale = (extreme * (shrink / -zero)).half()
        whole = torch.where(scale == 0, torch.ones_like(scale), scale).float().unsqueeze(1)
        near = ((block / whole + zero).round().clamp(0, top) - zero) * scale.float().unsqueeze(1)
        error = ((block - near) ** 2 * importance).sum(dim=1)
        better = error < least
        best, least = torch.where(better, scale, best), torch.where(better, error, least)
    return best
