"""LLaDA2.0 and 2.1 mini (Ant Group's tech report): mixture of experts, fused QKV, half of each head rotated.

In use attention is causal from block to block of 32 tokens: it appends text and sees nothing after a gap.
All but base ones are asked by their chat template: the text before the gap is where the assistant's message stands.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from model.backends.published.config_file import ConfigFile
from model.backends.published.families.family import (
    DENSE_FEED,
    EXPERTS_FEED,
    Family,
    TensorTarget,
    activation,
    checked,
    into,
    rotary_width,
)
from model.backends.published.networks.decoder import DecoderConfig
from model.backends.published.networks.experts import ExpertsConfig

BLOCK = 32
USED_TOKENS = 8192
NAMES: Final = MappingProxyType(
    {
        "model.word_embeddings": into("embedding"),
        "model.layers.{n}.input_layernorm": into("blocks.{n}.attention_norm"),
        "model.layers.{n}.attention.query_key_value": into(
            "blocks.{n}.attention.q", "blocks.{n}.attention.k", "blocks.{n}.attention.v"
        ),
        "model.layers.{n}.attention.dense": into("blocks.{n}.attention.o"),
        "model.layers.{n}.attention.query_layernorm": into("blocks.{n}.attention.q_norm"),
        "model.layers.{n}.attention.key_layernorm": into("blocks.{n}.attention.k_norm"),
        "model.layers.{n}.post_attention_layernorm": into("blocks.{n}.feed_norm"),
        **DENSE_FEED,
        **EXPERTS_FEED,
        "model.layers.{n}.mlp.gate.expert_bias": TensorTarget(
            parameters=("blocks.{n}.experts.router.bias",), exact=True
        ),
        "model.layers.{n}.mlp.shared_experts.gate_proj": into("blocks.{n}.experts.shared_gate"),
        "model.layers.{n}.mlp.shared_experts.up_proj": into("blocks.{n}.experts.shared_up"),
        "model.layers.{n}.mlp.shared_experts.down_proj": into("blocks.{n}.experts.shared_down"),
        "model.norm": into("norm"),
        "lm_head": into("head"),
    }
)


def read(config: ConfigFile) -> Family | None:
    """The family, if this is one of its checkpoints."""
    if config.model_type != "llada2-moe":
        return None
    config.demand("score_function", "sigmoid", default="sigmoid")
    config.demand("norm_topk_prob", True, default=True)
    width, heads = config.integer("hidden_size", 1024), config.integer("num_attention_heads", 16)
    head_width = config.integer("head_dim", max(1, width // heads))
    layers = config.integer("num_hidden_layers", 24)
    dense = config.integer("first_k_dense_replace", 0, least=0)
    inner = config.integer("moe_intermediate_size")
    active = config.integer("num_experts_per_tok", 2)
    return Family(
        title="LLaDA2",
        config=checked(
            config,
            DecoderConfig(
                vocab_size=config.integer("vocab_size", 30592),
                width=width,
                layers=layers,
                heads=heads,
                kv_heads=config.integer("num_key_value_heads", 0, least=0) or heads,
                head_size=head_width,
                feed_forward=config.integer("intermediate_size") if dense else 1,
                norm_eps=config.number("rms_norm_eps", 1e-5),
                rope_theta=config.rope_theta(10_000.0),
                rotary_width=_rotary_width(config, head_width),
                qkv_bias=config.flag("use_qkv_bias", False),
                out_bias=config.flag("use_bias", True),
                qk_norm=config.flag("use_qk_norm", True),
                activation=activation(config),
                tied_embeddings=config.flag("tie_word_embeddings", False),
                experts=ExpertsConfig(
                    count=config.integer("num_experts", 16),
                    active=active,
                    feed_forward=inner,
                    shared=inner * config.integer("num_shared_experts", 0, least=0),
                    score="sigmoid",
                    bias="choice",
                    normalised=active > 1,
                    scale=config.number("routed_scaling_factor", 2.5),
                    groups=config.integer("n_group", 8),
                    active_groups=config.integer("topk_group", 4),
                ),
                dense_layers=frozenset(range(min(dense, layers))),
            ),
        ),
        names=NAMES,
        mask_id=config.mask_id(156895),
        context_tokens=min(USED_TOKENS, config.integer("max_position_embeddings", 16384)),
        block_tokens=config.integer("block_size", BLOCK),
        end_of_hole_id=config.optional_id("eos_token_id") or config.optional_id("pad_token_id"),
        instruct=not config.is_called("base"),
    )


def _rotary_width(config: ConfigFile, head_width: int) -> int:
    """How many channels of a head are rotated.

    The published models rotate half of each, as their code (transformers 4: `partial_rotary_factor`, 0.5 unless told) and
    SGLang's have it; `rotary_dim` counts only where there is no such share. But under transformers 5, which keeps
    `rope_parameters`, that code rotates whole heads. So a checkpoint made there is read so, unless it names the
    published code (`auto_map`): then it is a copy of a published one, saved anew.
    """
    if config.has("rope_parameters") and not config.has("auto_map"):
        return head_width
    if config.has("rotary_dim") and not config.has("partial_rotary_factor"):
        return config.integer("rotary_dim")
    return rotary_width(config, head_width, default=0.5)
