"""The canvas: the hole positions of a batch while they are being decided, and the one way to change it.

A canvas holds hole positions only; the context lives in `CachedContext`. What is unresolved is `Canvas.open`,
never `ids == mask_id`: a user's text may contain a mask token's text, and it stays text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

PADDING = -1
_PADDED: Final[Mapping[str, tuple[type, int]]] = MappingProxyType(
    {
        "open": (np.bool_, 0),
        "hole": (np.int64, PADDING),
        "confidence": (np.float32, 0),
        "reopened": (np.int64, 0),
        "since": (np.int64, -1),
    }
)
"""The arrays of a canvas beside `ids`: their type, and what stands in the padding."""


def _unset() -> NDArray[np.int64]:
    return np.empty((0, 0), dtype=np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Decision:
    """What one denoise step changes; every array is [B, L] as the canvas it was made for.

    commit: bool, open positions that take `ids` (int64) with `confidence` (float32, probability).
    reopen: bool, decided positions that become masks again; wins over `commit`.
    delete: bool, positions that disappear.
    insert: int64, how many masks to put before the position, into the same hole.
    """

    commit: NDArray[np.bool_]
    ids: NDArray[np.int64]
    confidence: NDArray[np.float32]
    reopen: NDArray[np.bool_]
    delete: NDArray[np.bool_]
    insert: NDArray[np.int64]

    @classmethod
    def committing(cls, commit: NDArray[np.bool_], ids: NDArray[np.int64], confidence: NDArray[np.float32]) -> Decision:
        """A decision that commits `ids` where `commit` and does nothing else."""
        nowhere = np.zeros(commit.shape, dtype=bool)
        none = np.zeros(commit.shape, dtype=np.int64)
        return cls(commit=commit, ids=ids, confidence=confidence, reopen=nowhere, delete=nowhere, insert=none)

    @classmethod
    def nothing(cls, canvas: Canvas) -> Decision:
        """A decision that leaves `canvas` as it is, for `dataclasses.replace` to add to."""
        return cls.committing(np.zeros_like(canvas.open), canvas.ids, canvas.confidence)

    @property
    def changes(self) -> NDArray[np.bool_]:
        """Bool [B]: rows that the decision alters at all."""
        return np.asarray((self.commit | self.reopen | self.delete | (self.insert > 0)).any(axis=1))


@dataclass(frozen=True, kw_only=True, eq=False)
class Canvas:
    """Positions of hole 0, then of hole 1, …, then padding; rows may differ in length.

    ids: int64 [B, L], `mask_id` where open and in the padding.
    open: bool [B, L], still to be decided.
    hole: int64 [B, L], the hole that the position belongs to; -1 in the padding.
    confidence: float32 [B, L], probability with which the id was committed; 1 if it was given, 0 where open.
    reopened: int64 [B, L], how often the position was decided and then opened again.
    since: int64 [B, L], the denoise step that decided it; -1 if it was given or is open.
    """

    ids: NDArray[np.int64]
    open: NDArray[np.bool_]
    hole: NDArray[np.int64]
    confidence: NDArray[np.float32]
    mask_id: int
    reopened: NDArray[np.int64] = field(default_factory=_unset)
    since: NDArray[np.int64] = field(default_factory=_unset)

    def __post_init__(self) -> None:
        for name in ("reopened", "since"):
            if getattr(self, name).shape != self.ids.shape:
                object.__setattr__(self, name, np.full(self.ids.shape, _PADDED[name][1], dtype=np.int64))
        assert not (self.open & (self.hole == PADDING)).any(), "padding is never open"

    @classmethod
    def masked(cls, lengths: Sequence[int], *, mask_id: int, rows: int = 1) -> Canvas:
        """`rows` equal rows with `lengths[h]` open positions for hole h."""
        hole = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
        shape = (rows, len(hole))
        return cls(
            ids=np.full(shape, mask_id, dtype=np.int64),
            open=np.ones(shape, dtype=bool),
            hole=np.tile(hole, (rows, 1)),
            confidence=np.zeros(shape, dtype=np.float32),
            mask_id=mask_id,
        )

    @classmethod
    def decided(cls, rows: Sequence[Sequence[NDArray[np.int64]]], *, mask_id: int) -> Canvas:
        """`rows[b][h]` are the ids (int64 [n]) of hole h in row b: all given, nothing open."""
        longest = max(sum(len(ids) for ids in row) for row in rows)
        ids = np.full((len(rows), longest), mask_id, dtype=np.int64)
        hole = np.full(ids.shape, PADDING, dtype=np.int64)
        for b, row in enumerate(rows):
            joined = np.concatenate(row) if row else np.empty(0, dtype=np.int64)
            ids[b, : len(joined)] = joined
            hole[b, : len(joined)] = np.repeat(np.arange(len(row)), [len(part) for part in row])
        return cls(
            ids=ids,
            open=np.zeros(ids.shape, dtype=bool),
            hole=hole,
            confidence=(hole != PADDING).astype(np.float32),
            mask_id=mask_id,
        )

    @property
    def rows(self) -> int:
        return int(self.ids.shape[0])

    @property
    def used(self) -> NDArray[np.bool_]:
        """Bool [B, L]: positions that are no padding."""
        return np.asarray(self.hole != PADDING)

    @property
    def last(self) -> NDArray[np.bool_]:
        """Bool [B, L]: the final position of each hole."""
        following = np.full(self.hole.shape, PADDING, dtype=np.int64)
        following[:, :-1] = self.hole[:, 1:]
        return np.asarray(self.used & (following != self.hole))

    @property
    def first(self) -> NDArray[np.bool_]:
        """Bool [B, L]: the first position of each hole."""
        preceding = np.full(self.hole.shape, PADDING, dtype=np.int64)
        preceding[:, 1:] = self.hole[:, :-1]
        return np.asarray(self.used & (preceding != self.hole))

    def left_of(self, marked: NDArray[np.bool_]) -> NDArray[np.int64]:
        """int64 [B, L]: how many `marked` (bool [B, L]) positions of the same hole stand left of each."""
        count: NDArray[np.int64] = np.cumsum(marked, axis=1) - marked
        before_hole = np.maximum.accumulate(np.where(self.first, count, 0), axis=1)
        return np.asarray(count - before_hole, dtype=np.int64)

    def per_hole(self, marked: NDArray[np.bool_], holes: int) -> NDArray[np.int64]:
        """int64 [B, H]: how many `marked` (bool [B, L]) positions each hole has."""
        row = np.arange(self.rows)[:, None]
        cell = np.where(marked & self.used, row * holes + self.hole, self.rows * holes)
        counts = np.bincount(cell.ravel(), minlength=self.rows * holes + 1)[:-1]
        return np.asarray(counts.reshape(self.rows, holes), dtype=np.int64)

    def text_ids(self, row: int, hole: int) -> NDArray[np.int64]:
        """int64 [n]: the decided ids of one hole in one row, in order."""
        here = (self.hole[row] == hole) & ~self.open[row]
        return np.asarray(self.ids[row, here])

    def select(self, rows: NDArray[np.int64]) -> Canvas:
        """The canvas of these rows alone, without the padding that no row of them needs."""
        width = int(self.used[rows].sum(axis=1).max(initial=0))
        arrays: dict[str, Any] = {name: getattr(self, name)[rows, :width] for name in ("ids", *_PADDED)}
        return Canvas(**arrays, mask_id=self.mask_id)

    @staticmethod
    def stack(canvases: Sequence[Canvas]) -> Canvas:
        """All rows of `canvases` in one batch, padded to the longest."""
        mask_id = canvases[0].mask_id
        width = max(c.ids.shape[1] for c in canvases)
        padding = {"ids": (np.int64, mask_id), **_PADDED}

        def padded(name: str) -> NDArray[Any]:
            kind, value = padding[name]
            parts = [getattr(c, name) for c in canvases]
            wide = [np.pad(a, ((0, 0), (0, width - a.shape[1])), constant_values=value) for a in parts]
            return np.concatenate(wide).astype(kind)

        arrays: dict[str, Any] = {name: padded(name) for name in padding}
        return Canvas(**arrays, mask_id=mask_id)

    def apply(self, decision: Decision, *, step: int = -1) -> Canvas:
        """The canvas after `decision`: commits (in `step`), then reopens, then deletes and inserts; padded anew."""
        assert decision.commit.shape == self.ids.shape, "a decision fits the canvas that it was made for"
        assert not (decision.commit & ~self.open).any(), "only open positions can be committed"
        assert not ((decision.insert > 0) & ~self.used).any(), "masks are inserted before a position of a hole"
        reopen = decision.reopen & self.used
        ids = np.where(decision.commit, decision.ids, self.ids)
        confidence = np.where(decision.commit, decision.confidence, self.confidence)
        changed = replace(
            self,
            ids=np.where(reopen, self.mask_id, ids),
            open=(self.open & ~decision.commit) | reopen,
            confidence=np.where(reopen, np.float32(0), confidence).astype(np.float32),
            reopened=self.reopened + (reopen & ~self.open),
            since=np.where(reopen, -1, np.where(decision.commit, step, self.since)),
        )
        if not decision.delete.any() and not decision.insert.any():
            return changed
        return _moved(changed, delete=decision.delete, insert=decision.insert)


def _moved(canvas: Canvas, *, delete: NDArray[np.bool_], insert: NDArray[np.int64]) -> Canvas:
    """The canvas without `delete`, with `insert` masks before each position."""
    length = canvas.ids.shape[1]
    # Each position becomes its masks and then itself (or nothing): repeat counts do both at once, for all rows.
    counts = np.stack([np.where(canvas.used, insert, 0), canvas.used & ~delete], axis=2).reshape(canvas.rows, -1)
    cells = np.repeat(np.arange(counts.size), counts.ravel())
    fresh, source = cells % 2 == 0, cells // 2
    row = source // length
    lengths = counts.sum(axis=1)
    column = np.arange(len(cells)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    shape = (canvas.rows, int(lengths.max(initial=0)))
    new: dict[str, tuple[type, int, int]] = {"ids": (np.int64, canvas.mask_id, canvas.mask_id)}
    new |= {name: (kind, value, value) for name, (kind, value) in _PADDED.items()}
    new["open"] = (np.bool_, 0, 1)
    arrays: dict[str, Any] = {}
    for name, (kind, padding, value) in new.items():
        arrays[name] = np.full(shape, padding, dtype=kind)
        moved = getattr(canvas, name).ravel()[source]
        arrays[name][row, column] = moved if name == "hole" else np.where(fresh, kind(value), moved)
    return Canvas(**arrays, mask_id=canvas.mask_id)
