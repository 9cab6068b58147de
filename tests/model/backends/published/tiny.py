"""A tiny published checkpoint with a tokenizer beside it, as one would download it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tokenizers

from tests.model.backends.published.oracles import Case, sizes

MASK_TOKEN = "<|mask|>"
TEXTS = ["def total(items):\n    return sum(item.value for item in items)\n\n\nclass Shop:\n    name: str\n"] * 4
QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def write_tokenizer(
    directory: Path, *, specials: tuple[str, ...] = ("<|endoftext|>", MASK_TOKEN)
) -> tokenizers.Tokenizer:
    """A byte-level BPE as Qwen's: it joins a blank with the word behind it."""
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(QWEN_SPLIT), behavior="isolated")
    level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bpe.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([split, level])
    bpe.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=290, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    bpe.train_from_iterator(TEXTS, trainer)
    bpe.add_special_tokens(list(specials))
    bpe.save(str(directory / "tokenizer.json"))
    return bpe


def write(directory: Path, *, model_type: str = "Dream", seed: int = 0, **config: Any) -> tokenizers.Tokenizer:
    """A random checkpoint of that type, sized for the tokenizer that is written beside it."""
    directory.mkdir(parents=True, exist_ok=True)
    bpe = write_tokenizer(directory)
    size = bpe.get_vocab_size() + 6  # networks have spare rows
    case = Case(
        kind="Qwen2",
        options=sizes(32, 2, 4, 2, 48) | {"vocab_size": size},
        config={
            "model_type": model_type,
            "mask_token_id": bpe.token_to_id(MASK_TOKEN),
            "eos_token_id": bpe.token_to_id("<|endoftext|>"),
            **config,
        },
    )
    case.write(directory, seed=seed)
    return bpe


def change(path: Path, **values: Any) -> None:
    """Some values of a JSON file replaced; None removes one."""
    kept = json.loads(path.read_text()) | values
    path.write_text(json.dumps({k: v for k, v in kept.items() if v is not None}))
