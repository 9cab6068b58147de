"""Muon for the matrices of the blocks, AdamW for the rest, and the learning-rate schedule.

At this scale Muon is clearly ahead of AdamW alone at equal time (Jordan et al. 2024; `torch.optim.Muon`).
"""

from __future__ import annotations

import torch
from torch import nn

WARM_UP, DECAY_FROM, FLOOR = 0.02, 0.6, 0.04


def schedule(progress: float) -> float:
    """Learning-rate factor at `progress` in [0, 1] of the budget: warm-up, constant, linear decay."""
    if progress < WARM_UP:
        return max(0.05, progress / WARM_UP)
    if progress < DECAY_FROM:
        return 1.0
    return max(FLOOR, 1.0 - (1.0 - FLOOR) * (progress - DECAY_FROM) / (1.0 - DECAY_FROM))


def fading(progress: float) -> float:
    """The same for going on from trained weights: a short warm-up, then linear decay to nothing."""
    return min(max(0.05, progress / (2 * WARM_UP)), max(0.0, (1.0 - progress) / (1.0 - 2 * WARM_UP)))


def going_on(progress: float) -> float:
    """The same for much more training on the same kind of data: half the rate of a new run, fading.

    Trained weights stand where the rate had fallen to nothing; at the full rate most of that would be undone first.
    """
    return 0.5 * fading(progress)


class Optimiser:
    """Both optimisers as one."""

    def __init__(self, network: nn.Module, *, matrix_rate: float = 0.01, other_rate: float = 0.003) -> None:
        matrices: list[nn.Parameter] = []
        others: list[nn.Parameter] = []
        for name, parameter in network.named_parameters():
            (matrices if parameter.dim() == 2 and name.startswith("blocks.") else others).append(parameter)
        fused = matrices[0].is_cuda
        self._parts: tuple[torch.optim.Optimizer, ...] = (
            torch.optim.Muon(matrices, lr=matrix_rate, momentum=0.95, weight_decay=0.05),
            torch.optim.AdamW(others, lr=other_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=fused),
        )
        self._parameters = matrices + others
        for part in self._parts:
            for group in part.param_groups:
                group["base"] = group["lr"]

    def step(self, factor: float) -> float:
        """One update at `factor` times the base rates; the gradient's norm before clipping."""
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        for part in self._parts:
            for group in part.param_groups:
                group["lr"] = group["base"] * factor
            part.step()
            part.zero_grad(set_to_none=True)
        return float(norm)

    def state(self) -> list[dict[str, object]]:
        """For a checkpoint."""
        return [part.state_dict() for part in self._parts]

    def restore(self, state: list[dict[str, object]]) -> None:
        """From a checkpoint."""
        for part, saved in zip(self._parts, state, strict=True):
            part.load_state_dict(saved)
