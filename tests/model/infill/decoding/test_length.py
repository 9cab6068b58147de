from __future__ import annotations

import numpy as np
import pytest

from model.canvas import Canvas, Decision
from model.errors import BadRequest
from model.infill.decoding.constraints import Constraints, HoleConstraints
from model.infill.decoding.length import LONGEST_SINGLE_LINE, closed, first_lengths, grown, settled
from model.types import Hole
from tests.model.scripted import END, MASK, VOCAB, token

NEWLINE = token("\n")


def constraints(*holes: HoleConstraints) -> Constraints:
    newline = np.zeros(VOCAB, dtype=bool)
    newline[NEWLINE] = True
    return Constraints(holes=holes, end_of_hole_id=END, newline=newline, blank=newline)


def commit(canvas: Canvas, ids: dict[int, int]) -> Decision:
    where, values = np.zeros_like(canvas.open), canvas.ids.copy()
    for i, value in ids.items():
        where[0, i], values[0, i] = True, value
    return Decision.committing(where, values, np.ones(values.shape, dtype=np.float32))


def lengths(*holes: Hole, canvas_tokens: int = 128) -> list[int]:
    return first_lengths(holes, canvas_tokens=canvas_tokens, count=len, final_slot=True)


def test_a_committed_end_deletes_what_stands_right_of_it_in_its_hole_only() -> None:
    canvas = Canvas.masked([4, 2], mask_id=MASK)
    decision, ended = settled(
        canvas, commit(canvas, {1: END, 3: 50}), constraints(HoleConstraints(), HoleConstraints())
    )
    after = canvas.apply(decision)
    assert after.hole.tolist() == [[0, 0, 1, 1]]
    assert after.ids.tolist() == [[MASK, END, MASK, MASK]]
    assert ended.tolist() == [[True, False]]


def test_the_leftmost_of_several_ends_counts() -> None:
    canvas = Canvas.masked([5], mask_id=MASK)
    decision, _ = settled(canvas, commit(canvas, {1: END, 2: END, 4: END}), constraints(HoleConstraints()))
    assert canvas.apply(decision).ids.tolist() == [[MASK, END]]


def test_an_end_in_the_final_slot_is_no_choice_of_length() -> None:
    canvas = Canvas.masked([3], mask_id=MASK)
    decision, ended = settled(canvas, commit(canvas, {2: END}), constraints(HoleConstraints()))
    assert not ended.any()
    assert canvas.apply(decision).ids.tolist() == [[MASK, MASK, END]]


def test_the_line_break_too_many_becomes_the_end() -> None:
    canvas = Canvas.masked([6], mask_id=MASK)
    decision, ended = settled(
        canvas, commit(canvas, {1: NEWLINE, 3: NEWLINE}), constraints(HoleConstraints(max_lines=2))
    )
    assert canvas.apply(decision).ids.tolist() == [[MASK, NEWLINE, MASK, END]]
    assert ended.all()
    decision, ended = settled(canvas, commit(canvas, {1: NEWLINE}), constraints(HoleConstraints(max_lines=2)))
    assert not ended.any()


def test_a_full_hole_without_an_end_grows_and_reopens_its_tail() -> None:
    canvas = Canvas.decided([[np.array([20, 21, 22, 23, 24, 25, END])]], mask_id=MASK)
    growth = grown(canvas, np.array([[False]]), constraints(HoleConstraints()), canvas_tokens=20)
    assert growth is not None
    after = canvas.apply(growth)
    assert after.ids.shape[1] == 20
    assert after.ids[0, :2].tolist() == [20, 21]
    assert after.open[0, 2:].all()


@pytest.mark.parametrize(("ended", "room"), [(True, 20), (False, 7)])
def test_what_has_ended_or_has_no_room_does_not_grow(ended: bool, room: int) -> None:
    canvas = Canvas.decided([[np.array([20, 21, 22, 23, 24, 25, END])]], mask_id=MASK)
    assert grown(canvas, np.array([[ended]]), constraints(HoleConstraints()), canvas_tokens=room) is None


def test_a_single_line_does_not_grow_for_ever() -> None:
    content = np.arange(20, 20 + LONGEST_SINGLE_LINE - 1)
    canvas = Canvas.decided([[np.append(content, END)]], mask_id=MASK)
    assert grown(canvas, np.array([[False]]), constraints(HoleConstraints(max_lines=1)), canvas_tokens=999) is None
    assert grown(canvas, np.array([[False]]), constraints(HoleConstraints()), canvas_tokens=999) is not None


def test_what_goes_round_in_circles_does_not_grow() -> None:
    canvas = Canvas.decided([[np.append(np.tile([20, 21, 22], 10), END)]], mask_id=MASK)
    assert grown(canvas, np.array([[False]]), constraints(HoleConstraints()), canvas_tokens=999) is None


def test_open_holes_do_not_grow() -> None:
    assert (
        grown(Canvas.masked([4], mask_id=MASK), np.array([[False]]), constraints(HoleConstraints()), canvas_tokens=99)
        is None
    )


def test_closed_gives_the_end_of_fixed_holes_alone() -> None:
    canvas = closed(Canvas.masked([3, 3], mask_id=MASK), [1], END)
    assert canvas.ids.tolist() == [[MASK] * 5 + [END]]
    assert canvas.open.tolist() == [[True] * 5 + [False]]


def test_first_lengths() -> None:
    assert lengths(Hole(max_lines=1)) == [32]
    assert lengths(Hole()) == [64]
    assert lengths(Hole(length_tokens=7)) == [8]
    assert lengths(Hole(old_text="x" * 60)) == [128]
    assert lengths(Hole(old_text="x" * 900)) == [128]


def test_first_lengths_share_the_canvas_and_keep_the_fixed() -> None:
    shared = lengths(Hole(), Hole(), Hole(length_tokens=20))
    assert shared[2] == 21
    assert sum(shared) <= 128
    with pytest.raises(BadRequest, match="9 hole"):
        lengths(*[Hole()] * 9)
