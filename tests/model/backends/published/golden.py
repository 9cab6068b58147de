"""The tiny published checkpoints, and what the reference implementations say of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file

ROOT = Path(__file__).parents[4] / "fixtures" / "checkpoints"
FAMILIES = ("llada", "dream", "a2d_qwen2", "a2d_qwen3", "llada2")
MASK = 249


@dataclass(frozen=True, kw_only=True)
class Golden:
    """One text. ids: int64 [1, L] with masks; logits: float32 [1, L, V]; order: (position, token) pairs; filled: [1, L]."""

    ids: torch.Tensor
    logits: torch.Tensor
    order: list[list[int]]
    filled: torch.Tensor


def golden(family: str) -> list[Golden]:
    """The texts that are committed for the family."""
    data = load_file(ROOT / family / "golden.safetensors")
    return [
        Golden(
            ids=data[f"ids_{i}"],
            logits=data[f"logits_{i}"],
            order=data[f"order_{i}"].tolist(),
            filled=data[f"filled_{i}"],
        )
        for i in range(2)
    ]
