"""Holes as users make them: whole lines, the rest of a line, what stands between brackets, a stretch inside a line,
and what the syntax makes one piece (see `model.train.syntax`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.tokenizer import RESERVED_TOKENS, Tokenizer

Ids = NDArray[np.int64]
KINDS = (("lines", 0.38), ("rest", 0.22), ("brackets", 0.05), ("span", 0.15), ("syntax", 0.2))
CANVAS_SIZES = (32, 64, 128)
"""The canvases that the engine uses, with their slack: tight ones teach a model that every canvas is full."""


class TokenKinds:
    """What the hole sampler must know of the vocabulary: line breaks, blanks, brackets."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        data = [tokenizer.token_bytes(i).strip(b" ") for i in range(tokenizer.vocab_size)]
        self.newline = np.asarray([d in (b"\n", b"\r\n", b"\r") for d in data])
        self.blank = np.asarray([not d.strip() for d in data])
        self.opens = {i: {b"(": b")", b"[": b"]", b"{": b"}"}[d] for i, d in enumerate(data) if d in (b"(", b"[", b"{")}
        self.closes = {i: d for i, d in enumerate(data) if d in (b")", b"]", b"}")}


def _bracket_pairs(ids: Ids, kinds: TokenKinds) -> list[tuple[int, int]]:
    """(first token, end) of what stands between brackets that match."""
    stack: list[tuple[bytes, int]] = []
    pairs = []
    for at, token in enumerate(ids.tolist()):
        if token in kinds.opens:
            stack.append((kinds.opens[token], at))
        elif token in kinds.closes and stack and stack[-1][0] == kinds.closes[token]:
            _, start = stack.pop()
            if at > start + 1:
                pairs.append((start + 1, at))
    return pairs


class HoleSampler:
    """Draws holes of one window. `ids` int64 [n]; `syntax` int64 [k, 2], its holes by syntax."""

    def __init__(self, ids: Ids, kinds: TokenKinds, rng: np.random.Generator, syntax: Ids | None = None) -> None:
        self.ids, self.kinds, self.rng = ids, kinds, rng
        self.syntax = np.empty((0, 2), dtype=np.int64) if syntax is None else syntax
        breaks = np.flatnonzero(kinds.newline[ids])
        starts, ends = breaks[:-1] + 1, breaks[1:]
        text = np.concatenate([[0], np.cumsum(~kinds.blank[ids])])
        full = text[ends] > text[starts]
        self.starts, self.ends = starts[full], ends[full]
        self.pairs = _bracket_pairs(ids, kinds)

    def draw(self) -> tuple[str, int, int] | None:
        """Kind, first token and end of one hole; None if this try found none."""
        kind = str(self.rng.choice([k for k, _ in KINDS], p=[p for _, p in KINDS]))
        if kind == "syntax" and not len(self.syntax):
            kind = "lines"
        hole = self._by_kind(kind)
        if hole is None:
            return None
        start, end = hole
        usable = 0 < start < end < len(self.ids) and not np.any(self.ids[start:end] < RESERVED_TOKENS)
        return (kind, start, end) if usable and end - start < CANVAS_SIZES[-1] else None

    def _by_kind(self, kind: str) -> tuple[int, int] | None:
        if kind == "syntax":
            return self._by_syntax()
        return self._brackets() if kind == "brackets" else self._in_lines(kind)

    def _by_syntax(self) -> tuple[int, int]:
        start, end = self.syntax[int(self.rng.integers(len(self.syntax)))]
        return int(start), int(end)

    def _brackets(self) -> tuple[int, int] | None:
        return self.pairs[int(self.rng.integers(len(self.pairs)))] if self.pairs else None

    def _in_lines(self, kind: str) -> tuple[int, int] | None:
        """Some lines, the rest of a line, or a span inside one."""
        if not len(self.starts):
            return None
        line = int(self.rng.integers(len(self.starts)))
        start, end = int(self.starts[line]), int(self.ends[line])
        if kind == "lines":
            more = 0 if self.rng.random() < 0.6 else int(self.rng.geometric(0.35))
            return start, int(self.ends[min(line + more, len(self.ends) - 1)])
        start = int(self.rng.integers(start, end))
        if kind == "span":
            end = min(end, start + int(self.rng.geometric(0.3)))
        return start, end
