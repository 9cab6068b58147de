"""How a canvas becomes one list of tokens, and what each of them sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.canvas import Canvas
from model.reading import Reading
from model.runtime.session import HIDDEN, Tokens
from model.runtime.written import Plan, Written
from model.tokenizer import MASK_ID

PASS_TOKENS = 1024
"""Rows of a batch share a pass up to so many tokens: each sees all others' scores, for nothing."""
Ids = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """What the holes see of a context.

    mask, copy_mask: float32 [H, P + S], 0 where hole h sees a key and where it may copy from one, else HIDDEN.
    following: int64 [P + S], the token after each key's own in the text (0 where there is none to copy).
    anchors, left, behind: int64 [H]: the token before each hole, and how many tokens of the streams it sees.
    """

    mask: Floats
    copy_mask: Floats
    following: Ids
    anchors: Ids
    left: Ids
    behind: Ids


def view_of(reading: Reading, *, ahead_room: int, back_room: int) -> View:
    """The holes' view of streams with room for so many tokens, of which some may be somebody else's."""
    at_ahead, at_back = np.arange(ahead_room), np.arange(back_room)
    left, behind = np.asarray(reading.left), len(reading.back_ids) - np.asarray(reading.right)
    near, far = left[:, None], behind[:, None]
    sees = np.concatenate([at_ahead < near, at_back < far], axis=1)
    copies = np.concatenate([at_ahead < near - 1, (at_back < far - 1) & (at_back > 0)], axis=1)
    following = np.zeros(ahead_room + back_room, dtype=np.int64)
    following[: len(reading.ahead_ids) - 1] = reading.ahead_ids[1:]
    following[ahead_room + 1 : ahead_room + len(reading.back_ids)] = reading.back_ids[:0:-1]
    mask, copy_mask = (np.where(there, np.float32(0), HIDDEN) for there in (sees, copies))
    anchors = reading.ahead_ids[left - 1]
    return View(mask=mask, copy_mask=copy_mask, following=following, anchors=anchors, left=left, behind=behind)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pass:
    """Tokens to run, and what comes out: token `sources[r]` predicts canvas position (row[r], column[r]), int64 [R]."""

    tokens: Tokens
    sources: Ids
    row: Ids
    column: Ids


def groups(canvas: Canvas) -> Iterator[Ids]:
    """Rows that fit one pass together."""
    sizes = canvas.used.sum(axis=1) + 1
    start, size = 0, 0
    for row in range(canvas.rows):
        if size and size + sizes[row] > PASS_TOKENS:
            yield np.arange(start, row)
            start, size = row, 0
        size += int(sizes[row])
    yield np.arange(start, canvas.rows)


def shown(canvas: Canvas) -> Ids:
    """int64 [B, L]: the ids as the network reads them."""
    return np.where(canvas.open, MASK_ID, canvas.ids)


def whole_rows(canvas: Canvas, rows: Ids, wanted: NDArray[np.bool_], view: View, *, room: int, causal: bool) -> Pass:
    """All positions of these rows, each hole behind a copy of the token before it; `room` for what was written before."""
    ids = shown(canvas)
    parts: list[tuple[Ids, ...]] = []
    for row in rows:
        for h, left in enumerate(view.left):
            at = np.flatnonzero(canvas.hole[row] == h)
            n = len(at) + 1
            inputs = np.append(view.anchors[h], ids[row, at])
            parts.append((inputs, np.arange(left - 1, left - 1 + n), np.full(n, h), np.full(n, row), np.append(-1, at)))
    inputs, position, hole, row, own = (np.concatenate(part) for part in zip(*parts, strict=True))
    sees = row[:, None] == row
    if causal:
        sees &= np.tri(len(inputs), dtype=bool)
    near = np.full((len(inputs), room), HIDDEN, dtype=np.float32)
    mask = np.concatenate([view.mask[hole], near, np.where(sees, np.float32(0), HIDDEN)], axis=1)
    tokens = Tokens(ids=inputs, position=position, back_position=view.behind[hole], mask=mask)
    at = np.flatnonzero((own >= 0) & wanted[row, own])
    return Pass(tokens=tokens, sources=at - 1, row=row[at], column=own[at])


def next_tokens(canvas: Canvas, wanted: NDArray[np.bool_], view: View, written: Written) -> tuple[Pass, Plan]:
    """Left to right into the one hole: only tokens that have not been read yet, and those that predict what is wanted.

    Also the plan that `written` is to remember.
    """
    ids = shown(canvas)
    plan = written.plan()
    row, column = np.nonzero(wanted)
    anchor, sources = int(view.anchors[0]), list[int]()
    for r in np.unique(row):
        ends = np.flatnonzero(wanted[r])
        sources += plan.predicting([anchor, *ids[r, : ends[-1]].tolist()], set(ends.tolist()))
    near = np.full((len(plan.ids), written.state.capacity + len(plan.ids)), HIDDEN, dtype=np.float32)
    for n, seen in enumerate(plan.seen):
        near[n, seen] = 0
    depth = np.asarray(plan.depth, dtype=np.int64)
    tokens = Tokens(
        ids=np.asarray(plan.ids, dtype=np.int64),
        position=int(view.left[0]) - 1 + depth,
        back_position=np.full(len(depth), view.behind[0]),
        mask=np.concatenate([np.repeat(view.mask, len(depth), axis=0), near], axis=1),
    )
    passed = Pass(tokens=tokens, sources=np.asarray(sources, dtype=np.int64), row=row, column=column)
    return passed, plan
