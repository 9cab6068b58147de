"""Stable-DiffCoder-8B (arXiv 2601.15892): Seed-Coder's Llama, causal from block to block of 4 tokens, no shift.

Saved under Llama's own name. What stands after a gap is told by Seed-Coder's fill-in-the-middle tokens, suffix first.
Instruct is asked so, too: a chat template has no place for what stands after a gap.
"""

from __future__ import annotations

from model.backends.published.config_file import ConfigFile
from model.backends.published.families.family import LLAMA_NAMES, Family, fim_prompt
from model.backends.published.families.llama_like import llama

BLOCK = 4
TRAINED_TOKENS = 8192


def read(config: ConfigFile) -> Family | None:
    """The family, if this is one of its checkpoints."""
    if config.model_type != "llama" or "diffcoder" not in config.architecture.lower():
        return None
    return Family(
        title="Stable-DiffCoder",
        config=llama(config),
        names=LLAMA_NAMES,
        mask_id=config.mask_id(5),
        context_tokens=min(TRAINED_TOKENS, config.integer("max_position_embeddings", TRAINED_TOKENS)),
        block_tokens=config.integer("block_size", BLOCK),
        end_of_hole_id=config.optional_id("eos_token_id"),
        fim=fim_prompt(config, "<[fim-{}]>", suffix_first=True),
    )
