"""Mixtures of experts, token by token."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from model.backends.published.networks.experts import Experts, ExpertsConfig, Router, grouped_product, product_by_expert
from model.backends.published.networks.layers import BiasedRMSNorm, LayerConfig

LAYER = LayerConfig(width=16, heads=2, kv_heads=2, feed_forward=8)


def made(**options: Any) -> Experts:
    torch.manual_seed(1)
    experts = Experts(LAYER, ExpertsConfig(count=6, active=2, feed_forward=8, **options)).requires_grad_(False)
    for parameter in experts.parameters():
        parameter.copy_(torch.randn_like(parameter))
    return experts


def by_hand(experts: Experts, x: torch.Tensor) -> torch.Tensor:
    """The same for one token [width], written as the definition is."""
    e, router = experts.router.config, experts.router
    logits = router.weight @ x
    scores = logits.softmax(0) if e.score == "softmax" else logits.sigmoid()
    bias = torch.zeros(e.count) if router.bias is None else router.bias
    wanted = scores + bias
    if e.groups > 1:
        size = e.count // e.groups
        worth = torch.stack([wanted[g * size : (g + 1) * size].sort().values[-2:].sum() for g in range(e.groups)])
        best = worth.sort(descending=True).indices[: e.active_groups].tolist()
        wanted = torch.stack([w if n // size in best else torch.tensor(-torch.inf) for n, w in enumerate(wanted)])
    chosen = wanted.sort(descending=True).indices[: e.active].tolist()
    weights = [(scores + bias)[n] if e.bias == "score" else scores[n] for n in chosen]
    total = sum(weights) if e.normalised else 1.0
    out = torch.zeros(len(x))
    for n, weight in zip(chosen, weights, strict=True):
        gate, up = experts.gate_up[n, :8] @ x, experts.gate_up[n, 8:] @ x
        out = out + experts.down[n] @ (torch.nn.functional.silu(gate) * up) * weight / total * e.scale
    if experts.shared_gate is not None and experts.shared_up is not None and experts.shared_down is not None:
        inner = torch.nn.functional.silu(experts.shared_gate.weight @ x) * (experts.shared_up.weight @ x)
        out = out + experts.shared_down.weight @ inner
    return out


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"score": "sigmoid", "bias": "choice", "normalised": True, "scale": 2.5, "groups": 3, "active_groups": 2},
        {"score": "sigmoid", "bias": "choice", "groups": 2, "active_groups": 1, "shared": 12},
        {"bias": "score", "shared": 8},
        {"normalised": True},
    ],
)
def test_as_by_hand(options: dict[str, Any]) -> None:
    experts = made(**options)
    x = torch.randn(3, 5, 16, generator=torch.Generator().manual_seed(2))
    expected = torch.stack([by_hand(experts, token) for token in x.flatten(0, 1)]).view_as(x)
    torch.testing.assert_close(experts(x), expected, atol=1e-4, rtol=1e-4)


def test_a_bias_that_only_chooses_does_not_weigh() -> None:
    config = ExpertsConfig(count=4, active=1, feed_forward=8, score="sigmoid", bias="choice")
    router = Router(16, config).requires_grad_(False)
    router.weight.zero_()
    assert router.bias is not None
    router.bias.copy_(torch.tensor([0.0, 0.0, 9.0, 0.0]))
    chosen, weight = router(torch.ones(1, 16))
    assert chosen.tolist() == [[2]]
    assert weight.tolist() == [[0.5]]


@pytest.mark.skipif(not hasattr(torch.nn.functional, "grouped_mm"), reason="this torch has no grouped product")
def test_the_grouped_product_is_that_of_the_experts() -> None:
    rows = torch.randn(9, 16, generator=torch.Generator().manual_seed(3)).bfloat16()
    weight = torch.randn(4, 24, 16, generator=torch.Generator().manual_seed(4)).bfloat16()
    count = torch.tensor([3, 0, 5, 1])
    torch.testing.assert_close(
        grouped_product(rows, weight, count), product_by_expert(rows, weight, count), atol=0.05, rtol=0.02
    )


def test_a_norm_with_a_bias() -> None:
    norm = BiasedRMSNorm(8, 1e-5).requires_grad_(False)
    norm.weight.fill_(2.0)
    norm.bias.fill_(0.5)
    x = torch.randn(3, 8)
    expected = 2 * x * (x.pow(2).mean(-1, keepdim=True) + 1e-5).rsqrt() + 0.5
    torch.testing.assert_close(norm(x), expected)
