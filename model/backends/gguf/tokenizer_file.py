"""A vocabulary as the `tokenizer.json` of a model folder, and how texts are parted into words before they are merged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from model.backends.builtin.tokenizer import PATTERN
from model.backends.byte_level import byte_alphabet
from model.backends.gguf.file import GgufVocabulary

BYTES = 256
_LLAMA3 = PATTERN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_SMOLLM = r"\p{N}|" + _GPT2
PATTERNS: Final[Mapping[str, str]] = MappingProxyType(
    {"qwen2": PATTERN, "llama-bpe": _LLAMA3, "llama3": _LLAMA3, "gpt-2": _GPT2, "smollm": _SMOLLM, "starcoder": _SMOLLM}
)
"""How a text is parted, by what GGUF calls `tokenizer.ggml.pre` (llama.cpp, `llama-vocab.cpp`)."""


def write_tokenizer(
    vocabulary: GgufVocabulary, kept: Sequence[int], path: Path, *, pattern: str = PATTERN
) -> Mapping[str, int]:
    """Write a Hugging Face `tokenizer.json` of the kept tokens; return the new ids of the special tokens, behind the others.

    Ids ascend in the order of the merges, so that an id is a merge's rank, too. `pattern` parts a text into words.
    """
    letters = {byte: letter for letter, byte in byte_alphabet().items()}

    def spelled(token: int) -> str:
        return "".join(letters[byte] for byte in vocabulary.tokens[token])

    merges = [[spelled(half) for half in vocabulary.merges[token - BYTES]] for token in kept if token >= BYTES]
    special = {text: len(kept) + n for n, text in enumerate(vocabulary.special)}
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    said = {
        "version": "1.0",
        "added_tokens": [
            {"id": id_, "content": text, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
             "special": True}
            for text, id_ in special.items()
        ],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]},
        "decoder": level,
        "model": {"type": "BPE", "vocab": {spelled(token): n for n, token in enumerate(kept)}, "merges": merges},
    }  # fmt: skip
    path.write_text(json.dumps(said, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
    return special
