from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.backend import ModelSpec, Prediction
from model.canvas import Canvas
from model.infill.brackets import unmatched
from model.infill.budget import BudgetMeter
from model.infill.decoding.beam import PATIENCE, SHORT_LINE, Search
from model.infill.decoding.beam_texts import BeamHypothesis
from model.infill.encoding import token_table
from model.types import Budget, Hole
from tests.model.scripted import END, MASK, VOCAB, CharCodec, prediction, token

Likely = Callable[[str], Mapping[str, float]]
STOP = "■"


class Tree:
    """Left to right only: what follows a text, by `likely(text)`, with `STOP` for the end of the hole."""

    def __init__(self, likely: Likely) -> None:
        self.likely = likely
        self.passes: list[Canvas] = []

    def score(self, canvas: Canvas, *, wanted: NDArray[np.bool_] | None = None) -> Prediction:
        assert wanted is not None
        assert wanted[:, -1].all()
        assert wanted.sum() == canvas.rows
        self.passes.append(canvas)

        def table(canvas: Canvas, row: int, i: int) -> dict[int, float]:
            text = CODEC.decode(canvas.ids[row, :i])
            return {END if c == STOP else token(c): p for c, p in self.likely(text).items()}

        return prediction(canvas, table)

    def denoise(self, canvas: Canvas) -> Prediction:
        raise AssertionError("a search never denoises")


CODEC = CharCodec()
SPEC = ModelSpec(mask_id=MASK, end_of_hole_id=END, vocab_size=VOCAB, context_tokens=100, canvas_tokens=64)


def texts(found: list[BeamHypothesis]) -> list[str]:
    return [CODEC.decode(text.ids[:-1]) for text in found]


def run(
    likely: Likely, *, hole: Hole | None = None, width: int = 3, budget: Budget | None = None
) -> tuple[list[BeamHypothesis], int, str]:
    search = searching(Tree(likely), hole=hole, width=width, meter=BudgetMeter(budget=budget or Budget()))
    found, stopped = search.run()
    return found, search.tokens, stopped


def searching(
    tree: Tree,
    *,
    hole: Hole | None = None,
    width: int = 3,
    wanted: int | None = None,
    meter: BudgetMeter | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    start: bytes = b"",
) -> Search:
    return Search(
        tree,
        hole or Hole(max_lines=1),
        spec=SPEC,
        table=token_table(CODEC, vocab_size=VOCAB),
        width=width,
        wanted=wanted,
        meter=meter or BudgetMeter(budget=Budget()),
        cancelled=cancelled,
        start=start,
    )


def garden_path(text: str) -> dict[str, float]:
    """ "a" looks best at first, but all that follows it is unlikely."""
    if text == "":
        return {"a": 0.6, "b": 0.4}
    if text == "a":
        return {"x": 0.2, "y": 0.2, "z": 0.2}
    return {STOP: 0.95, "b": 0.05} if text in {"b", "ax", "ay", "az"} else {STOP: 1.0}


def test_the_best_text_is_found_behind_a_worse_first_token() -> None:
    found, _, stopped = run(garden_path)
    assert texts(found)[0] == "b"
    assert stopped == "done"
    assert {"ax", "ay"} <= set(texts(found))
    values = [text.value for text in found]
    assert values == sorted(values, reverse=True)
    assert found[0].log_probs == pytest.approx(np.log([0.4, 0.95]))


@given(seed=st.integers(0, 10_000), wanted=st.integers(1, 3))
def test_a_search_that_wants_fewer_texts_ends_earlier_with_some_of_the_same(seed: int, wanted: int) -> None:
    def likely(text: str) -> dict[str, float]:
        rng = np.random.default_rng([seed, *text.encode()])
        shares = rng.dirichlet(np.ones(4))
        return dict(zip(["a", "b", "x", STOP], shares.tolist(), strict=True)) if len(text) < 6 else {STOP: 1.0}

    sides = [Tree(likely), Tree(likely)]
    fewer, _ = searching(sides[0], wanted=wanted).run()
    every, _ = searching(sides[1]).run()
    assert len(fewer) >= wanted
    assert len(sides[0].passes) <= len(sides[1].passes)
    assert fewer[0].value <= every[0].value + 1e-6
    if len(sides[0].passes) == len(sides[1].passes):
        assert texts(fewer) == texts(every)


def test_a_search_ends_once_a_text_is_likelier_than_all_that_is_being_written() -> None:
    def likely(text: str) -> dict[str, float]:
        return {"a": 1.0} if not text else {STOP: 0.6, "b": 0.4} if text == "a" else {"b": 0.99, STOP: 0.01}

    tree = Tree(likely)
    found, stopped = searching(tree, wanted=1).run()
    assert (texts(found)[0], stopped, len(tree.passes)) == ("a", "done", 2)


def test_a_beam_of_one_is_greedy() -> None:
    found, _, _ = run(garden_path, width=1)
    assert texts(found)[0] == "ax"


@pytest.mark.parametrize(
    ("start", "follows", "chance"),
    [
        (b"", {"": {STOP: 0.5, "\n": 0.2, "a": 0.3}}, 0.7),
        (b"", {"": {" ": 1.0}, " ": {STOP: 1.0}}, 0.0),
        (b")", {"": {")": 1.0}, ")": {STOP: 0.6, "\n": 0.2, "x": 0.2}}, 0.8),
        (b"f)", {"": {"f": 0.9, "\n": 0.1}, "f": {")": 1.0}, "f)": {STOP: 0.5, "x": 0.5}}, 0.45),
        (b"    ", {" " * n: {" ": 1.0} for n in range(4)} | {"    ": {"\n": 0.3, STOP: 0.4, "x": 0.3}}, 0.7),
    ],
)
@pytest.mark.parametrize("max_lines", [1, None])
def test_nothing_is_what_stands_before_the_hole_and_then_an_end(
    start: bytes, follows: dict[str, dict[str, float]], chance: float, max_lines: int | None
) -> None:
    """A healed hole's text begins with what stands there already: its first token never ends it."""
    tree = Tree(lambda text: follows.get(text, {STOP: 1.0}))
    search = searching(tree, hole=Hole(max_lines=max_lines), start=start)
    assert search.nothing is None
    search.run()
    assert search.nothing == pytest.approx(chance)


def test_a_line_break_ends_a_single_line_and_its_probability_counts_as_the_end() -> None:
    def likely(text: str) -> dict[str, float]:
        return {"a": 1.0} if not text else {"\n": 0.5, STOP: 0.3, "b": 0.2}

    found, _, _ = run(likely)
    assert texts(found)[0] == "a"
    assert float(found[0].log_probs[-1]) == pytest.approx(np.log(0.8))
    assert not any("\n" in text for text in texts(found))


def test_as_many_lines_as_the_hole_may_have() -> None:
    def likely(text: str) -> dict[str, float]:
        return {"\n": 0.9, STOP: 0.1} if text.endswith("a") else {"a": 1.0}

    found, _, _ = run(likely, hole=Hole(max_lines=2), width=1)
    assert max(text.count("\n") for text in texts(found)) == 1


def test_nothing_but_space_is_no_text() -> None:
    def likely(text: str) -> dict[str, float]:
        return {STOP: 0.9, " ": 0.08, "a": 0.02} if not text.strip() else {STOP: 1.0}

    found, _, _ = run(likely)
    assert all(text.strip() for text in texts(found))


def test_a_given_length_is_kept() -> None:
    def likely(text: str) -> dict[str, float]:
        return {STOP: 0.9, "a": 0.06, "b": 0.04}

    found, _, _ = run(likely, hole=Hole(max_lines=1, length_tokens=3))
    assert texts(found)[0] == "aaa"
    assert {len(text) for text in texts(found)} == {3}


def test_a_spent_budget_hands_back_what_there_is() -> None:
    found, _, stopped = run(lambda text: {"a": 0.9, STOP: 0.01}, budget=Budget(max_forward_passes=4))
    assert stopped == "steps"
    assert "aaaa" in texts(found)


def test_a_text_that_never_ends_is_cut_at_the_longest_length() -> None:
    found, _, stopped = run(lambda text: {"a": 1.0}, width=1)
    assert stopped == "done"
    assert texts(found) == ["a" * 64]


def test_what_goes_round_in_a_circle_is_not_followed_to_the_longest_length() -> None:
    """Every further "o" makes the text likelier for its length, so that no finished text is ever the better one."""
    tree = Tree(lambda text: {"g": 1.0} if not text else {STOP: 0.04, "o": 0.95})
    found, stopped = searching(tree, hole=Hole()).run()
    assert (len(found), stopped) == (2 * 3 + 3, "done"), "the best for their lengths, and the likeliest"
    assert len(tree.passes) == PATIENCE * 2 + SHORT_LINE, "likeliest is what ends behind the g: two tokens with its end"
    assert len(tree.passes) < SPEC.canvas_tokens


def test_a_likely_short_text_is_not_lost_behind_long_ones_that_ramble() -> None:
    found, _, _ = run(lambda text: {"g": 1.0} if not text else {STOP: 0.04, "o": 0.95}, hole=Hole())
    assert [text.value for text in found] == sorted([text.value for text in found], reverse=True)
    likeliest_first = sorted(found, key=lambda text: -text.nats)
    assert texts(likeliest_first)[:3] == ["g", "go", "goo"]
    assert len(texts(found)[0]) > 12


def test_cancelled_before_every_pass() -> None:
    calls = iter([False, False, True])
    tree = Tree(lambda text: {"a": 1.0})
    found, stopped = searching(tree, width=2, cancelled=lambda: next(calls)).run()
    assert (found, stopped, len(tree.passes)) == ([], "cancelled", 2)


def words(text: str) -> dict[str, float]:
    """Many words of three letters are likelier than any text that closes a bracket."""
    if not text:
        return {"a": 0.3, "b": 0.3, "c": 0.3}
    return {"x": 0.45, "y": 0.45, STOP: 0.05, ")": 0.05} if len(text) < 3 else {STOP: 0.9, ")": 0.1}


def closed(text: BeamHypothesis) -> bool:
    return CODEC.decode(text.ids[:-1]).count(")") == 1


def further(
    tree: Tree, *, fits: Callable[[BeamHypothesis], bool] = closed, passes: int = 9, judged: int = 99
) -> list[BeamHypothesis]:
    def kind(ids: NDArray[np.int64]) -> tuple[str, str]:
        return unmatched(CODEC.decode(ids))

    return searching(tree).until(fits, kind=kind, passes=passes, judged=judged)


def test_a_search_by_kinds_finds_what_no_likelier_text_leaves_room_for() -> None:
    assert not any(closed(text) for text in run(words)[0])
    found = further(Tree(words))
    assert found
    assert all(closed(text) for text in found)
    assert [text.value for text in found] == sorted([text.value for text in found], reverse=True)


def test_a_search_for_what_is_not_there_ends_after_so_many_passes_or_judgements() -> None:
    tree = Tree(words)
    assert further(tree, fits=lambda _: False, passes=3) == []
    assert len(tree.passes) == 3
    asked: list[BeamHypothesis] = []

    def refused(text: BeamHypothesis) -> bool:
        asked.append(text)
        return False

    assert further(Tree(words), fits=refused, judged=5) == []
    assert len(asked) == 5


def test_no_further_search_without_time() -> None:
    tree, meter = Tree(words), BudgetMeter(budget=Budget(max_forward_passes=2))
    assert searching(tree, meter=meter).until(lambda _: False, kind=len, passes=9, judged=99) == []
    assert len(tree.passes) == 2
