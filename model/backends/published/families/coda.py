"""CoDA-1.7B (arXiv 2510.03270): Qwen3 made bidirectional, logits shifted by one.

Instruct is asked by its chat template: the text with its gaps is the assistant's message.
"""

from __future__ import annotations

from model.backends.published.config_file import ConfigFile
from model.backends.published.families.family import LLAMA_NAMES, Family
from model.backends.published.families.llama_like import qwen3

TRAINED_TOKENS = 4096


def read(config: ConfigFile) -> Family | None:
    """The family, if this is one of its checkpoints."""
    if config.model_type != "coda" and "coda" not in config.architecture.lower():
        return None
    heads = config.integer("num_attention_heads", 16)
    return Family(
        title="CoDA",
        config=qwen3(config, head_size=max(1, config.integer("hidden_size", 2048) // heads)),
        names=LLAMA_NAMES,
        mask_id=config.mask_id(151669),
        context_tokens=min(TRAINED_TOKENS, config.integer("max_position_embeddings", 40960)),
        shift=True,
        instruct=config.is_called("instruct"),
    )
