"""Training windows of the one-canvas layouts: text with masks in it, and no pass over the text that holes could share.

Half of the windows are masked anywhere, at one rate each (Nie et al. 2025, LLaDA): the densest signal that this
layout has. The other half have holes as users make them, several to a window, with the canvases of the layout
that ships: slack, ends of hole, noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from model.tokenizer import END_ID, MASK_ID, RESERVED_TOKENS
from model.train.holes import HoleSampler, Ids, TokenKinds
from model.train.slots import CanvasWriter
from model.train.tokens import Tokens
from model.train.windows import Shape, Windows

ANYWHERE_SHARE = 0.5
HOLE_SHARE = 0.4
"""At most so much of a window is canvas."""


@dataclass(frozen=True, kw_only=True)
class CanvasBatch:
    """ids int64 [B, T]: what the network reads. visible bool [B, T]: text of the context, shown as it is.

    row int64 [B, R]: positions to predict, their `target` int64 and `weight` float32 (0: a row that only fills up).
    text_alone: no masks, next tokens are predicted.
    """

    ids: torch.Tensor
    visible: torch.Tensor
    row: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor
    text_alone: bool


@dataclass
class _Row:
    """One window on its way: what is read, what is right, how much a miss weighs, what may be copied."""

    ids: Ids
    target: Ids
    weight: NDArray[np.float32]
    visible: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class _Hole:
    """A stretch of text, and the canvas that takes its place: what belongs on it, what of it is masked."""

    start: int
    end: int
    content: Ids
    masked: NDArray[np.bool_]

    def row(self) -> _Row:
        weight = self.masked.astype(np.float32)
        weight[self.end - self.start + 1 :] *= 0.1  # the first end says it all
        nothing = np.zeros(len(self.content), dtype=bool)
        return _Row(np.where(self.masked, MASK_ID, self.content), self.content, weight, nothing)


class CanvasWindows(Dataset[CanvasBatch]):
    """Batch number i is a function of (seed, i) alone."""

    def __init__(self, tokens: Tokens, kinds: TokenKinds, shape: Shape, *, seed: int, text_alone: bool) -> None:
        self.kinds, self.shape, self.seed, self.text_alone = kinds, shape, seed, text_alone
        self.text = Windows(tokens, kinds, Shape(batch=shape.batch, window=shape.window, canvas=0), seed=seed)

    def __len__(self) -> int:
        return 2**31

    def __getitem__(self, index: int) -> CanvasBatch:
        if self.text_alone:
            ids = self.text[index].ids
            nothing = ids[:, :0]
            return CanvasBatch(ids=ids, visible=ids >= 0, row=nothing, target=nothing, weight=nothing.float(),
                               text_alone=True)  # fmt: skip
        rng = np.random.default_rng([self.seed, index])
        rows = [self._packed(self._row(rng), rng) for _ in range(self.shape.batch)]
        stacked = {n: torch.from_numpy(np.stack([r[n] for r in rows])) for n in rows[0]}
        return CanvasBatch(**stacked, text_alone=False)

    def _row(self, rng: np.random.Generator) -> _Row:
        text, syntax = self.text.window(rng)
        made = self._holes(text, syntax, rng) if rng.random() >= ANYWHERE_SHARE else None
        return _padded(made or _masked_anywhere(text, rng), self.shape.window)

    def _packed(self, row: _Row, rng: np.random.Generator) -> dict[str, NDArray[np.generic]]:
        """The rows with loss, half a window at most (drawn if there are more), filled up with rows of weight 0."""
        size = self.shape.window // 2
        chosen = np.flatnonzero(row.weight[1:] > 0) + 1
        if len(chosen) > size:
            chosen = np.sort(rng.choice(chosen, size, replace=False))
        at = np.ones(size, dtype=np.int64)
        at[: len(chosen)] = chosen
        weight = row.weight[at] * (np.arange(size) < len(chosen))
        return {"ids": row.ids, "visible": row.visible, "row": at, "target": row.target[at], "weight": weight}

    def _holes(self, text: Ids, syntax: Ids, rng: np.random.Generator) -> _Row | None:
        """Holes with their canvases in place of some stretches; None if none were found that fit."""
        room = int(HOLE_SHARE * self.shape.window)
        writer = CanvasWriter(0, rng)
        sampler = HoleSampler(text, self.kinds, rng, syntax)
        holes: list[_Hole] = []
        for _ in range(8):
            drawn = sampler.draw()
            if drawn is None:
                continue
            _, start, end = drawn
            if any(start <= h.end and h.start <= end for h in holes):
                continue
            noise, rate = int(rng.choice(3, p=[0.25, 0.25, 0.5])), rng.random()
            content, masked = writer.corrupted(text[start:end], writer.canvas_size(end - start), noise=noise, rate=rate)
            if len(content) <= room:
                room -= len(content)
                holes.append(_Hole(start=start, end=end, content=content, masked=masked))
        return _spliced(text, sorted(holes, key=lambda h: h.start), self.shape.window, rng) if holes else None


def _masked_anywhere(text: Ids, rng: np.random.Generator) -> _Row:
    masked = (rng.random(len(text)) < rng.uniform(0.05, 1.0)) & (text >= RESERVED_TOKENS)
    weight = masked.astype(np.float32)
    return _Row(np.where(masked, MASK_ID, text), text, weight, ~masked)


def _spliced(text: Ids, holes: list[_Hole], size: int, rng: np.random.Generator) -> _Row:
    """The text with canvases in place of the holes, cut down to `size` at its ends, where there are no canvases."""
    extra = len(text) + sum(len(h.content) - (h.end - h.start) for h in holes) - size
    before, after = holes[0].start - 1, len(text) - holes[-1].end
    if extra > before + after:
        return _spliced(text, holes[:-1], size, rng) if len(holes) > 1 else _masked_anywhere(text, rng)
    parts, at = [], 0
    for hole in holes:
        parts += [_shown(text[at : hole.start]), hole.row()]
        at = hole.end
    parts.append(_shown(text[at:]))
    cut = int(np.clip(rng.integers(0, extra + 1), extra - after, before)) if extra > 0 else 0
    joined = {n: np.concatenate([getattr(p, n) for p in parts])[cut : cut + size] for n in parts[0].__dict__}
    return _Row(**joined)


def _shown(text: Ids) -> _Row:
    return _Row(text, text, np.zeros(len(text), dtype=np.float32), np.ones(len(text), dtype=bool))


def _padded(row: _Row, size: int) -> _Row:
    """Filled up at its end, as the windows of the layout that ships are."""
    more = max(0, size - len(row.ids))
    return _Row(
        np.pad(row.ids, (0, more), constant_values=END_ID),
        np.pad(row.target, (0, more), constant_values=END_ID),
        np.pad(row.weight, (0, more)),
        np.pad(row.visible, (0, more), constant_values=False),
    )
