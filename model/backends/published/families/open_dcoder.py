"""Open-dCoder-0.5B: Qwen2.5-Coder made bidirectional, logits shifted by one, saved under Qwen2's own name.

No chat template: it was trained on code alone.
"""

from __future__ import annotations

from model.backends.published.config_file import ConfigFile
from model.backends.published.families.family import LLAMA_NAMES, Family
from model.backends.published.families.llama_like import qwen2

TRAINED_TOKENS = 4096


def read(config: ConfigFile) -> Family | None:
    """The family, if this is one of its checkpoints; a plain Qwen2 has no mask, and is not."""
    if config.model_type != "qwen2":
        return None
    if not config.has_mask:
        raise config.refusal(
            "a left-to-right Qwen2 cannot fill gaps; if it is a diffusion checkpoint, add mask_token_id to its config.json"
        )
    head_size = config.integer("head_dim") if config.has("head_dim") else None
    return Family(
        title="Open-dCoder",
        config=qwen2(config, head_size=head_size),
        names=LLAMA_NAMES,
        mask_id=config.mask_id(None),
        context_tokens=min(TRAINED_TOKENS, config.integer("max_position_embeddings", 32768)),
        shift=True,
    )
