"""The same network left to right: its keys and values kept, one captured step per token, nothing waited for between."""

from __future__ import annotations

import torch
from torch import Tensor

from model.backends.published.networks.decoder import Decoder, Memory
from model.backends.published.passes.runner import Inputs, Runner

SPARE = 8
"""Places behind the text, for what capturing computes; and with them keys come in multiples that kernels like."""


class Continuation:
    """Writes `count` tokens behind prompts of `prompt_tokens`, the likeliest each time.

    `masked`: what is not written yet is not seen. Without, the text is not what the network would write, but attention
    may take its fastest kernels, which know no masks: as fast as it could be.
    """

    def __init__(
        self, network: Decoder, runner: Runner, *, prompt_tokens: int, count: int, masked: bool = True
    ) -> None:
        self._network, self._runner, self._masked = network, runner, masked
        self._prompt_tokens, self._count = prompt_tokens, count
        weight, c = network.embedding.weight, network.config
        shape = (1, c.kv_heads, prompt_tokens + count + SPARE, c.head_width)
        self._memory = Memory()
        self._memory.keys = [weight.new_zeros(shape) for _ in range(c.layers)]
        self._memory.values = [weight.new_zeros(shape) for _ in range(c.layers)]
        self._token, self._at = (torch.zeros(1, 1, dtype=torch.int64, device=weight.device) for _ in range(2))
        self._made = torch.zeros(count + SPARE, dtype=torch.int64, device=weight.device)
        self._at.fill_(prompt_tokens - 1)
        for _ in range(2):
            self._step()  # captured here, not while it is timed: that computes more than once

    def read(self, prompt: Tensor) -> Tensor:
        """Reads the prompt, int64 [1, T]; the last state [1, width]."""
        memory = Memory()
        states = self._network.states(prompt, memory=memory, causal=True)
        for held, given in ((self._memory.keys, memory.keys), (self._memory.values, memory.values)):
            for to, source in zip(held, given, strict=True):
                to[:, :, : source.shape[2]] = source
        return states[:, -1]

    def write(self, prompt: Tensor) -> Tensor:
        """int64 [count]: what the network writes behind the prompt; still on the device."""
        first = self._network.logits(self.read(prompt)).argmax(-1)
        self._made.zero_()
        self._made[:1] = first
        self._token.copy_(first.view(1, 1))
        self._at.fill_(prompt.shape[1])
        for _ in range(self._count - 1):
            self._step()
        return self._made[: self._count]

    def _step(self) -> None:
        key = ("left to right", self._prompt_tokens, self._count, self._masked)
        self._runner.run(key, self._compute, {})

    def _compute(self, inputs: Inputs) -> Tensor:  # noqa: ARG002 - its state stays at its place
        column = torch.arange(self._memory.keys[0].shape[2], device=self._at.device)
        sees = (column <= self._at).view(1, 1, 1, -1) if self._masked else None
        states = self._network.states(self._token, sees=sees, memory=self._memory, at=self._at)
        likeliest = self._network.logits(states[:, -1]).argmax(-1)
        self._token.copy_(likeliest.view(1, 1))
        self._at.add_(1)
        return self._made.index_copy_(0, (self._at - self._prompt_tokens).view(1), likeliest)
