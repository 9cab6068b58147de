"""Windows of text with holes cut into them, as the network is trained on them.

A window is one stretch of one file. Any number of holes share it, because the streams' states do not depend
on where a hole is. Holes are drawn as users make them: whole lines, the rest of a line, what stands between
brackets, a stretch inside a line; some windows carry two or three holes that are filled jointly.

A slot is one hole (or a joint set) on the canvas, in one of two modes:
- *score*: the content left to right, nothing masked, every token carries loss;
- *denoise*: a canvas longer than the content, partly masked; the masked positions carry loss. Either nothing
  but masks closes it (`open`), or an end-of-hole token stands at its last position (`closed`), as after the
  engine has committed one there.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from model.tokenizer import END_ID, END_OF_HOLE_ID, GAP_ID, MASK_ID, Tokenizer
from model.train.tokens import Tokens

Ids = NDArray[np.int64]
CANVAS_SIZES = (32, 64, 128)
"""The canvases that the engine uses, with their slack: tight ones teach a model that every canvas is full."""
KINDS = (("lines", 0.45), ("rest", 0.25), ("brackets", 0.12), ("span", 0.18))


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
    position: as in `network.Layout`. slot: tokens of one slot see each other (-1: unused). causal: 1 if only
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


class TokenKinds:
    """What the hole sampler must know of the vocabulary: line breaks, blanks, brackets."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        data = [tokenizer.token_bytes(i).strip(b" ") for i in range(tokenizer.vocab_size)]
        self.newline = np.asarray([d in (b"\n", b"\r\n", b"\r") for d in data])
        self.blank = np.asarray([not d.strip() for d in data])
        self.opens = {i: {b"(": b")", b"[": b"]", b"{": b"}"}[d] for i, d in enumerate(data) if d in (b"(", b"[", b"{")}
        self.closes = {i: d for i, d in enumerate(data) if d in (b")", b"]", b"}")}


def _brackets(ids: Ids, kinds: TokenKinds) -> list[tuple[int, int]]:
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
    """Draws holes of one window. `ids` int64 [n]."""

    def __init__(self, ids: Ids, kinds: TokenKinds, rng: np.random.Generator) -> None:
        self.ids, self.kinds, self.rng = ids, kinds, rng
        breaks = np.flatnonzero(kinds.newline[ids])
        starts, ends = breaks[:-1] + 1, breaks[1:]
        text = np.concatenate([[0], np.cumsum(~kinds.blank[ids])])
        full = text[ends] > text[starts]
        self.starts, self.ends, self.all_starts, self.all_ends = starts[full], ends[full], starts, ends
        self.pairs = _brackets(ids, kinds)

    def draw(self) -> tuple[str, int, int] | None:
        """Kind, first token and end of one hole; None if this try found none."""
        kind = self.rng.choice([k for k, _ in KINDS], p=[p for _, p in KINDS])
        if kind == "brackets":
            if not self.pairs:
                return None
            start, end = self.pairs[self.rng.integers(len(self.pairs))]
        else:
            if not len(self.starts):
                return None
            line = self.rng.integers(len(self.starts))
            start, end = int(self.starts[line]), int(self.ends[line])
            if kind == "lines":
                more = 0 if self.rng.random() < 0.6 else int(self.rng.geometric(0.35))
                end = int(self.ends[min(line + more, len(self.ends) - 1)])
            elif kind == "rest":
                start = int(self.rng.integers(start, end))
            else:
                start = int(self.rng.integers(start, end))
                end = min(end, start + int(self.rng.geometric(0.3)))
        usable = 0 < start < end < len(self.ids) and not np.any(self.ids[start:end] < 16)
        return (str(kind), start, end) if usable and end - start < CANVAS_SIZES[-1] else None


class _CanvasWriter:
    """Fills the canvas arrays of one window, slot after slot."""

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        names = ("canvas", "target", "left", "right", "position", "causal")
        self.arrays = {n: np.zeros(size, dtype=np.int64) for n in names}
        self.arrays["slot"] = np.full(size, -1, dtype=np.int64)
        self.weight = np.zeros(size, dtype=np.float32)
        self.size, self.used, self.slots, self.rng = size, 0, 0, rng

    def _put(self, inputs: Ids, targets: Ids, weight: NDArray[np.float32], hole: tuple[int, int], *, causal: bool) -> None:
        at = slice(self.used, self.used + len(inputs))
        left, right = hole
        values = {"canvas": inputs, "target": targets, "left": left, "right": right, "slot": self.slots}
        values |= {"position": left - 1 + np.arange(len(inputs)), "causal": int(causal)}
        for name, value in values.items():
            self.arrays[name][at] = value
        self.weight[at] = weight
        self.used += len(inputs)

    def score(self, before: int, content: Ids, hole: tuple[int, int]) -> bool:
        """A slot in score mode; False if there is no room."""
        if self.used + len(content) + 1 > self.size:
            return False
        inputs = np.concatenate([[before], content])
        targets = np.append(content, END_OF_HOLE_ID)
        self._put(inputs, targets, np.ones(len(inputs), dtype=np.float32), hole, causal=True)
        self.slots += 1
        return True

    def denoise(self, holes: list[tuple[int, Ids, tuple[int, int]]]) -> bool:
        """A slot in denoise mode: one hole, or several that see each other."""
        sizes = [self._canvas_size(len(content)) for _, content, _ in holes]
        if self.used + sum(sizes) + len(sizes) > self.size:
            return False
        noise = self.rng.choice(3, p=[0.25, 0.25, 0.5])
        rate = self.rng.random()
        for size, (before, content, hole) in zip(sizes, holes, strict=True):
            closed = self.rng.random() < 0.4
            if closed:
                size = int(self.rng.integers(len(content), size)) + 1
            targets = np.full(size, END_OF_HOLE_ID, dtype=np.int64)
            targets[: len(content)] = content
            masked = np.ones(size, dtype=bool)
            if noise == 1:
                masked[: self.rng.integers(0, len(content) + 1)] = False
            elif noise == 2:  # noqa: PLR2004
                masked[: len(content)] = self.rng.random(len(content)) < rate
            masked[-1] = not closed
            inputs = np.concatenate([[before], np.where(masked, MASK_ID, targets)])
            weight = masked.astype(np.float32)
            weight[len(content) + 1 :] *= 0.1
            self._put(inputs, np.append(targets, 0), np.append(weight, np.float32(0)), hole, causal=False)
        self.slots += 1
        return True

    def _canvas_size(self, content: int) -> int:
        fits = [s for s in CANVAS_SIZES if s > content]
        larger = len(fits) > 1 and self.rng.random() < 0.3  # noqa: PLR2004
        return fits[1] if larger else fits[0]


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

    def window(self, rng: np.random.Generator) -> Ids:
        """A stretch of at most `shape.window` tokens of one file, files drawn by length."""
        offsets, size = self.tokens.offsets, self.shape.window
        at = int(rng.integers(offsets[-1]))
        file = int(np.searchsorted(offsets, at, side="right")) - 1
        first, last = int(offsets[file]), int(offsets[file + 1])
        start = max(first, min(at - size // 2, last - size))
        return self.tokens.ids[start : min(start + size, last)].astype(np.int64)

    def _row(self, rng: np.random.Generator) -> dict[str, NDArray[np.int64] | NDArray[np.float32]]:
        ids = self.window(rng)
        writer = _CanvasWriter(self.shape.canvas, rng)
        if self.shape.canvas:
            ids = self._fill(ids, writer, rng)
        padded = np.full(self.shape.window, END_ID, dtype=np.int64)
        padded[: len(ids)] = ids
        return {"ids": padded, "weight": writer.weight, **writer.arrays}

    def _fill(self, ids: Ids, writer: _CanvasWriter, rng: np.random.Generator) -> Ids:
        if rng.random() < self.joint:
            drawn = [h for h in (HoleSampler(ids, self.kinds, rng).draw() for _ in range(4)) if h is not None]
            drawn = sorted((h for h in drawn if h[2] - h[1] < CANVAS_SIZES[0]), key=lambda h: h[1])[:3]
            apart = all(a[2] < b[1] for a, b in zip(drawn, drawn[1:], strict=False))
            if len(drawn) > 1 and apart:
                rest, where = _without(ids, drawn)
                holes = [(int(rest[w[0] - 1]), ids[h[1] : h[2]], w) for h, w in zip(drawn, where, strict=True)]
                writer.denoise(holes)
                ids = rest
        sampler = HoleSampler(ids, self.kinds, rng)
        misses = 0
        while misses < 12:  # noqa: PLR2004
            hole = sampler.draw()
            if hole is None:
                misses += 1
                continue
            _, start, end = hole
            before, content, where_ = int(ids[start - 1]), ids[start:end], (start, end)
            # Half of the canvas goes to each mode; a score slot is about a third as long.
            put = writer.score(before, content, where_) if rng.random() < 0.72 else writer.denoise([(before, content, where_)])  # noqa: E501, PLR2004
            misses += not put
        return ids
