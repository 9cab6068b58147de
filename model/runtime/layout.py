"""How a canvas becomes one list of tokens, and what each of them sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.canvas import Canvas
from model.networks.reading import Reading
from model.runtime.passes import Tokens
from model.runtime.written import Plan, Written
from model.tokenizer import MASK_ID

PASS_TOKENS = 1024
"""Rows of a batch share a pass up to so many tokens: scores are computed of all others', for nothing."""
Ids = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """What the holes see of a context, int64 [H].

    anchors: the token before each hole; left, behind: how many tokens of the two streams it sees.
    """

    anchors: Ids
    left: Ids
    behind: Ids


def view_of(reading: Reading) -> View:
    """The holes' view of the streams, which may hold more for somebody else."""
    left, behind = np.asarray(reading.left), len(reading.back_ids) - np.asarray(reading.right)
    return View(anchors=reading.ahead_ids[left - 1], left=left, behind=behind)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pass:
    """Tokens to run, and what comes out: token `sources[r]` predicts canvas position (row[r], column[r]), int64 [R]."""

    tokens: Tokens
    sources: Ids
    row: Ids
    column: Ids


def groups(canvas: Canvas) -> Iterator[Ids]:
    """Rows that fit one pass together."""
    if canvas.rows * (canvas.ids.shape[1] + 1) <= PASS_TOKENS:
        yield np.arange(canvas.rows)
        return
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


def whole_rows(canvas: Canvas, rows: Ids, wanted: NDArray[np.bool_], view: View, *, causal: bool) -> Pass:
    """All positions of these rows, each hole behind a copy of the token before it."""
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
    behind = view.behind[hole]
    tokens = Tokens.of(inputs, position, behind, view.left[hole], behind, sees)
    at = np.flatnonzero((own >= 0) & wanted[row, own])
    return Pass(tokens=tokens, sources=at - 1, row=row[at], column=own[at])


def next_tokens(canvas: Canvas, wanted: NDArray[np.bool_], view: View, written: Written | None) -> tuple[Pass, Plan]:
    """Left to right into the one hole: only tokens that have not been written yet, and those that predict what is wanted.

    Also the plan that `written` is to remember, with what the tokens see.
    """
    ids = shown(canvas)
    row, column = np.nonzero(wanted)
    anchor = int(view.anchors[0])
    asked = [(ids[r], end) for r, end in zip(row.tolist(), column.tolist(), strict=True)]
    plan = written.plan(anchor, asked) if written else Plan({}, room=0, anchor=anchor)
    sources = [plan.predicting(text, end) for text, end in asked]
    sees = plan.seen(written.seen if written else np.zeros((0, 0), dtype=bool))
    depth = np.asarray(plan.depth, dtype=np.int64)
    left, behind = view.left[0], view.behind[0]
    tokens = Tokens.of(np.asarray(plan.ids, dtype=np.int64), left - 1 + depth, behind, left, behind, sees)
    return Pass(tokens=tokens, sources=np.asarray(sources, dtype=np.int64), row=row, column=column), plan
