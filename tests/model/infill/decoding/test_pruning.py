from __future__ import annotations

import numpy as np

from model.canvas import Canvas
from model.infill.decoding.pruning import StragglerPruning

MASK = 0


def canvas(*rows: bool) -> Canvas:
    """One row each: whether it is still being decided."""
    shape = (len(rows), 2)
    still = np.array([[row, False] for row in rows])
    return Canvas(
        ids=np.full(shape, 7), open=still, hole=np.zeros(shape, dtype=np.int64),
        confidence=np.ones(shape, dtype=np.float32), mask_id=MASK,
    )  # fmt: skip


def given_up(late: StragglerPruning, *rows: bool, most: int = 200) -> int:
    """After how many further steps, all alike, a row is given up; `most` if none is."""
    return next((n for n in range(1, most) if late(canvas(*rows)).any()), most)


def test_a_drawn_row_gets_twice_the_steps_of_the_greedy_one() -> None:
    late = StragglerPruning(temperature=np.array([0, 0.8, 0.8], dtype=np.float32), wanted=2)
    for _ in range(19):
        assert not late(canvas(True, True, True)).any()
    assert not late(canvas(False, True, False)).any()
    assert given_up(late, False, True, False) == 20
    assert late(canvas(False, True, False)).tolist() == [False, True, False]


def test_it_gets_more_while_too_few_are_done_but_not_for_ever() -> None:
    late = StragglerPruning(temperature=np.array([0, 0.8, 0.8], dtype=np.float32), wanted=2)
    for _ in range(20):
        late(canvas(True, True, True))
    few, many = given_up(late, False, True, True), 42 - 20
    assert few == 2 * 42 - 20 > many


def test_greedy_rows_are_never_given_up_and_short_ones_rush_nobody() -> None:
    assert given_up(StragglerPruning(temperature=np.zeros(2, dtype=np.float32), wanted=1), True, True) == 200
    late = StragglerPruning(temperature=np.array([0, 0.8], dtype=np.float32), wanted=1)
    assert given_up(late, False, True) == StragglerPruning.LEAST
