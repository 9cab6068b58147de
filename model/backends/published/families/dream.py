"""Dream-7B, Dream-Coder-7B, DiffuCoder-7B and DreamOn-7B: Qwen2.5 made bidirectional, logits shifted by one.

DreamOn adds `<|expand|>` (one mask becomes two) and takes its end of text as "delete this position".
Instruct ones are asked by their chat template, the text with its gaps being the assistant's message; DreamOn is not,
like in its own code.
"""

from __future__ import annotations

from model.backends.published.config_file import ConfigFile
from model.backends.published.families.family import LLAMA_NAMES, Family
from model.backends.published.families.llama_like import qwen2

TRAINED_TOKENS = 2048
DREAMON_EXPAND_ID = 151667


def read(config: ConfigFile) -> Family | None:
    """The family, if this is one of its checkpoints."""
    if config.model_type != "dream":
        return None
    start, end = config.optional_id("bos_token_id"), config.optional_id("eos_token_id")
    expand = config.optional_id("expand_token_id")
    if expand is None:
        expand = config.token_id("<|expand|>")
    if expand is None and "dreamon" in config.names:
        expand = DREAMON_EXPAND_ID
    delete = config.optional_id("delete_token_id")
    return Family(
        title="Dream" if expand is None else "DreamOn",
        config=qwen2(config),
        names=LLAMA_NAMES,
        mask_id=config.mask_id(151666),
        context_tokens=min(TRAINED_TOKENS, config.integer("max_position_embeddings", 32768)),
        shift=True,
        expand_id=expand,
        delete_id=None if expand is None else end if delete is None else delete,
        start_ids=() if start is None else (start,),
        end_ids=() if expand is None or end is None else (end,),
        instruct=expand is None and config.is_called("instruct"),
    )
