"""Networks of the published shapes, their weights random: the time of a pass does not depend on values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import torch

from model.backend import Capabilities, ModelSpec
from model.backends.published.networks.decoder import Decoder, DecoderConfig


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """A published network's sizes. shift: its logits are shifted by one. mask_id: any id will do."""

    config: DecoderConfig
    shift: bool
    mask_id: int


def _qwen(
    width: int, layers: int, heads: int, kv_heads: int, feed_forward: int, vocab: int, *, tied: bool
) -> ModelShape:
    config = DecoderConfig(
        vocab_size=vocab, width=width, layers=layers, heads=heads, kv_heads=kv_heads, feed_forward=feed_forward,
        norm_eps=1e-6, rope_theta=1e6, rotary_width=width // heads, qkv_bias=True, tied_embeddings=tied,
    )  # fmt: skip
    return ModelShape(config=config, shift=True, mask_id=151666)


SHAPES: Mapping[str, ModelShape] = MappingProxyType(
    {
        "Dream-7B": _qwen(3584, 28, 28, 4, 18944, 152064, tied=False),
        "Open-dCoder-0.5B": _qwen(896, 24, 14, 2, 4864, 151936, tied=True),
        "LLaDA-8B": ModelShape(
            config=DecoderConfig(
                vocab_size=126464, width=4096, layers=32, heads=32, kv_heads=32, feed_forward=12288, rope_theta=5e5,
                rotary_width=128,
            ),
            shift=False,
            mask_id=126336,
        ),
    }
)  # fmt: skip


def tiny(shape: ModelShape) -> ModelShape:
    """The shape with everything small that makes it large: what a CPU computes in no time."""
    c = shape.config
    group = c.heads // c.kv_heads
    small = replace(
        c, vocab_size=384, width=16 * group, heads=group, kv_heads=1, layers=2, feed_forward=96, rotary_width=16
    )
    return replace(shape, config=small, mask_id=383)


def random_network(config: DecoderConfig, device: torch.device, dtype: torch.dtype, *, seed: int = 0) -> Decoder:
    """A network that is made where it stays, no copy of it elsewhere."""
    with torch.device("meta"):
        network = Decoder(config)
    generator = torch.Generator(device).manual_seed(seed)
    for name, parameter in list(network.named_parameters()):
        owner, _, last = name.rpartition(".")
        value = torch.empty(parameter.shape, dtype=dtype, device=device).normal_(0, 0.02, generator=generator)
        if "norm" in name:
            value += 1
        network.get_submodule(owner).register_parameter(last, torch.nn.Parameter(value, requires_grad=False))
    network = network.eval()
    with torch.no_grad():
        network.join()
    return network


def spec_of(shape: ModelShape, *, canvas_tokens: int) -> ModelSpec:
    """The shape's sizes and tokens; a hole has the length that it is given."""
    return ModelSpec(
        mask_id=shape.mask_id,
        end_of_hole_id=None,
        vocab_size=shape.config.vocab_size,
        context_tokens=1 << 20,
        canvas_tokens=canvas_tokens,
        shift=shape.shift,
        capabilities=Capabilities(scores=False),
    )
