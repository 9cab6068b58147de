"""Tokenizers side by side: how dense, and how often a place where a hole begins or ends falls between two tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.tokenizer import Tokenizer

PLACES = {
    "line start, after the indentation": rb"(?<=\n)[ \t]*(?=[^ \t\n])",
    "line end": rb"(?=\n)",
    "after an opening bracket": rb"(?<=[(\[{])(?=[^\n])",
    "before a closing bracket": rb"(?=[)\]}])",
    "after a comma": rb"(?<=,)",
    "after a dot": rb"(?<=\w\.)(?=\w)",
    "after an identifier's part (snake_|case, camel|Case)": rb"(?<=\w_)(?=[a-zA-Z])|(?<=[a-z])(?=[A-Z])",
    "inside a word, any letter": rb"(?<=[a-zA-Z])(?=[a-zA-Z])",
}
"""Places as regular expressions over bytes; the end of the match is the place."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of one tokenizer: vocabulary, characters per token, bytes of the embedding, share of aligned places."""

    vocab_size: int
    characters_per_token: float
    embedding_bytes: int
    aligned: dict[str, float]


def boundaries(text: bytes, tokenizer: Tokenizer) -> np.ndarray:
    """Bool [len + 1]: whether a token of `text` (whole, from a line start) begins or ends there."""
    lengths = [len(tokenizer.token_bytes(int(i))) for i in tokenizer.encode(text.decode(), at_line_start=True)]
    marks = np.zeros(len(text) + 1, dtype=bool)
    marks[np.concatenate([[0], np.cumsum(lengths)])] = True
    return marks


def figures(texts: Sequence[str], tokenizer: Tokenizer, *, width: int) -> Figures:
    """See `Figures`; `width` channels of bfloat16 make an embedding."""
    tokens, characters = 0, 0
    hits, places = dict.fromkeys(PLACES, 0), dict.fromkeys(PLACES, 0)
    for text in texts:
        data = text.encode()
        marks = boundaries(data, tokenizer)
        tokens += int(marks.sum()) - 1
        characters += len(text)
        for name, pattern in PLACES.items():
            at = [m.end() for m in re.finditer(pattern, data)]
            hits[name] += int(marks[at].sum()) if at else 0
            places[name] += len(at)
    return Figures(
        vocab_size=tokenizer.vocab_size,
        characters_per_token=characters / max(1, tokens),
        embedding_bytes=2 * width * tokenizer.vocab_size,
        aligned={name: hits[name] / places[name] for name in PLACES if places[name]},
    )


def table(rows: Sequence[Figures]) -> str:
    """Markdown, one column a tokenizer."""
    lines = ["| | " + " | ".join(f"{row.vocab_size:,}" for row in rows) + " |", "|---|" + "---|" * len(rows)]
    lines.append("| characters per token | " + " | ".join(f"{r.characters_per_token:.3f}" for r in rows) + " |")
    lines.append("| embedding, bfloat16 | " + " | ".join(f"{r.embedding_bytes / 1e6:.1f} MB" for r in rows) + " |")
    for name in rows[0].aligned:
        cells = " | ".join(f"{100 * r.aligned[name]:.1f}" if name in r.aligned else "–" for r in rows)
        lines.append(f"| aligned %: {name} | {cells} |")
    return "\n".join(lines) + "\n"
