"""LLaDA-MoE-7B-A1B (arXiv 2509.24389): OLMoE's layers with norms inside attention, bidirectional, no shift.

Instruct is asked by its chat template: the text with its gaps is the assistant's message.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from model.backends.published.config_file import ConfigFile
from model.backends.published.families.family import (
    EXPERTS_FEED,
    LLAMA_NAMES,
    Family,
    TensorTarget,
    activation,
    checked,
    into,
    rotary_width,
)
from model.backends.published.networks.decoder import DecoderConfig
from model.backends.published.networks.experts import ExpertsConfig

NAMES: Final = MappingProxyType(
    {
        **LLAMA_NAMES,
        **EXPERTS_FEED,
        "model.layers.{n}.mlp.expert_bias": TensorTarget(parameters=("blocks.{n}.experts.router.bias",), exact=True),
        "model.layers.{n}.shared_expert.gate_proj": into("blocks.{n}.experts.shared_gate"),
        "model.layers.{n}.shared_expert.up_proj": into("blocks.{n}.experts.shared_up"),
        "model.layers.{n}.shared_expert.down_proj": into("blocks.{n}.experts.shared_down"),
    }
)


def read(config: ConfigFile) -> Family | None:
    """The family, if this is one of its checkpoints. They were published as `llada`, and are told by their class."""
    named = config.model_type in {"lladamoe", "llada-moe"}
    if not named and not (config.model_type == "llada" and "moe" in config.architecture.lower()):
        return None
    if config.has("clip_qkv"):
        raise config.refusal("clip_qkv is not supported: remove it if it is not meant")
    config.demand("moe_router_score_function", "softmax", default="softmax")
    width, heads = config.integer("hidden_size"), config.integer("num_attention_heads")
    layers = config.integer("num_hidden_layers")
    bias = config.flag("attention_bias", False)
    frequency = config.integers("moe_layer_freq", [1] * layers)
    if len(frequency) != layers:
        raise config.refusal(f"moe_layer_freq speaks of {len(frequency)} layers, num_hidden_layers of {layers}")
    dense = frozenset(n for n, sparse in enumerate(frequency) if not sparse)
    return Family(
        title="LLaDA-MoE",
        config=checked(
            config,
            DecoderConfig(
                vocab_size=config.integer("vocab_size"),
                width=width,
                layers=layers,
                heads=heads,
                kv_heads=config.integer("num_key_value_heads", heads),
                feed_forward=config.integer("dense_intermediate_size") if dense else 1,
                norm_eps=config.number("rms_norm_eps", 1e-5),
                rope_theta=config.rope_theta(10_000.0),
                rotary_width=rotary_width(config, max(1, width // heads)),
                qkv_bias=bias,
                out_bias=bias,
                qk_norm=config.flag("qk_layernorm", False),
                activation=activation(config),
                tied_embeddings=config.flag("tie_word_embeddings", False),
                experts=ExpertsConfig(
                    count=config.integer("num_experts"),
                    active=config.integer("num_experts_per_tok"),
                    feed_forward=config.integer("expert_intermediate_size"),
                    shared=config.integer("shared_expert_intermediate_size", 0, least=0),
                    # Unlike elsewhere, the bias here also weighs what the expert says.
                    bias="score" if config.flag("moe_router_enable_expert_bias", False) else "none",
                ),
                dense_layers=dense,
            ),
        ),
        names=NAMES,
        mask_id=config.mask_id(156895),
        context_tokens=min(8192, config.integer("max_position_embeddings", 4096)),
        instruct=config.is_called("instruct"),
    )
