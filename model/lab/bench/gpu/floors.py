"""What the device can do at best, measured in the same run: bytes that are copied, products of random matrices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from model.backends.published.networks.decoder import Decoder
from model.measuring import percentile, timed_ms

REPEATS = 11


@dataclass(frozen=True, kw_only=True)
class Rates:
    """bytes per second, read and written together; floating point operations per second of a matrix product."""

    bytes_per_s: float
    flops_per_s: float


def waits(device: torch.device) -> Callable[[], None]:
    """What waits until the device has done what it was asked."""
    if device.type == "cuda":
        return torch.cuda.synchronize
    return torch.mps.synchronize if device.type == "mps" else lambda: None


def median_ms(work: Callable[[], object], *, wait: Callable[[], None], repeats: int = REPEATS) -> float:
    """Median time of `work`, after two times that are not counted."""
    return percentile([timed_ms(work, wait=wait) for _ in range(repeats + 2)][2:], 0.5)


def measured(device: torch.device, dtype: torch.dtype) -> Rates:
    """The rates of the device: a copy too large for caches, a product large enough for all of it."""
    large = device.type == "cuda"
    size, side = (1 << 31, 8192) if large else (1 << 22, 256)
    source = torch.randint(0, 256, (size,), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    wait = waits(device)
    copied = median_ms(lambda: target.copy_(source), wait=wait)
    multiplied = median_ms(lambda: a @ b, wait=wait)
    return Rates(bytes_per_s=2 * size / copied * 1000, flops_per_s=2 * side**3 / multiplied * 1000)


def step_floor_ms(network: Decoder, rates: Rates) -> float:
    """Every weight that a step needs, read once: all but a table of embeddings that is no head as well."""
    held = sum(p.numel() * p.element_size() for p in network.parameters())
    table = network.embedding.weight
    if network.head is not None:
        held -= table.numel() * table.element_size()
    return held / rates.bytes_per_s * 1000


def prefill_floor_ms(network: Decoder, rates: Rates, *, tokens: int) -> float:
    """The products of all layers over so many tokens that see each other, by the rate of one product."""
    c = network.config
    layers = sum(p.numel() for block in network.blocks for p in block.parameters())
    attention = 4 * c.layers * c.heads * c.head_width * tokens
    return tokens * (2 * layers + attention) / rates.flops_per_s * 1000
