"""How long a hole is: its first canvas, its end once one is committed, and its growth when it fills up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from model.canvas import Canvas, Decision
from model.errors import BadRequest
from model.proposal import Proposal, Rules
from model.types import Hole

SIZES = (16, 32, 64, 128)
"""Canvas sizes that networks are trained with."""
SINGLE_LINE, SEVERAL_LINES = 32, 64
GROWTH = 32
"""Masks added to a hole that filled up without an end."""
LONGEST_SINGLE_LINE = 64
REPETITION_SPAN, REPETITION_KINDS = 16, 4
"""A hole whose last `SPAN` tokens are of at most `KINDS` kinds goes round in circles: more room makes it worse."""
REOPENED_ON_GROWTH = 4
"""Tokens reopened then: they were chosen in the belief that the hole ends right behind them."""


def first_lengths(
    holes: Sequence[Hole], *, canvas_tokens: int, count: Callable[[str], int], final_slot: bool
) -> list[int]:
    """How many positions each hole gets at first, with its final slot; in all at most `canvas_tokens`.

    Raises BadRequest if that cannot be.
    """
    wanted = [_first_length(hole, count) + (final_slot and hole.length_tokens is not None) for hole in holes]
    while sum(wanted) > canvas_tokens:
        free = [h for h, hole in enumerate(holes) if hole.length_tokens is None and wanted[h] > SIZES[0]]
        if not free:
            raise BadRequest(
                f"{len(holes)} hole(s) need {sum(wanted)} tokens, this model has {canvas_tokens}:"
                " fill fewer or shorter ranges"
            )
        longest = max(free, key=lambda h: wanted[h])
        wanted[longest] = max(size for size in SIZES if size < wanted[longest])
    return wanted


def _first_length(hole: Hole, count: Callable[[str], int]) -> int:
    if hole.length_tokens is not None:
        if hole.length_tokens < 1:
            raise BadRequest(f"a hole of {hole.length_tokens} tokens holds nothing: ask for 1 or more")
        return hole.length_tokens
    if not hole.old_text.strip():
        return SINGLE_LINE if hole.max_lines == 1 else SEVERAL_LINES
    likely = count(hole.old_text) * 5 // 4 + 4
    return next((size for size in SIZES if size > max(likely, SINGLE_LINE - 1)), SIZES[-1])


def committing_all(canvas: Canvas, proposal: Proposal) -> Decision:
    """The decision that takes every proposal as it stands: the budget is spent."""
    return Decision.committing(canvas.open, proposal.ids, proposal.confidence)


def settled(canvas: Canvas, decision: Decision, rules: Rules) -> tuple[Decision, NDArray[np.bool_]]:
    """(decision, ended): what an end of hole among the commits means for what stands right of it.

    A committed end becomes the final slot of its hole: everything right of it is deleted. So does the
    line break that would begin one line more than the hole may have. ended: bool [B, H]; an end in the final
    slot does not count, since every canvas has one there, however long the text would have become.
    """
    end = rules.end_of_hole_id
    ended = np.zeros((canvas.rows, len(rules.holes)), dtype=bool)
    if end is None:
        return decision, ended
    after = np.where(decision.commit, decision.ids, canvas.ids)
    decided = canvas.used & (decision.commit | ~canvas.open)
    commit, ids, delete = decision.commit.copy(), decision.ids.copy(), decision.delete.copy()
    for h, rule in enumerate(rules.holes):
        here = canvas.hole == h
        ending = here & decision.commit & (after == end)
        if rule.max_lines is not None:
            breaks = here & decided & rules.newline[after]
            too_many = breaks & canvas.open & (np.cumsum(breaks, axis=1) >= rule.max_lines)
            ending |= too_many
        for b in np.flatnonzero(ending.any(axis=1)):
            at = int(ending[b].argmax())
            right = here[b] & (np.arange(here.shape[1]) > at)
            ids[b, at], commit[b, at] = end, True
            delete[b] |= right
            commit[b] &= ~right
            ended[b, h] = bool(right.any())
    return replace(decision, commit=commit, ids=ids, delete=delete), ended


def grown(canvas: Canvas, ended: NDArray[np.bool_], rules: Rules, *, canvas_tokens: int) -> Decision | None:
    """The decision that gives more masks to holes that filled up without an end; None if there is nothing to grow.

    ended: bool [B, H]. A hole grows only while its row stays within `canvas_tokens`, a single line up to
    `LONGEST_SINGLE_LINE`, and not while it repeats itself.
    """
    insert = np.zeros(canvas.ids.shape, dtype=np.int64)
    reopen = np.zeros(canvas.ids.shape, dtype=bool)
    length = canvas.used.sum(axis=1)
    for b, h in zip(*np.nonzero(~ended), strict=True):
        here = np.flatnonzero(canvas.hole[b] == h)
        room = canvas_tokens - int(length[b] + insert[b].sum())
        if rules.holes[h].max_lines == 1:
            room = min(room, LONGEST_SINGLE_LINE - len(here))
        tail = canvas.ids[b, here[:-1]][-REPETITION_SPAN:]
        circles = len(tail) == REPETITION_SPAN and len(set(tail.tolist())) <= REPETITION_KINDS
        if len(here) == 0 or canvas.open[b, here].any() or room <= 0 or circles:
            continue
        insert[b, here[-1]] = min(GROWTH, room)
        reopen[b, here[-1 - REOPENED_ON_GROWTH :]] = True
    if not insert.any():
        return None
    nothing = Decision.committing(np.zeros_like(canvas.open), canvas.ids, canvas.confidence)
    return replace(nothing, insert=insert, reopen=reopen)


def closed(canvas: Canvas, holes: Sequence[int], end_of_hole_id: int | None) -> Canvas:
    """The canvas with the final slot of `holes` given as their end: their length is fixed."""
    if end_of_hole_id is None or not holes:
        return canvas
    last = canvas.last & canvas.open & np.isin(canvas.hole, holes)
    ends = np.full(canvas.ids.shape, end_of_hole_id, dtype=np.int64)
    return canvas.apply(Decision.committing(last, ends, np.ones(canvas.ids.shape, dtype=np.float32)))
