"""How long a hole is: its first canvas, its end once one is committed, and its growth when it fills up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from model.canvas import Canvas, Decision
from model.errors import BadRequest
from model.infill.decoding.constraints import Constraints, Proposal
from model.infill.decoding.ties import leaders
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


def resized(canvas: Canvas, decision: Decision, constraints: Constraints, room: NDArray[np.int64]) -> Decision:
    """What committed expand and delete tokens mean (DreamOn): one mask more at that place, or the place gone.

    A deletion takes along all that was open right of it in its hole (where the checkpoint spreads deletions), but
    never all that a hole has: then its first place stays open. room: int64 [B], how many masks each row may gain;
    what would exceed it stays open.
    """
    if constraints.expand_id is None and constraints.delete_id is None:
        return decision
    expand = decision.commit & (decision.ids == constraints.expand_id)
    delete = decision.commit & (decision.ids == constraints.delete_id)
    if constraints.delete_spreads and delete.any():
        delete |= canvas.open & (canvas.left_of(delete) > 0)
    after = np.where(decision.commit, decision.ids, canvas.ids)
    stays_open = canvas.open & (expand | ~decision.commit)
    content = canvas.used & ~delete & (stays_open | ~constraints.blank[after])
    holes = len(constraints.holes)
    nothing_left = (canvas.per_hole(content, holes) == 0)[np.arange(canvas.rows)[:, None], canvas.hole]
    delete &= ~(nothing_left & (canvas.left_of(delete) == 0))
    grows = expand & ~delete
    if constraints.ties:  # one place, and its fellows: so that they stay alike however little room there is
        leader = leaders(canvas, constraints.ties)
        grows &= leader == np.where(grows, leader, leader.shape[1]).min(axis=1, keepdims=True)
    grows &= np.cumsum(grows, axis=1) <= room[:, None]
    resizing = expand | delete | (decision.commit & (decision.ids == constraints.delete_id))
    return replace(
        decision,
        commit=decision.commit & ~resizing,
        delete=decision.delete | delete,
        insert=decision.insert + grows,
    )


def settled(canvas: Canvas, decision: Decision, constraints: Constraints) -> tuple[Decision, NDArray[np.bool_]]:
    """(decision, ended): what an end of hole among the commits means for what stands right of it.

    A committed end becomes the final slot of its hole: everything right of it is deleted. So does the
    line break that would begin one line more than the hole may have, and what follows a complete fill
    (`HoleConstraints.complete_after`). A checkpoint without an end of hole has these places deleted too.
    ended: bool [B, H]; an end in the final slot does not count, since every canvas has one there, however long
    the text would have become.
    """
    end = constraints.end_of_hole_id
    after = np.where(decision.commit, decision.ids, canvas.ids)
    ending = _line_breaks_too_many(canvas, decision, after, constraints)
    if end is not None:
        ending |= decision.commit & canvas.used & (after == end)
    if ending.any():
        first = ending & (canvas.left_of(ending) == 0)
        cut = canvas.used & (canvas.left_of(ending) > 0)
        if end is None:
            cut, first = cut | first, np.zeros_like(first)
        decision = replace(
            decision,
            commit=(decision.commit | first) & ~cut,
            ids=np.where(first, end, decision.ids) if end is not None else decision.ids,
            delete=decision.delete | cut,
        )
        ended = canvas.per_hole(cut, len(constraints.holes)) > 0
    else:
        ended = np.zeros((canvas.rows, len(constraints.holes)), dtype=bool)
    if any(rule.complete_after for rule in constraints.holes):
        return _completed(canvas, decision, constraints, ended)
    return decision, ended


def _line_breaks_too_many(
    canvas: Canvas, decision: Decision, after: NDArray[np.int64], constraints: Constraints
) -> NDArray[np.bool_]:
    """Bool [B, L]: places open until now with a line break that the hole has no more lines for."""
    limits = np.array([rule.max_lines or 0 for rule in constraints.holes])
    if not limits.any():
        return np.zeros(canvas.open.shape, dtype=bool)
    limit = np.where(canvas.used, limits[canvas.hole], 0)
    breaks = (limit > 0) & (decision.commit | ~canvas.open) & constraints.newline[after]
    return np.asarray(breaks & canvas.open & (canvas.left_of(breaks) + 1 >= limit))


def _completed(
    canvas: Canvas, decision: Decision, constraints: Constraints, ended: NDArray[np.bool_]
) -> tuple[Decision, NDArray[np.bool_]]:
    """The decision that also cuts holes behind a complete fill. Asked of few holes: it may look at each row."""
    commit, ids, delete = decision.commit.copy(), decision.ids.copy(), decision.delete.copy()
    ended = ended.copy()
    for h, rule in enumerate(constraints.holes):
        for b in range(canvas.rows):
            here = np.flatnonzero((canvas.hole[b] == h) & ~delete[b])
            decided = (commit[b, here] | ~canvas.open[b, here]) & ~decision.reopen[b, here]
            start = here[: len(here) if decided.all() else int(decided.argmin())]
            values = np.where(commit[b, start], ids[b, start], canvas.ids[b, start])
            length = rule.complete_after(values) if rule.complete_after else None
            if not length or length >= len(here):
                continue
            last = here[-1]
            if constraints.end_of_hole_id is not None:
                here = here[:-1]
                commit[b, last] = canvas.open[b, last]
                ids[b, last] = constraints.end_of_hole_id
            delete[b, here[length:]] = True
            commit[b, here[length:]] = False
            ended[b, h] = True
    return replace(decision, commit=commit, ids=ids, delete=delete), ended


def grown(canvas: Canvas, ended: NDArray[np.bool_], constraints: Constraints, *, canvas_tokens: int) -> Decision | None:
    """The decision that gives more masks to holes that filled up without an end; None if there is nothing to grow.

    ended: bool [B, H]. A hole grows only while its row stays within `canvas_tokens`, a single line up to
    `LONGEST_SINGLE_LINE`, and not while it repeats itself. Tied holes grow alike.
    """
    if constraints.end_of_hole_id is None:
        return None
    length = canvas.per_hole(canvas.used, len(constraints.holes))
    full = ~ended & (length > 0) & (canvas.per_hole(canvas.open, len(constraints.holes)) == 0)
    if not full.any():
        return None
    tied = {h: group for group in constraints.ties for h in group}
    insert = np.zeros(canvas.ids.shape, dtype=np.int64)
    reopen = np.zeros(canvas.ids.shape, dtype=bool)
    for b, h in zip(*np.nonzero(full), strict=True):
        fellows = len(tied.get(h, (h,)))
        here = np.flatnonzero(canvas.hole[b] == h)
        # Fellows share the room that there is before any of them grows, so all of them get the same.
        taken = 0 if fellows > 1 else int(insert[b].sum())
        room = (canvas_tokens - int(length[b].sum()) - taken) // fellows
        if constraints.holes[h].max_lines == 1:
            room = min(room, LONGEST_SINGLE_LINE - len(here))
        tail = canvas.ids[b, here[:-1]][-REPETITION_SPAN:]
        circles = len(tail) == REPETITION_SPAN and len(set(tail.tolist())) <= REPETITION_KINDS
        if room <= 0 or circles:
            continue
        insert[b, here[-1]] = min(GROWTH, room)
        reopen[b, here[-1 - REOPENED_ON_GROWTH :]] = True
    if not insert.any():
        return None
    nothing = Decision.nothing(canvas)
    return replace(nothing, insert=insert, reopen=reopen)


def closed(canvas: Canvas, holes: Sequence[int], end_of_hole_id: int | None) -> Canvas:
    """The canvas with the final slot of `holes` given as their end: their length is fixed."""
    if end_of_hole_id is None or not holes:
        return canvas
    last = canvas.last & canvas.open & np.isin(canvas.hole, holes)
    ends = np.full(canvas.ids.shape, end_of_hole_id, dtype=np.int64)
    return canvas.apply(Decision.committing(last, ends, np.ones(canvas.ids.shape, dtype=np.float32)))
