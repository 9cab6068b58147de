"""Tiny-A2D (dllm's "AR to diffusion"): Qwen2, Qwen3 or Llama made bidirectional, no shift; mdlm or bd3lm (blocks).

They were tuned on chats and are asked by their chat template: the text with its gaps is the assistant's message.
"""

from __future__ import annotations

from model.backends.published.config_file import ConfigFile
from model.backends.published.families.family import LLAMA_NAMES, Family
from model.backends.published.families.llama_like import llama, qwen2, qwen3

TRAINED_TOKENS = 2048
BD3LM_BLOCK = 32


def read(config: ConfigFile) -> Family | None:
    """The family, if this is one of its checkpoints."""
    if config.model_type == "a2d-qwen2":
        head_size = config.integer("head_dim") if config.has("head_dim") else None
        decoder = qwen2(config, head_size=head_size)
    elif config.model_type == "a2d-qwen3":
        decoder = qwen3(config)
    elif config.model_type == "a2d-llama":
        decoder = llama(config)
    else:
        return None
    block = config.integer("block_size") if config.has("block_size") else None
    if block is None and "bd3lm" in config.names:
        block = BD3LM_BLOCK
    return Family(
        title="A2D",
        config=decoder,
        names=LLAMA_NAMES,
        mask_id=config.mask_id(None),
        context_tokens=min(TRAINED_TOKENS, config.integer("max_position_embeddings", TRAINED_TOKENS)),
        shift=config.flag("right_shift_logits", False),
        block_tokens=block,
        end_of_hole_id=None if block is None else config.optional_id("eos_token_id"),
        instruct=not config.is_called("base"),
    )
