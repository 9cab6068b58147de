"""LLaDA-8B, LLaDA-8B-Instruct, LLaDA-1.5 (arXiv 2502.09992): Llama's layers under OLMo's names, bidirectional, no shift.

Instruct and 1.5 are asked by their chat template: the text with its gaps is the assistant's message.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from model.backends.published.config_file import ConfigFile
from model.backends.published.families.family import Family, activation, checked, into
from model.backends.published.networks.decoder import DecoderConfig

NAMES: Final = MappingProxyType(
    {
        "model.transformer.wte": into("embedding"),
        "model.transformer.blocks.{n}.attn_norm": into("blocks.{n}.attention_norm"),
        "model.transformer.blocks.{n}.q_proj": into("blocks.{n}.attention.q"),
        "model.transformer.blocks.{n}.k_proj": into("blocks.{n}.attention.k"),
        "model.transformer.blocks.{n}.v_proj": into("blocks.{n}.attention.v"),
        "model.transformer.blocks.{n}.attn_out": into("blocks.{n}.attention.o"),
        "model.transformer.blocks.{n}.q_norm": into("blocks.{n}.attention.q_norm"),
        "model.transformer.blocks.{n}.k_norm": into("blocks.{n}.attention.k_norm"),
        "model.transformer.blocks.{n}.ff_norm": into("blocks.{n}.feed_norm"),
        "model.transformer.blocks.{n}.ff_proj": into("blocks.{n}.gate"),
        "model.transformer.blocks.{n}.up_proj": into("blocks.{n}.up"),
        "model.transformer.blocks.{n}.ff_out": into("blocks.{n}.down"),
        "model.transformer.ln_f": into("norm"),
        "model.transformer.ff_out": into("head"),
    }
)


def read(config: ConfigFile) -> Family | None:
    """The family, if this is one of its checkpoints."""
    if config.model_type != "llada" or "moe" in config.architecture.lower():
        return None
    for key, wanted, default in (
        ("block_type", "llama", "sequential"),
        ("layer_norm_type", "rms", "default"),
        ("layer_norm_with_affine", True, True),
        ("attention_layer_norm_with_affine", True, True),
        ("block_group_size", 1, 1),
        ("rope", True, False),
        ("alibi", False, False),
    ):
        config.demand(key, wanted, default=default)
    width, heads = config.integer("d_model", 768), config.integer("n_heads", 12)
    bias = config.flag("include_bias", False)
    vocab_size = config.integer("vocab_size", 50257)
    return Family(
        title="LLaDA",
        config=checked(
            config,
            DecoderConfig(
                # The table is larger than the vocabulary, for speed; its spare rows have logits too.
                vocab_size=config.integer("embedding_size", vocab_size),
                width=width,
                layers=config.integer("n_layers", 12),
                heads=heads,
                kv_heads=_kv_heads(config, heads),
                feed_forward=config.integer("mlp_hidden_size", config.integer("mlp_ratio", 4) * width),
                norm_eps=config.number("rms_norm_eps", 1e-5),
                norm_bias=config.flag("bias_for_layer_norm", bias),
                rope_theta=config.rope_theta(10_000.0),
                rotary_width=width // heads,
                qkv_bias=config.flag("include_qkv_bias", False) or bias,
                out_bias=bias,
                feed_bias=bias,
                qk_norm=config.flag("attention_layer_norm", False),
                qk_norm_span="all",
                activation=activation(config, "activation_type"),
                tied_embeddings=config.flag("weight_tying", True),
                head_bias=bias,
                embedding_scale=width**0.5 if config.flag("input_emb_norm", False) else 1.0,
                logit_scale=width**-0.5 if config.flag("scale_logits", False) else 1.0,
            ),
        ),
        names=NAMES,
        mask_id=config.mask_id(126336),
        context_tokens=config.integer("max_sequence_length", 4096),
        instruct=config.is_called("instruct", "llada-1.5"),
    )


def _kv_heads(config: ConfigFile, heads: int) -> int:
    if config.has("n_kv_heads"):
        return config.integer("n_kv_heads")
    return 1 if config.flag("multi_query_attention", False) else heads
