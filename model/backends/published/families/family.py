"""What a family of published checkpoints says of itself, and what families have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from model.backends.published.config_file import ConfigFile
from model.backends.published.networks.decoder import DecoderConfig
from model.backends.published.networks.layers import ACTIVATIONS

MOST_LAYERS, MOST_EXPERTS = 1000, 4096


@dataclass(frozen=True, kw_only=True)
class TensorTarget:
    """Where a tensor goes: into `parameters` (split by rows if there are several).

    Names hold {n} for the layer and {e} for the expert; both `.weight` and `.bias` follow them, unless `exact`.
    `half`: a stack of experts takes it as its upper (0) or lower (1) rows, None as all of them.
    """

    parameters: tuple[str, ...]
    exact: bool = False
    half: int | None = None


@dataclass(frozen=True, kw_only=True)
class FimPrompt:
    """Tokens by which a left-to-right model is told the text after a gap. suffix_first: it stands before the prefix."""

    prefix: int
    suffix: int
    middle: int
    suffix_first: bool = False


@dataclass(frozen=True, kw_only=True)
class Family:
    """A checkpoint as its family understands it. See `model.backend.ModelSpec` for the ids.

    names: target by name in the file. context_tokens: the longest text it was trained on.
    block_tokens: how it is used; `LoadedModel.full_logits` looks at everything all the same.
    instruct: it was tuned on chats, and is asked by its chat template (`model.backends.published.template`).
    """

    title: str
    config: DecoderConfig
    names: Mapping[str, TensorTarget]
    mask_id: int
    context_tokens: int
    shift: bool = False
    block_tokens: int | None = None
    end_of_hole_id: int | None = None
    expand_id: int | None = None
    delete_id: int | None = None
    start_ids: tuple[int, ...] = ()
    end_ids: tuple[int, ...] = ()
    fim: FimPrompt | None = None
    instruct: bool = False


def into(*parameters: str) -> TensorTarget:
    """The parameters (with `.weight` and `.bias`) that take a tensor, in order of its rows."""
    return TensorTarget(parameters=parameters)


DENSE_FEED: Final = MappingProxyType(
    {
        "model.layers.{n}.mlp.gate_proj": into("blocks.{n}.gate"),
        "model.layers.{n}.mlp.up_proj": into("blocks.{n}.up"),
        "model.layers.{n}.mlp.down_proj": into("blocks.{n}.down"),
    }
)
EXPERTS_FEED: Final = MappingProxyType(
    {
        "model.layers.{n}.mlp.gate.weight": TensorTarget(parameters=("blocks.{n}.experts.router.weight",), exact=True),
        "model.layers.{n}.mlp.experts.{e}.gate_proj.weight": TensorTarget(
            parameters=("blocks.{n}.experts.gate_up",), exact=True, half=0
        ),
        "model.layers.{n}.mlp.experts.{e}.up_proj.weight": TensorTarget(
            parameters=("blocks.{n}.experts.gate_up",), exact=True, half=1
        ),
        "model.layers.{n}.mlp.experts.{e}.down_proj.weight": TensorTarget(
            parameters=("blocks.{n}.experts.down",), exact=True
        ),
    }
)
LLAMA_NAMES: Final = MappingProxyType(
    {
        "model.embed_tokens": into("embedding"),
        "model.layers.{n}.input_layernorm": into("blocks.{n}.attention_norm"),
        "model.layers.{n}.self_attn.q_proj": into("blocks.{n}.attention.q"),
        "model.layers.{n}.self_attn.k_proj": into("blocks.{n}.attention.k"),
        "model.layers.{n}.self_attn.v_proj": into("blocks.{n}.attention.v"),
        "model.layers.{n}.self_attn.o_proj": into("blocks.{n}.attention.o"),
        "model.layers.{n}.self_attn.q_norm": into("blocks.{n}.attention.q_norm"),
        "model.layers.{n}.self_attn.k_norm": into("blocks.{n}.attention.k_norm"),
        "model.layers.{n}.post_attention_layernorm": into("blocks.{n}.feed_norm"),
        **DENSE_FEED,
        "model.norm": into("norm"),
        "lm_head": into("head"),
    }
)
"""Names of Llama, Qwen2, Qwen3 and what derives from them."""


def activation(config: ConfigFile, key: str = "hidden_act") -> str:
    """The name of the feed-forward's activation."""
    name = config.text(key, "silu")
    if name not in ACTIVATIONS:
        raise config.refusal(f"{key} {name!r} is not supported, only {', '.join(ACTIVATIONS)}")
    return name


def rotary_width(config: ConfigFile, head_width: int, *, default: float = 1.0) -> int:
    """How many channels of a head are rotated."""
    return int(head_width * config.rotary_fraction(default))


def fim_prompt(config: ConfigFile, pattern: str, *, suffix_first: bool = False) -> FimPrompt | None:
    """The fill-in-the-middle tokens, named by `pattern`; None if the tokenizer has not all three."""
    prefix, suffix, middle = (config.token_id(pattern.format(part)) for part in ("prefix", "suffix", "middle"))
    if prefix is None or suffix is None or middle is None:
        return None
    return FimPrompt(prefix=prefix, suffix=suffix, middle=middle, suffix_first=suffix_first)


def checked(config: ConfigFile, c: DecoderConfig) -> DecoderConfig:
    """The sizes, if they fit each other; otherwise raises UnknownModel."""
    if not c.head_size and c.width % c.heads:
        raise config.refusal(f"a width of {c.width} does not divide into {c.heads} heads")
    if c.heads % c.kv_heads:
        raise config.refusal(f"{c.heads} heads do not divide by {c.kv_heads} heads of keys and values")
    if c.layers > MOST_LAYERS:
        raise config.refusal(f"{c.layers} layers are more than the {MOST_LAYERS} that a network may have")
    if c.rotary_width < 2 or c.rotary_width % 2:
        raise config.refusal(f"{c.rotary_width} rotated channels of a head: an even number above 0 is needed")
    e = c.experts
    if e is not None:
        if e.count > MOST_EXPERTS or e.count % e.groups or e.active_groups > e.groups:
            raise config.refusal(
                f"{e.count} experts in {e.groups} groups, {e.active_groups} of them in use, do not fit"
            )
        if e.active > e.count // e.groups * e.active_groups:
            raise config.refusal(f"{e.active} experts per token are more than the groups in use have")
    return c
