"""How models that write from left to right are told what stands after a gap: special tokens around prefix and suffix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class FimFormat:
    """Special tokens by their text; the order is prefix, suffix, middle. `ends`: those that end a text, if there are such."""

    title: str
    prefix: str
    suffix: str
    middle: str
    ends: tuple[str, ...]

    def prompt(self, prefix: Sequence[int], suffix: Sequence[int], *, ids: Mapping[str, int]) -> list[int]:
        """The prompt's ids, of the ids of the text on both sides; `ids` of the special tokens."""
        return [ids[self.prefix], *prefix, ids[self.suffix], *suffix, ids[self.middle]]


FORMATS: Final = (
    FimFormat(  # Qwen2.5-Coder technical report (arXiv 2409.12186), section 3.1
        title="Qwen2.5-Coder",
        prefix="<|fim_prefix|>",
        suffix="<|fim_suffix|>",
        middle="<|fim_middle|>",
        ends=("<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>", "<|repo_name|>",
              "<|file_sep|>", "<|im_end|>"),
    ),
    FimFormat(  # StarCoder 2 (arXiv 2402.19173), section 5.1
        title="StarCoder",
        prefix="<fim_prefix>",
        suffix="<fim_suffix>",
        middle="<fim_middle>",
        ends=("<|endoftext|>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<fim_pad>", "<file_sep>"),
    ),
    FimFormat(  # SantaCoder (arXiv 2301.03988), section 5
        title="SantaCoder",
        prefix="<fim-prefix>",
        suffix="<fim-suffix>",
        middle="<fim-middle>",
        ends=("<|endoftext|>", "<fim-prefix>", "<fim-suffix>", "<fim-middle>", "<fim-pad>"),
    ),
)  # fmt: skip


def format_of(vocabulary: Mapping[str, int]) -> FimFormat | None:
    """The format whose tokens the vocabulary has."""
    return next((f for f in FORMATS if {f.prefix, f.suffix, f.middle} <= vocabulary.keys()), None)
