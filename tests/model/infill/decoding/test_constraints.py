from __future__ import annotations

import numpy as np

from model.canvas import Canvas, Decision
from model.infill.decoding.constraints import Constraints, HoleConstraints, Proposal, propose
from tests.model.scripted import END, MASK, VOCAB, Script, ids_of, prediction, token

A, B, NEWLINE, SPACE = token("a"), token("b"), token("\n"), token(" ")


def constraints(*holes: HoleConstraints) -> Constraints:
    newline, blank = np.zeros(VOCAB, dtype=bool), np.zeros(VOCAB, dtype=bool)
    newline[NEWLINE] = True
    blank[[NEWLINE, SPACE, END, MASK]] = True
    return Constraints(holes=holes, end_of_hole_id=END, newline=newline, blank=blank)


def same(table: dict[int, float]) -> Script:
    return lambda canvas, row, i: table


def proposed(canvas: Canvas, table: dict[int, float], *holes: HoleConstraints) -> Proposal:
    return propose(canvas, prediction(canvas, same(table)), constraints(*holes))


def holding(text: str, *, masks: int) -> Canvas:
    """A hole that begins with `text`, decided, and goes on with masks."""
    canvas = Canvas.masked([len(text) + masks], mask_id=MASK)
    where = np.zeros_like(canvas.open)
    where[0, : len(text)] = True
    ids = canvas.ids.copy()
    ids[0, : len(text)] = ids_of(text)
    return canvas.apply(Decision.committing(where, ids, np.ones(ids.shape, dtype=np.float32)))


def test_ties_go_to_the_first_of_the_network() -> None:
    found = proposed(holding("x", masks=2), {B: 0.5, A: 0.5}, HoleConstraints())
    assert found.ids[0, 1] == B


def test_a_line_break_counts_as_the_end_of_a_single_line_and_adds_its_probability() -> None:
    table = {A: 0.4, NEWLINE: 0.35, END: 0.25}
    canvas = holding("x", masks=2)
    found = proposed(canvas, table, HoleConstraints(max_lines=1))
    assert found.ids[0, 1] == END
    assert found.ends[0, 1]
    assert found.confidence[0, 1] == np.float32(0.6)
    assert proposed(canvas, table, HoleConstraints()).ids[0, 1] == A


def test_ends_are_forbidden_before_the_fixed_length() -> None:
    found = proposed(holding("x", masks=3), {END: 0.9, A: 0.1}, HoleConstraints(fixed_length=True))
    assert found.ids[0, 1:3].tolist() == [A, A]


def test_a_hole_may_not_end_while_it_is_blank() -> None:
    table = {END: 0.9, A: 0.1}
    assert proposed(holding("", masks=3), table, HoleConstraints()).ids[0, 0] == A
    assert proposed(holding("  ", masks=3), table, HoleConstraints()).ids[0, 2] == A
    assert proposed(holding("x", masks=3), table, HoleConstraints()).ids[0, 1] == END
    # What is open on the left may still become text.
    assert proposed(holding("", masks=3), table, HoleConstraints()).ids[0, 1] == END


def test_blankness_is_judged_hole_by_hole() -> None:
    canvas = Canvas.masked([2, 2], mask_id=MASK)
    commit = np.array([[True, True, False, False]])
    canvas = canvas.apply(Decision.committing(commit, np.array([[A, END, 0, 0]]), np.ones((1, 4), dtype=np.float32)))
    assert proposed(canvas, {END: 0.9, A: 0.1}, HoleConstraints(), HoleConstraints()).ids[0, 2] == A


def test_a_hole_may_not_end_left_of_what_is_decided() -> None:
    canvas = Canvas.masked([5], mask_id=MASK)
    commit = np.array([[True, False, False, True, False]])
    canvas = canvas.apply(Decision.committing(commit, np.full((1, 5), B), np.ones((1, 5), dtype=np.float32)))
    found = proposed(canvas, {END: 0.9, A: 0.1}, HoleConstraints())
    assert found.ids[0, [1, 2]].tolist() == [A, A]
    assert found.ids[0, 4] == END


def test_only_an_end_stands_in_a_final_slot() -> None:
    found = proposed(holding("x", masks=2), {A: 0.7, B: 0.3}, HoleConstraints())
    assert (found.ids[0, 2], found.confidence[0, 2]) == (END, 0)


def test_the_only_thing_possible_stays_possible() -> None:
    assert proposed(holding("", masks=3), {END: 1.0}, HoleConstraints()).confidence[0, 0] == 1


def test_a_row_with_a_temperature_draws_and_reports_the_true_probability() -> None:
    canvas = Canvas.masked([40], mask_id=MASK, rows=2)
    noise = np.random.default_rng(3).random((2, 40, 4))
    found = propose(
        canvas,
        prediction(canvas, same({A: 0.6, B: 0.4})),
        constraints(HoleConstraints()),
        temperature=np.array([0, 1], dtype=np.float32),
        noise=noise,
    )
    assert set(found.ids[0, :-1]) == {A}
    assert set(found.ids[1, :-1]) == {A, B}
    assert np.allclose(found.confidence[1, :-1], np.where(found.ids[1, :-1] == A, 0.6, 0.4))
