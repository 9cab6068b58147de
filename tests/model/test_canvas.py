from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.canvas import Canvas, Decision

MASK = 0


def nothing(canvas: Canvas) -> Decision:
    return Decision.nothing(canvas)


def committing(canvas: Canvas, row: int, values: dict[int, int]) -> Decision:
    commit, ids = np.zeros_like(canvas.open), canvas.ids.copy()
    for i, value in values.items():
        commit[row, i], ids[row, i] = True, value
    return Decision.committing(commit, ids, np.full(ids.shape, 0.5, dtype=np.float32))


def test_masked_canvas_has_the_holes_in_order() -> None:
    canvas = Canvas.masked([2, 3], mask_id=MASK, rows=2)
    assert canvas.hole.tolist() == [[0, 0, 1, 1, 1]] * 2
    assert canvas.open.all()
    assert canvas.first.tolist()[0] == [True, False, True, False, False]
    assert canvas.last.tolist()[0] == [False, True, False, False, True]


def test_apply_returns_a_new_canvas_and_keeps_the_old() -> None:
    canvas = Canvas.masked([3], mask_id=MASK)
    after = canvas.apply(committing(canvas, 0, {1: 7}))
    assert after.ids.tolist() == [[0, 7, 0]]
    assert after.open.tolist() == [[True, False, True]]
    assert after.confidence.tolist() == [[0, 0.5, 0]]
    assert canvas.open.all()


def test_a_mask_token_that_was_given_stays_decided() -> None:
    canvas = Canvas.decided([[np.array([MASK, 5])]], mask_id=MASK)
    assert not canvas.open.any()
    assert canvas.apply(nothing(canvas)).ids.tolist() == [[MASK, 5]]


def test_pinned_positions_cannot_be_committed() -> None:
    canvas = Canvas.decided([[np.array([5, 6])]], mask_id=MASK)
    with pytest.raises(AssertionError, match="only open"):
        canvas.apply(committing(canvas, 0, {0: 9}))


def test_reopen_wins_over_commit() -> None:
    canvas = Canvas.masked([2], mask_id=MASK)
    decision = committing(canvas, 0, {0: 7, 1: 8})
    after = canvas.apply(replace(decision, reopen=np.array([[True, False]])))
    assert after.ids.tolist() == [[MASK, 8]]
    assert after.open.tolist() == [[True, False]]
    assert after.confidence[0, 0] == 0


def test_delete_and_insert_move_everything_together_and_pad_the_shorter_row() -> None:
    canvas = Canvas.decided([[np.array([1, 2, 3]), np.array([4])], [np.array([5, 6, 7]), np.array([8])]], mask_id=MASK)
    delete, insert = np.zeros((2, 4), dtype=bool), np.zeros((2, 4), dtype=np.int64)
    delete[0, 1] = delete[0, 2] = True
    insert[1, 3] = 2
    after = canvas.apply(replace(nothing(canvas), delete=delete, insert=insert))
    assert after.ids.tolist() == [[1, 4, 0, 0, 0, 0], [5, 6, 7, 0, 0, 8]]
    assert after.hole.tolist() == [[0, 1, -1, -1, -1, -1], [0, 0, 0, 1, 1, 1]]
    assert after.open.tolist() == [[False] * 6, [False, False, False, True, True, False]]


def test_select_drops_padding_that_no_row_needs_and_stack_puts_it_back() -> None:
    canvas = Canvas.decided([[np.array([1])], [np.array([2, 3, 4])]], mask_id=MASK)
    short, long = canvas.select(np.array([0])), canvas.select(np.array([1]))
    assert short.ids.tolist() == [[1]]
    assert Canvas.stack([short, long]).ids.tolist() == canvas.ids.tolist()
    assert Canvas.stack([short, long]).hole.tolist() == canvas.hole.tolist()


@given(st.integers(0, 2**32 - 1))
def test_any_decision_keeps_holes_in_order_and_open_positions_masked(seed: int) -> None:
    rng = np.random.default_rng(seed)
    canvas = Canvas.masked([int(n) for n in rng.integers(1, 5, size=3)], mask_id=MASK, rows=2)
    for _ in range(4):
        commit = canvas.open & (rng.random(canvas.ids.shape) < 0.5)
        insert = np.where(canvas.used, rng.integers(0, 2, canvas.ids.shape), 0)
        delete = canvas.used & (rng.random(canvas.ids.shape) < 0.3)
        decision = Decision.committing(commit, np.full(canvas.ids.shape, 9), np.ones(canvas.ids.shape, np.float32))
        before = canvas
        canvas = canvas.apply(replace(decision, insert=insert, delete=delete))
        assert (canvas.used.sum(1) == before.used.sum(1) - delete.sum(1) + insert.sum(1)).all()
        for hole, used in zip(canvas.hole, canvas.used, strict=True):
            assert (np.diff(hole[used]) >= 0).all()
            assert not used[used.sum() :].any()
        assert (canvas.ids[canvas.open] == MASK).all()
        assert (canvas.ids[canvas.used & ~canvas.open] == 9).all()
