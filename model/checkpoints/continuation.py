"""The built-in model writing a hole from left to right, one token per pass, with the hole's own keys and values cached.

It computes what `Prefilled.score` computes of a whole text, token after token: the baseline that denoising is
measured against, with the same weights over the same cached context.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.networks.cache import ContextCache
from model.networks.layers import rotate
from model.networks.two_streams import Network


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """Per layer what every token of the hole sees of the context: [1, H, D, P'] and [1, H, P', D], and S' behind."""

    ahead_keys: Tensor
    ahead_values: Tensor
    back_keys: Tensor
    back_values: Tensor


class Continuation:
    """The only hole of a context, written from left to right. `probabilities`: float32 [1, V] of states [1, width]."""

    def __init__(self, network: Network, cache: ContextCache, probabilities: Callable[[Tensor], Tensor]) -> None:
        assert len(cache.left) == 1, "one hole: several are filled jointly, which left to right cannot"
        self._network, self._probabilities = network, probabilities
        config, left, right = network.config, cache.left[0], cache.right[0]
        self._repeat = config.heads // config.kv_heads
        streams = cache.streams
        self._seen = [
            _Seen(
                ahead_keys=self._for_heads(streams.ahead.keys[n][:, :, :left]).mT,
                ahead_values=self._for_heads(streams.ahead.values[n][:, :, :left]),
                back_keys=self._for_heads(streams.back.keys[n][:, :, right:]).mT,
                back_values=self._for_heads(streams.back.values[n][:, :, right:]),
            )
            for n in range(config.layers)
        ]
        self._own: list[tuple[Tensor, Tensor]] = []
        self._position = left - 1
        self._token = int(cache.ahead_ids[left - 1])
        device = network.embedding.weight.device
        self._back_table = network.rope.table(torch.tensor([len(cache.back_ids) - right], device=device))

    def _for_heads(self, kv: Tensor) -> Tensor:
        return kv.repeat_interleave(self._repeat, 1) if self._repeat > 1 else kv

    @torch.inference_mode()
    def probabilities(self) -> NDArray[np.float32]:
        """float32 [V], of the token that comes next; a pass over the last one. Once per token written."""
        network = self._network
        device = network.embedding.weight.device
        x = network.embedding(torch.tensor([[self._token]], device=device)) + network.role[2]
        table = network.rope.table(torch.tensor([self._position], device=device))
        scale, own = network.config.head_width**-0.5, []
        for n, block in enumerate(network.blocks):
            q, k, v = block.attention.project(block.attention_norm(x))
            q, q_back, k = rotate(q * scale, table), rotate(q * scale, self._back_table), rotate(k, table)
            if self._own:
                k, v = torch.cat([self._own[n][0], k], dim=2), torch.cat([self._own[n][1], v], dim=2)
            own.append((k, v))
            seen, own_keys, own_values = self._seen[n], self._for_heads(k), self._for_heads(v)
            scores = torch.cat([q @ seen.ahead_keys, q_back @ seen.back_keys, q @ own_keys.mT], dim=-1)
            split = [seen.ahead_keys.shape[-1], seen.back_keys.shape[-1], own_keys.shape[2]]
            ahead, back, here = scores.softmax(-1).split(split, -1)
            x = block.feed(
                x + block.attention.out(ahead @ seen.ahead_values + back @ seen.back_values + here @ own_values)
            )
        self._own = own
        return np.array(self._probabilities(network.norm(x)[0])[0].cpu().numpy(), dtype=np.float32)

    def write(self, token: int) -> None:
        """`token` is what comes next."""
        self._token = token
        self._position += 1
