"""Llama, Qwen2 and Qwen3 made to denoise: how each of their `config.json`s reads, for the families built on them."""

from __future__ import annotations

from model.backends.published.config_file import ConfigFile
from model.backends.published.families.family import activation, checked, rotary_width
from model.backends.published.networks.decoder import DecoderConfig
from model.backends.published.networks.experts import ExpertsConfig


def qwen2(config: ConfigFile, *, head_size: int | None = None) -> DecoderConfig:
    """Biases on queries, keys and values; heads of `width / heads` channels, unless told otherwise."""
    width, heads = config.integer("hidden_size", 4096), config.integer("num_attention_heads", 32)
    head_width = head_size or max(1, width // heads)
    return checked(
        config,
        DecoderConfig(
            vocab_size=config.integer("vocab_size", 151936),
            width=width,
            layers=config.integer("num_hidden_layers", 32),
            heads=heads,
            kv_heads=config.integer("num_key_value_heads", heads),
            head_size=head_size,
            feed_forward=config.integer("intermediate_size", 22016),
            norm_eps=config.number("rms_norm_eps", 1e-6),
            rope_theta=config.rope_theta(10_000.0),
            rotary_width=rotary_width(config, head_width),
            qkv_bias=True,
            activation=activation(config),
            tied_embeddings=config.flag("tie_word_embeddings", False),
        ),
    )


def qwen3(config: ConfigFile, *, head_size: int = 128, experts: ExpertsConfig | None = None) -> DecoderConfig:
    """Norms on queries and keys, head by head; the head's width is its own; biases on all four or none."""
    width, heads = config.integer("hidden_size", 4096), config.integer("num_attention_heads", 32)
    head_width = config.integer("head_dim", head_size)
    bias = config.flag("attention_bias", False)
    sparse_step = config.integer("decoder_sparse_step", 1) if experts else 1
    layers = config.integer("num_hidden_layers", 32)
    dense = set(config.integers("mlp_only_layers", [])) | {n for n in range(layers) if (n + 1) % sparse_step}
    return checked(
        config,
        DecoderConfig(
            vocab_size=config.integer("vocab_size", 151936),
            width=width,
            layers=layers,
            heads=heads,
            kv_heads=config.integer("num_key_value_heads", heads),
            head_size=head_width,
            feed_forward=config.integer("intermediate_size", 22016),
            norm_eps=config.number("rms_norm_eps", 1e-6),
            rope_theta=config.rope_theta(10_000.0),
            rotary_width=rotary_width(config, head_width),
            qkv_bias=bias,
            out_bias=bias,
            qk_norm=True,
            activation=activation(config),
            tied_embeddings=config.flag("tie_word_embeddings", False),
            experts=experts,
            dense_layers=frozenset(dense),
        ),
    )


def llama(config: ConfigFile) -> DecoderConfig:
    """No norms inside attention; biases on attention and feed-forward each all or none."""
    width, heads = config.integer("hidden_size", 4096), config.integer("num_attention_heads", 32)
    head_width = config.integer("head_dim", max(1, width // heads))
    bias = config.flag("attention_bias", False)
    return checked(
        config,
        DecoderConfig(
            vocab_size=config.integer("vocab_size", 32000),
            width=width,
            layers=config.integer("num_hidden_layers", 32),
            heads=heads,
            kv_heads=config.integer("num_key_value_heads", heads),
            head_size=head_width,
            feed_forward=config.integer("intermediate_size", 11008),
            norm_eps=config.number("rms_norm_eps", 1e-6),
            rope_theta=config.rope_theta(10_000.0),
            rotary_width=rotary_width(config, head_width),
            qkv_bias=bias,
            out_bias=bias,
            feed_bias=config.flag("mlp_bias", False),
            activation=activation(config),
            tied_embeddings=config.flag("tie_word_embeddings", False),
        ),
    )
