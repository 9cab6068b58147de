"""Vocabulary and copies as one distribution over tokens, as the engine's denoiser computes it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def log_mixture(logits: Tensor, weights: Tensor, odds: Tensor, following: Tensor) -> Tensor:
    """Float32 [B, C, V]: log of g · copies + (1 - g) · softmax(logits).

    logits: [B, C, V]. weights: float32 [B, C, K], log-weights of the places to copy from. odds: float32 [B, C],
    log-odds g of a copy. following: int64 [B, K], the token that each place would copy.
    """
    places = following.unsqueeze(1).expand(-1, logits.shape[1], -1)
    copies = torch.zeros(logits.shape, dtype=torch.float32, device=logits.device)
    copies.scatter_add_(2, places, weights.exp())
    vocabulary = logits.float().log_softmax(-1) + F.logsigmoid(-odds).unsqueeze(-1)
    return torch.logaddexp(copies.clamp(min=1e-30).log() + F.logsigmoid(odds).unsqueeze(-1), vocabulary)
