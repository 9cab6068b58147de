"""From states to the best few tokens, on the device, packed for one transfer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.backends.published.networks.decoder import Decoder

ROWS_AT_ONCE = 128
"""A row of logits takes half a megabyte with the largest vocabularies."""
NEVER = -1e30
"""Of tokens that cannot be: finite, so that nothing times it is no number."""


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best tokens of n positions: `ids` int64 [n, K], `probs` float32 [n, K], `entropy` (nats) and `current` float32 [n]."""

    ids: NDArray[np.int64]
    probs: NDArray[np.float32]
    entropy: NDArray[np.float32]
    current: NDArray[np.float32]


def best_of(
    network: Decoder,
    states: Tensor,
    standing: Tensor,
    *,
    mask_id: int,
    top_k: int,
    allowed: Tensor | None = None,
    which: Tensor | None = None,
) -> Tensor:
    """float32 [n, 2 K + 2], to be read by `unpacked`, of states [n, width]. The mask is never predicted.

    standing: int64 [n], ids whose log-probability is asked. Row i may take the tokens of row `which[i]` (int64 [n]) of
    `allowed` (bool [m, V]). Nothing here waits for the device.
    """
    parts = []
    rows = [None] * len(states.split(ROWS_AT_ONCE)) if which is None else which.split(ROWS_AT_ONCE)
    for some, asked, row in zip(states.split(ROWS_AT_ONCE), standing.split(ROWS_AT_ONCE), rows, strict=True):
        logits = network.logits(some).float()
        parts.append(best_of_logits(logits, asked, mask_id=mask_id, top_k=top_k, allowed=allowed, which=row))
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def best_of_logits(
    logits: Tensor,
    standing: Tensor,
    *,
    mask_id: int,
    top_k: int,
    allowed: Tensor | None = None,
    which: Tensor | None = None,
) -> Tensor:
    """Compute `best_of` from logits float32 [n, V], which are overwritten."""
    logits.select(-1, mask_id).fill_(NEVER)
    if allowed is not None and which is not None:
        logits = logits.masked_fill(~allowed.index_select(0, which), NEVER)
    logits = logits - logits.amax(-1, keepdim=True)
    total = logits.logsumexp(-1)
    values, ids = logits.topk(min(top_k, logits.shape[-1] - 1), dim=-1)
    current = logits.gather(-1, standing.unsqueeze(-1)).squeeze(-1) - total
    probs = (logits - total.unsqueeze(-1)).exp_()
    entropy = total - logits.mul_(probs).sum(-1)
    numbers = ids.to(torch.int32).view(torch.float32)  # as they are, bit for bit
    rest = torch.stack([entropy, current], dim=-1)
    return torch.cat([numbers, (values - total.unsqueeze(-1)).exp(), rest], dim=-1)


def unpacked(packed: Tensor, count: int) -> Best:
    """The first `count` rows of what `best_of` made, on this side: the one wait of a pass."""
    values = packed.cpu().numpy()[:count]
    k = (values.shape[1] - 2) // 2
    return Best(
        ids=values[:, :k].copy().view(np.int32).astype(np.int64),
        probs=values[:, k : 2 * k].copy(),
        entropy=values[:, 2 * k].copy(),
        current=np.maximum(values[:, 2 * k + 1], np.float32(-1e4)),
    )
