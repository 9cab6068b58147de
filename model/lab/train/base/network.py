"""The network in torch, a layer at a time, for calibration and comparison. Weights by their Hugging Face names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from model.backends.builtin.storage.config import ModelConfig
from model.backends.published.networks.layers import Rope, turned

ATTENTION = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
OUT, FEED_IN, FEED_OUT = "self_attn.o_proj", ("mlp.gate_proj", "mlp.up_proj"), "mlp.down_proj"
MATRICES = (*ATTENTION, OUT, *FEED_IN, FEED_OUT)
Seen = Callable[[tuple[str, ...], Tensor], None]


def prefix(layer: int) -> str:
    return f"model.layers.{layer}."


def layer_states(x: Tensor, weights: Mapping[str, Tensor], config: ModelConfig, *, seen: Seen | None = None) -> Tensor:
    """What one layer makes of states x [T, width] of one causal sequence. weights: the layer's, without its prefix.

    seen: told of the inputs [T, K] of each group of matrices.
    """
    c, length = config, x.shape[0]
    seen = seen or (lambda names, inputs: None)  # noqa: ARG005
    h = _normed(x, weights["input_layernorm.weight"], c)
    seen(ATTENTION, h)
    q, k, v = (F.linear(h, weights[f"{n}.weight"], weights[f"{n}.bias"]).view(length, -1, c.head_width).transpose(0, 1)
               for n in ATTENTION)  # fmt: skip
    turns = Rope(c.head_width, c.rope_base).turns(torch.arange(length), x.dtype)
    mixed = F.scaled_dot_product_attention(
        turned(q, turns)[None], turned(k, turns)[None], v[None], is_causal=True, enable_gqa=True
    )
    h = mixed[0].transpose(0, 1).reshape(length, -1)
    seen((OUT,), h)
    x = x + F.linear(h, weights[f"{OUT}.weight"])
    h = _normed(x, weights["post_attention_layernorm.weight"], c)
    seen(FEED_IN, h)
    gate, up = (F.linear(h, weights[f"{n}.weight"]) for n in FEED_IN)
    h = F.silu(gate) * up
    seen((FEED_OUT,), h)
    return x + F.linear(h, weights[f"{FEED_OUT}.weight"])


def log_probs(x: Tensor, final_norm: Tensor, embedding: Tensor, config: ModelConfig) -> Tensor:
    """Log-probabilities [T, V] of what follows each of the last layer's states [T, width]."""
    return F.log_softmax(F.linear(_normed(x, final_norm, config), embedding).float(), dim=-1)


def _normed(x: Tensor, weight: Tensor, config: ModelConfig) -> Tensor:
    return F.rms_norm(x, (x.shape[-1],), weight, config.norm_epsilon)
