"""The loop itself, on hand-written predictions: re-opening, expand and delete, ties, giving rows up, fixed lengths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.backend import Prediction
from model.canvas import Canvas, Decision
from model.infill.budget import BudgetMeter
from model.infill.decoding.constraints import Constraints, HoleConstraints
from model.infill.decoding.diffusion import Denoised, Draws, Hopeless, denoise, repeated
from model.infill.decoding.samplers import sampler
from model.types import Budget
from tests.model.scripted import DELETE, END, EXPAND, MASK, VOCAB, CharCodec, Script, Table, ids_of, prediction, token


@dataclass
class Board:
    """A `CachedContext` that says what `script(canvas, row, position)` says; it keeps every canvas that it was shown."""

    script: Script
    seen: list[Canvas] = field(default_factory=list)

    def denoise(self, canvas: Canvas) -> Prediction:
        self.seen.append(canvas)
        return prediction(canvas, self.script)

    def score(self, canvas: Canvas, *, wanted: NDArray[np.bool_] | None = None) -> Prediction:
        raise AssertionError("the loop never scores")


def run(
    script: Script,
    canvas: Canvas,
    name: str = "threshold(reach=1)",
    *,
    holes: int = 1,
    end: int | None = None,
    resizes: bool = False,
    spreads: bool = True,
    ties: tuple[tuple[int, ...], ...] = (),
    canvas_tokens: int = 32,
    passes: int | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    hopeless: Hopeless | None = None,
    heat: float = 0,
) -> tuple[Denoised, Board, BudgetMeter]:
    newline, blank = np.zeros(VOCAB, dtype=bool), np.zeros(VOCAB, dtype=bool)
    newline[token("\n")] = True
    blank[[token("\n"), token(" "), MASK, END, EXPAND, DELETE]] = True
    constraints = Constraints(
        holes=(HoleConstraints(),) * holes,
        end_of_hole_id=end,
        newline=newline,
        blank=blank,
        expand_id=EXPAND if resizes else None,
        delete_id=DELETE if resizes else None,
        delete_spreads=spreads,
        ties=ties,
    )
    board, meter = Board(script), BudgetMeter(budget=Budget(max_forward_passes=passes))
    denoised = denoise(
        board,
        canvas,
        sampler=sampler(name),
        constraints=constraints,
        canvas_tokens=canvas_tokens,
        ended=np.zeros((canvas.rows, holes), dtype=bool),
        draws=Draws(temperature=np.full(canvas.rows, heat, dtype=np.float32), seed=1),
        meter=meter,
        cancelled=cancelled,
        hopeless=hopeless,
    )
    return denoised, board, meter


def text(denoised: Denoised, hole: int = 0, row: int = 0) -> str:
    return CharCodec().decode(denoised.canvas.ids[row][denoised.canvas.hole[row] == hole])


def spelling(word: str, p: float = 0.95) -> Script:
    return lambda canvas, row, i: {token(word[i]): p, token("?"): 1 - p}


def test_a_checkpoint_without_an_end_fills_the_length_it_is_given_and_never_grows() -> None:
    done, board, meter = run(spelling("abcd"), Canvas.masked([4], mask_id=MASK))
    assert (text(done), done.tokens, meter.passes, len(board.seen)) == ("abcd", 4, 1, 1)


def test_one_at_a_time_commits_in_the_order_of_confidence() -> None:
    sure = [0.5, 0.9, 0.7, 0.8]
    orders: list[list[int]] = []

    def script(canvas: Canvas, row: int, i: int) -> Table:
        if i == 0:
            orders.append([int(n) for n in np.flatnonzero(~canvas.open[0])])
        return {token("abcd"[i]): sure[i], token("?"): 1 - sure[i]}

    done, _, meter = run(script, Canvas.masked([4], mask_id=MASK), "one_at_a_time")
    assert orders == [[], [1], [1, 3], [1, 2, 3]]
    assert (text(done), meter.passes) == ("abcd", 4)


def agreeing(canvas: Canvas, row: int, i: int) -> Table:
    """Both letters alone look like "x", but beside a known "a" a "b" is right, and beside a "b" an "a"."""
    known = {int(canvas.ids[row, n]) for n in range(canvas.ids.shape[1]) if n != i and not canvas.open[row, n]}
    if i == 0:
        return {token("a"): 0.9, token("x"): 0.1} if known & {token("b"), token("x")} else {token("x"): 0.6}
    return {token("b"): 0.95, token("x"): 0.05} if known & {token("a")} else {token("x"): 0.97}


def test_reopening_corrects_what_its_neighbours_disprove() -> None:
    board = Canvas.masked([2, 1], mask_id=MASK)

    def script(canvas: Canvas, row: int, i: int) -> Table:
        return agreeing(canvas, row, i) if i < 2 else {token("."): 0.99}

    mended, _, meter = run(script, board, "reopening(threshold(tau=0.9, reach=1), folds=2)", holes=2)
    first, _, _ = run(script, board, "threshold(tau=0.9, reach=1)", holes=2)
    assert text(first) == "ax", "the second letter was committed before the first was known"
    assert text(mended) == "ab"
    assert meter.passes > 2


def test_reopening_costs_one_pass_when_nothing_is_wrong() -> None:
    done, board, meter = run(spelling("abcd"), Canvas.masked([4], mask_id=MASK), "reopening")
    assert (text(done), meter.passes) == ("abcd", 2)
    review = board.seen[-1]
    assert review.rows == 4
    assert (review.open.sum(axis=0) == 1).all(), "every token is hidden in one fold"


def test_reopening_ends_although_the_network_never_agrees_with_itself() -> None:
    def contrary(canvas: Canvas, row: int, i: int) -> Table:
        turn = len(canvas.ids) + int(canvas.open.sum()) + int(canvas.ids.sum())
        return {token("abcdef"[(turn + i) % 6]): 0.6, token("z"): 0.1}

    for limit in (1, 3):
        done, _, meter = run(
            contrary, Canvas.masked([6], mask_id=MASK), f"reopening(one_at_a_time, margin=1, limit={limit})"
        )
        assert not done.canvas.open.any()
        assert done.canvas.reopened.max() <= limit
        # 6 steps at first; every review re-opens one position at least, and each position at most `limit` times.
        assert meter.passes <= 6 + 6 * limit * 2 + 1


def test_reopening_stops_when_the_budget_is_spent_or_it_is_cancelled() -> None:
    done, _, meter = run(spelling("abcd"), Canvas.masked([4], mask_id=MASK), "reopening", passes=1)
    assert (text(done), meter.passes, done.stopped) == ("abcd", 1, "steps")
    asked: list[int] = []
    done, board, _ = run(
        spelling("abcd"),
        Canvas.masked([4], mask_id=MASK),
        "reopening",
        cancelled=lambda: asked.append(1) or len(asked) > 1,  # type: ignore[func-returns-value]
    )
    assert (done.stopped, len(board.seen)) == ("cancelled", 1)


def test_expand_becomes_two_masks_and_delete_vanishes() -> None:
    widths: list[int] = []

    def script(canvas: Canvas, row: int, i: int) -> Table:
        width = canvas.ids.shape[1]
        widths.append(width)
        if width == 2:
            return {EXPAND: 0.99} if i == 0 else {token("c"): 0.99}
        return {token("abc"[i]): 0.99}

    done, _, _ = run(script, Canvas.masked([2], mask_id=MASK), resizes=True)
    assert (text(done), max(widths)) == ("abc", 3)

    def shrinking(canvas: Canvas, row: int, i: int) -> Table:
        return {token("ab"[i]): 0.99} if i < 2 else {DELETE: 0.99}

    done, _, meter = run(shrinking, Canvas.masked([5], mask_id=MASK), resizes=True)
    assert (text(done), meter.passes) == ("ab", 1)


def test_a_deletion_takes_along_what_is_open_right_of_it_in_its_hole() -> None:
    def script(canvas: Canvas, row: int, i: int) -> Table:
        if canvas.hole[row, i] == 0 and i == 1:
            return {DELETE: 0.95}
        return {token("a"): 0.99 if i == 0 else 0.5}

    holes = Canvas.masked([4, 2], mask_id=MASK)
    done, _, _ = run(script, holes, holes=2, resizes=True)
    assert (text(done, 0), text(done, 1)) == ("a", "aa")
    _, board, _ = run(script, holes, holes=2, resizes=True, spreads=False)
    assert board.seen[1].per_hole(board.seen[1].used, 2).tolist() == [[3, 2]]


def test_a_hole_never_loses_its_last_place() -> None:
    def wants_nothing(canvas: Canvas, row: int, i: int) -> Table:
        return {DELETE: 0.95, token("a"): 0.05}

    done, _, _ = run(wants_nothing, Canvas.masked([6], mask_id=MASK), resizes=True)
    assert text(done) == "a"
    done, _, _ = run(wants_nothing, Canvas.masked([6], mask_id=MASK), "one_at_a_time", resizes=True, spreads=False)
    assert text(done) == "a"


def test_expansion_is_capped() -> None:
    def insatiable(canvas: Canvas, row: int, i: int) -> Table:
        return {EXPAND: 0.95, token("a"): 0.05}

    for name in ("threshold(reach=1)", "one_at_a_time"):
        done, board, _ = run(insatiable, Canvas.masked([2], mask_id=MASK), name, resizes=True, canvas_tokens=9)
        assert text(done) == "a" * 9
        assert max(c.ids.shape[1] for c in board.seen) == 9


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_expanding_and_deleting_at_random_ends(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def script(canvas: Canvas, row: int, i: int) -> Table:
        p = rng.dirichlet([0.6, 0.6, 0.6])
        return {EXPAND: p[0], DELETE: p[1], token("a"): p[2]}

    done, _, _ = run(script, Canvas.masked([3, 4], mask_id=MASK), "one_at_a_time", holes=2, resizes=True)
    assert not done.canvas.open.any()
    assert text(done, 0)
    assert text(done, 1)
    assert set(text(done, 0) + text(done, 1)) == {"a"}


def test_the_pass_that_spends_the_budget_does_not_expand() -> None:
    def script(canvas: Canvas, row: int, i: int) -> Table:
        return {EXPAND: 0.9, token("a"): 0.1}

    done, _, _ = run(script, Canvas.masked([2], mask_id=MASK), resizes=True, passes=1)
    assert (text(done), done.stopped) == ("aa", "steps")


@pytest.mark.parametrize("name", ["threshold", "one_at_a_time", "left_to_right", "blocks(margin, size=2)", "reopening"])
def test_tied_holes_get_the_text_that_is_likeliest_in_all_of_them(name: str) -> None:
    def script(canvas: Canvas, row: int, i: int) -> Table:
        hole, index = int(canvas.hole[row, i]), i % 3
        mine = "foo" if hole == 0 else "bar"
        return {token(mine[index]): 0.6, token("qux"[index]): 0.3 if hole == 0 else 0.39}

    done, _, _ = run(script, Canvas.masked([3, 3, 3], mask_id=MASK), name, holes=3, ties=((0, 1, 2),))
    # 0.6 * 0.39 * 0.39 would be more than 0.3 * 0.39 * 0.39, but "f" is not among what the other holes know.
    assert text(done, 0) == text(done, 1) == text(done, 2) == "qux"


def test_tied_holes_stay_tied_when_drawn_ended_and_grown() -> None:
    word = "abcdefghij" * 5

    def script(canvas: Canvas, row: int, i: int) -> Table:
        hole = int(canvas.hole[row, i])
        index = i - int(np.flatnonzero(canvas.hole[row] == hole)[0])
        wanted = token(word[index]) if index < 45 else END
        return {wanted: 0.5 + 0.1 * hole, token("?"): 0.2}

    fresh = Canvas.masked([32, 32], mask_id=MASK, rows=3)
    done, _, _ = run(script, fresh, "threshold", holes=2, end=END, ties=((0, 1),), canvas_tokens=100, heat=1.0)
    for row in range(3):
        assert text(done, 0, row) == text(done, 1, row) != ""


def test_tied_holes_expand_alike_however_little_room_there_is() -> None:
    def insatiable(canvas: Canvas, row: int, i: int) -> Table:
        return {EXPAND: 0.95, token("a"): 0.05}

    done, _, _ = run(
        insatiable, Canvas.masked([2, 2, 2], mask_id=MASK), holes=3, resizes=True, ties=((0, 1, 2),), canvas_tokens=11
    )
    assert [text(done, h) for h in range(3)] == ["aaa"] * 3


def test_rows_that_are_given_up_cost_no_further_pass() -> None:
    def script(canvas: Canvas, row: int, i: int) -> Table:
        return {token("a"): 0.6, token("?"): 0.2}

    def second_row(canvas: Canvas) -> NDArray[np.bool_]:
        return np.array([False, bool((~canvas.open[1]).sum() >= 2)])

    done, board, _ = run(script, Canvas.masked([5], mask_id=MASK, rows=2), hopeless=second_row)
    assert [c.rows for c in board.seen] == [2, 2, 1, 1, 1]
    assert done.canvas.used.any(axis=1).tolist() == [True, False]
    assert text(done) == "aaaaa"


def test_given_tokens_are_never_touched() -> None:
    half = Canvas.decided([[ids_of("abc")]], mask_id=MASK)
    done, board, _ = run(spelling("xyz"), half, "reopening")
    assert (text(done), board.seen) == ("abc", [])


def test_a_row_that_has_become_equal_to_another_is_given_up() -> None:
    one = Canvas.decided([[ids_of("abcde")]] * 3, mask_id=MASK)
    nothing = Decision.nothing(one)
    greedy, ended = np.zeros(3, dtype=np.float32), np.ones((3, 1), dtype=bool)
    same = one.apply(replace(nothing, reopen=np.tile([False, True, True, True, True], (3, 1))))
    assert repeated(same, ended=ended, temperature=greedy).tolist() == [False, True, True]
    assert not repeated(same, ended=ended, temperature=greedy + np.float32(0.8)).any()
    assert not repeated(same, ended=np.eye(3, dtype=bool), temperature=greedy).any()
