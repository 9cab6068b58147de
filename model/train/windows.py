"""Windows of text with holes cut into them, as the network is trained on them.

A window is one stretch of one file. Any number of holes share it, because the streams' states do not depend
on where a hole is; some windows carry two or three holes that are filled jointly.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from model.tokenizer import END_ID, GAP_ID
from model.train.holes import CANVAS_SIZES, HoleSampler, Ids, TokenKinds
from model.train.slots import CanvasWriter
from model.train.tokens import Tokens


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes of a batch. `window` and `canvas` in tokens; `canvas` 0 leaves the streams alone."""

    batch: int
    window: int
    canvas: int


@dataclass(frozen=True, kw_only=True)
class Batch:
    """ids int64 [B, T]; everything else int64 [B, C], one entry a canvas token.

    canvas: input ids. target: what the output at this token must predict. weight: float32, 0 without loss.
    left: number of stream tokens left of the hole; right: index of the first stream token right of it.
    position: as in `two_streams.Layout`. slot: tokens of one slot see each other (-1: unused). causal: 1 if only
    those left of itself.
    """

    ids: torch.Tensor
    canvas: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor
    left: torch.Tensor
    right: torch.Tensor
    position: torch.Tensor
    slot: torch.Tensor
    causal: torch.Tensor

    def to(self, device: torch.device) -> Batch:
        """The same on `device`."""
        return Batch(**{f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)})


def _without(ids: Ids, holes: list[tuple[str, int, int]]) -> tuple[Ids, list[tuple[int, int]]]:
    """`ids` with a gap token in place of each hole (sorted, apart), and where those stand: (left, right)."""
    pieces, at, where, length = [], 0, [], 0
    for _, start, end in holes:
        pieces += [ids[at:start], np.asarray([GAP_ID])]
        length += start - at + 1
        where.append((length - 1, length))
        at = end
    return np.concatenate([*pieces, ids[at:]]), where


class Windows(Dataset[Batch]):
    """Batch number i is a function of (seed, i) alone: resuming is counting on, and workers may share."""

    def __init__(self, tokens: Tokens, kinds: TokenKinds, shape: Shape, *, seed: int, joint: float = 0.15) -> None:
        self.tokens, self.kinds, self.shape, self.seed, self.joint = tokens, kinds, shape, seed, joint

    def __len__(self) -> int:
        return 2**31

    def __getitem__(self, index: int) -> Batch:
        rng = np.random.default_rng([self.seed, index])
        rows = [self._row(rng) for _ in range(self.shape.batch)]
        stacked = {n: torch.from_numpy(np.stack([r[n] for r in rows])) for n in rows[0]}
        return Batch(**stacked)

    def window(self, rng: np.random.Generator) -> tuple[Ids, Ids]:
        """A stretch of at most `shape.window` tokens of one file, files drawn by length, and its holes by syntax."""
        offsets, size = self.tokens.offsets, self.shape.window
        at = int(rng.integers(offsets[-1]))
        file = int(np.searchsorted(offsets, at, side="right")) - 1
        first, last = int(offsets[file]), int(offsets[file + 1])
        start = max(first, min(at - size // 2, last - size))
        end = min(start + size, last)
        return self.tokens.ids[start:end].astype(np.int64), self.tokens.holes_within(start, end)

    def _row(self, rng: np.random.Generator) -> dict[str, NDArray[np.int64] | NDArray[np.float32]]:
        ids, syntax = self.window(rng)
        writer = CanvasWriter(self.shape.canvas, rng)
        if self.shape.canvas:
            ids = self._fill(ids, syntax, writer, rng)
        padded = np.full(self.shape.window, END_ID, dtype=np.int64)
        padded[: len(ids)] = ids
        return {"ids": padded, "weight": writer.weight, **writer.arrays}

    def _fill(self, ids: Ids, syntax: Ids, writer: CanvasWriter, rng: np.random.Generator) -> Ids:
        """Slots until the canvas is full; the window's text, in which joint holes have become gaps."""
        if rng.random() < self.joint:
            cut = self._joint(ids, syntax, writer, rng)
            ids, syntax = cut, syntax if cut is ids else syntax[:0]  # gaps have moved what stands behind them
        sampler = HoleSampler(ids, self.kinds, rng, syntax)
        misses = 0
        while misses < 12:
            drawn = sampler.draw()
            if drawn is None:
                misses += 1
                continue
            _, start, end = drawn
            before, content, hole = int(ids[start - 1]), ids[start:end], (start, end)
            # Half of the canvas goes to each mode; a score slot is about a third as long.
            if rng.random() < 0.72:
                misses += not writer.score(before, content, hole)
            else:
                misses += not writer.denoise([(before, content, hole)])
        return ids

    def _joint(self, ids: Ids, syntax: Ids, writer: CanvasWriter, rng: np.random.Generator) -> Ids:
        """Two or three holes that see each other, if the draw yields them; the text with gaps in their place."""
        drawn = [h for h in (HoleSampler(ids, self.kinds, rng, syntax).draw() for _ in range(4)) if h is not None]
        drawn = sorted((h for h in drawn if h[2] - h[1] < CANVAS_SIZES[0]), key=lambda h: h[1])[:3]
        if len(drawn) < 2 or not all(a[2] < b[1] for a, b in pairwise(drawn)):
            return ids
        rest, where = _without(ids, drawn)
        writer.denoise(
            [(int(rest[w[0] - 1]), ids[h[1] : h[2]], w) for h, w in zip(drawn, where, strict=True)],
        )
        return rest
