"""SDAR (arXiv 2510.06303): Qwen3, dense or with experts, causal from block to block of 4 tokens, no shift.

What stands after a gap is told by Qwen's fill-in-the-middle tokens.
Chat checkpoints are asked so, too: a chat template has no place for what stands after a gap.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from model.backends.published.config_file import ConfigFile
from model.backends.published.families.family import EXPERTS_FEED, LLAMA_NAMES, Family, fim_prompt
from model.backends.published.families.llama_like import qwen3
from model.backends.published.networks.experts import ExpertsConfig

BLOCK = 4
USED_TOKENS = 4096
MOE_NAMES: Final = MappingProxyType({**LLAMA_NAMES, **EXPERTS_FEED})


def read(config: ConfigFile) -> Family | None:
    """The family, if this is one of its checkpoints."""
    if config.model_type not in {"sdar", "sdar-moe"}:
        return None
    sparse = config.model_type == "sdar-moe"
    return Family(
        title="SDAR",
        config=qwen3(config, experts=_experts(config) if sparse else None),
        names=MOE_NAMES if sparse else LLAMA_NAMES,
        mask_id=config.mask_id(151669),
        context_tokens=min(USED_TOKENS, config.integer("max_position_embeddings", 32768)),
        block_tokens=config.integer("block_size", BLOCK),
        end_of_hole_id=config.optional_id("eos_token_id"),
        fim=fim_prompt(config, "<|fim_{}|>"),
    )


def _experts(config: ConfigFile) -> ExpertsConfig:
    return ExpertsConfig(
        count=config.integer("num_experts", config.integer("num_local_experts", 128)),
        active=config.integer("num_experts_per_tok", 8),
        feed_forward=config.integer("moe_intermediate_size", 768),
        normalised=config.flag("norm_topk_prob", False),
    )
