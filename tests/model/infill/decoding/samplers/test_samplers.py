from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.canvas import Canvas, Decision
from model.errors import BadRequest
from model.infill.decoding.constraints import Proposal
from model.infill.decoding.rescoring import Rescored
from model.infill.decoding.samplers import KINDS, sampler
from model.infill.decoding.samplers.blocks import Blocks
from model.infill.decoding.samplers.drawn import Drawn
from model.infill.decoding.samplers.entropy_bound import EntropyBound
from model.infill.decoding.samplers.low_confidence import LowConfidence
from model.infill.decoding.samplers.reopening import Reopening
from model.infill.decoding.samplers.single import LeftToRight, OneAtATime, TopKMargin
from model.infill.decoding.samplers.threshold import Threshold

F32 = np.float32


def proposal(
    confidence: list[float],
    *,
    ends: tuple[int, ...] = (),
    entropy: list[float] | None = None,
    margin: list[float] | None = None,
) -> Proposal:
    n = len(confidence)
    return Proposal(
        ids=np.arange(10, 10 + n)[None],
        confidence=np.array([confidence], dtype=F32),
        entropy=np.array([entropy or [1.0] * n], dtype=F32),
        ends=np.array([[i in ends for i in range(n)]]),
        margin=np.array([margin or confidence], dtype=F32),
    )


def canvas(*lengths: int, decided: tuple[int, ...] = ()) -> Canvas:
    fresh = Canvas.masked(lengths, mask_id=0)
    if not decided:
        return fresh
    chosen = np.array([[i in decided for i in range(fresh.ids.shape[1])]])
    return fresh.apply(Decision.committing(chosen, np.full(fresh.ids.shape, 5), np.ones(fresh.ids.shape, dtype=F32)))


def committed(decision: object) -> list[int]:
    return [int(i) for i in np.flatnonzero(decision.commit[0])]  # type: ignore[attr-defined]


def test_threshold_is_strict() -> None:
    plain = Threshold(tau=0.5, reach=1.0)
    assert committed(plain.decide(canvas(3), proposal([0.75, 0.5, 0.51]), step=0)) == [0, 2]


def test_threshold_commits_the_leftmost_when_none_is_sure() -> None:
    rule = Threshold(tau=0.9)
    assert committed(rule.decide(canvas(3), proposal([0.1, 0.8, 0.2]), step=0)) == [0]
    assert committed(Threshold(leftmost=False).decide(canvas(3), proposal([0.1, 0.8, 0.2]), step=0)) == [1]


def test_ties_go_to_the_left() -> None:
    rule = Threshold(leftmost=False)
    assert committed(rule.decide(canvas(3), proposal([0.4, 0.4, 0.4]), step=0)) == [0]
    assert committed(LowConfidence(steps=3).decide(canvas(3), proposal([0.4, 0.4, 0.4]), step=0)) == [0]


def test_threshold_rises_with_the_distance_to_what_is_known() -> None:
    rule = Threshold(tau=0.9, reach=0.5)
    assert committed(rule.decide(canvas(3), proposal([0.95, 0.94, 0.96]), step=0)) == [0]
    near = canvas(3, decided=(0,))
    assert committed(rule.decide(near, proposal([0.0, 0.94, 0.96]), step=0)) == [1, 2]


def test_the_distance_starts_anew_in_every_hole() -> None:
    rule = Threshold(tau=0.9, reach=0.5)
    assert committed(rule.decide(canvas(2, 2), proposal([0.91, 0.91, 0.91, 0.91]), step=0)) == [0, 2]


def test_sure_ends_alone_do_not_count_as_progress() -> None:
    decision = Threshold(tau=0.9, reach=1.0).decide(canvas(4), proposal([0.3, 0.2, 0.99, 0.99], ends=(2, 3)), step=0)
    assert committed(decision) == [0, 2, 3]


def test_an_end_far_off_is_never_the_fallback() -> None:
    rule = Threshold(tau=0.9, leftmost=False)
    assert committed(rule.decide(canvas(3), proposal([0.2, 0.3, 0.8], ends=(2,)), step=0)) == [1]


@pytest.mark.parametrize("kind", list(KINDS.values()))
def test_decided_positions_are_left_alone(kind: type[Threshold]) -> None:
    board = canvas(3, decided=(1,))
    decision = kind().decide(board, proposal([0.95, 0.0, 0.95]), step=0)
    assert 1 not in committed(decision)
    assert not decision.reopen.any()
    assert not board.apply(decision).open[0, 1]


@pytest.mark.parametrize("kind", list(KINDS.values()))
def test_every_row_with_something_open_gets_on(kind: type[Threshold]) -> None:
    board = Canvas.masked([2], mask_id=0, rows=3)
    same = proposal([0.0, 0.0])
    rows = Proposal(
        ids=np.tile(same.ids, (3, 1)),
        confidence=np.tile(same.confidence, (3, 1)),
        entropy=np.full((3, 2), 9.0, dtype=F32),
        ends=np.zeros((3, 2), dtype=bool),
        margin=np.zeros((3, 2), dtype=F32),
    )
    assert kind().decide(board, rows, step=0).commit.any(axis=1).all()


def test_entropy_bound_leaves_the_largest_out_of_the_sum() -> None:
    rule = EntropyBound(bound=0.1)
    entropy = [0.06, 0.5, 0.05, 0.04]
    # Sums without the largest: 0; 0.04; 0.09; then 0.15 is over the bound.
    assert committed(rule.decide(canvas(4), proposal([0.9] * 4, entropy=entropy), step=0)) == [0, 2, 3]


def test_entropy_bound_is_inclusive_and_commits_one_at_least() -> None:
    assert committed(EntropyBound(bound=0).decide(canvas(2), proposal([0.5, 0.5], entropy=[2.0, 3.0]), step=0)) == [0]
    both = EntropyBound(bound=2.0).decide(canvas(2), proposal([0.5, 0.5], entropy=[2.0, 3.0]), step=0)
    assert committed(both) == [0, 1]


def test_low_confidence_spreads_the_open_positions_over_the_steps() -> None:
    rule = LowConfidence(steps=3)
    board = canvas(7)
    counts = []
    for step in range(3):
        decision = rule.decide(board, proposal([0.1, 0.7, 0.2, 0.6, 0.3, 0.5, 0.4]), step=step)
        counts.append(len(committed(decision)))
        board = board.apply(decision)
    assert counts == [3, 2, 2]
    assert not board.open.any()


def test_low_confidence_takes_the_most_confident() -> None:
    assert committed(LowConfidence(steps=2).decide(canvas(4), proposal([0.1, 0.7, 0.2, 0.6]), step=0)) == [1, 3]


def test_one_at_a_time_takes_the_most_confident_and_left_to_right_the_first() -> None:
    given = proposal([0.1, 0.8, 0.2], ends=())
    assert committed(OneAtATime().decide(canvas(3), given, step=0)) == [1]
    assert committed(OneAtATime().decide(canvas(3), proposal([0.1, 0.2, 0.8], ends=(2,)), step=0)) == [1]
    assert committed(LeftToRight().decide(canvas(3), given, step=0)) == [0]
    assert committed(LeftToRight().decide(canvas(3, decided=(0,)), given, step=0)) == [1]


def test_margin_prefers_a_clear_lead_to_a_high_probability() -> None:
    given = proposal([0.5, 0.45, 0.1], margin=[0.02, 0.4, 0.05])
    assert committed(TopKMargin().decide(canvas(3), given, step=0)) == [1]
    assert committed(TopKMargin(count=2).decide(canvas(3), given, step=0)) == [1, 2]


def test_blocks_hold_back_what_is_sure_but_far() -> None:
    rule = Blocks(inner=Threshold(tau=0.5, reach=1.0), size=2)
    given = proposal([0.6, 0.4, 0.9, 0.9, 0.9])
    assert committed(rule.decide(canvas(5), given, step=0)) == [0]
    assert committed(rule.decide(canvas(5, decided=(0, 1)), given, step=1)) == [2, 3]
    assert committed(rule.decide(canvas(5, decided=(0, 1, 2, 3)), given, step=1)) == [4]


def test_blocks_advance_hole_by_hole() -> None:
    rule = Blocks(inner=Threshold(tau=0.5, reach=1.0), size=2)
    board = canvas(3, 3, decided=(3, 4))
    assert committed(rule.decide(board, proposal([0.9] * 6), step=1)) == [0, 1, 5]


def test_low_confidence_in_blocks_is_llada() -> None:
    """LLaDA's own schedule: block after block, each in `steps` steps, the remainder in the first of them."""
    rule = Blocks(inner=LowConfidence(steps=2), size=5)
    board, orders = canvas(10), []
    confidence = [0.1, 0.5, 0.3, 0.4, 0.2, 0.95, 0.9, 0.6, 0.7, 0.8]
    for step in range(4):
        decision = rule.decide(board, proposal(confidence), step=step)
        orders.append(committed(decision))
        board = board.apply(decision, step=step)
    assert orders == [[1, 2, 3], [0, 4], [5, 6, 9], [7, 8]]
    assert not board.open.any()


def rescore(board: Canvas, rule: Reopening, probability: list[float], best_other: list[float]) -> Rescored:
    return Rescored(
        asked=rule.reviewed(board),
        probability=np.array([probability], dtype=F32),
        best_other=np.array([best_other], dtype=F32),
        other=np.zeros(board.ids.shape, dtype=np.int64),
    )


def filled(confidence: list[float]) -> Canvas:
    """A canvas whose positions were committed with these confidences."""
    fresh = Canvas.masked([len(confidence)], mask_id=0)
    chosen = Decision.committing(fresh.open, np.full(fresh.ids.shape, 5), np.array([confidence], dtype=F32))
    return fresh.apply(chosen, step=0)


def test_reopened_is_what_fell_and_is_beaten() -> None:
    rule = Reopening(margin=2.0)
    board = filled([0.5, 0.5, 0.5, 0.5])
    #                  fell and beaten; risen; beaten too little; risen and beaten
    seen = rescore(board, rule, [0.2, 0.6, 0.3, 0.51], [0.4, 0.3, 0.5, 1.1])
    assert rule.reopened(board, seen).tolist() == [[True, False, False, False]]


def test_reopened_leaves_what_was_given_and_what_was_reopened_before() -> None:
    rule = Reopening(limit=1)
    given = Canvas.decided([[np.array([5, 6, 7])]], mask_id=0)
    assert not rule.reviewed(given).any()
    board = filled([0.5, 0.5, 0.5])
    nothing = Decision.nothing(board)
    board = board.apply(replace(nothing, reopen=np.array([[True, False, False]])))
    assert not rule.reviewed(board)[0, 0], "it is open"
    sure = np.ones(board.ids.shape, dtype=F32)
    board = board.apply(Decision.committing(board.open, np.full(board.ids.shape, 9), sure), step=1)
    assert rule.reviewed(board).tolist() == [[False, True, True]]
    twice = Reopening(limit=2)
    assert twice.reviewed(board).all()
    assert rule.reopened(board, rescore(board, rule, [0, 0.1, 0.1], [0, 0.9, 0.9])).tolist() == [[False, True, True]]


def test_names_and_options() -> None:
    assert sampler("auto") == Threshold()
    assert sampler("auto", steps=4) == LowConfidence(steps=4)
    assert sampler("threshold(tau=0.7)") == Threshold(tau=0.7)
    assert sampler("entropy_bound(0.2)") == EntropyBound(bound=0.2)
    assert sampler("threshold(0.7, leftmost=False)") == Threshold(tau=0.7, leftmost=False)
    assert sampler("blocks(low_confidence(steps=4), size=8)") == Blocks(inner=LowConfidence(steps=4), size=8)
    assert sampler("reopening(blocks(margin))") == Reopening(inner=Blocks(inner=TopKMargin()))
    assert sampler("drawn(one_at_a_time, 1, top_p=0.9)") == Drawn(inner=OneAtATime(), temperature=1.0, top_p=0.9)
    assert sampler(" left_to_right() ") == LeftToRight()


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("magic", r"unknown sampler 'magic': choose auto, threshold\(tau=0.9, .*blocks\(SAMPLER, size=32\)"),
        ("help", "choose auto, threshold"),
        ("blocks(magic)", "unknown sampler 'magic'"),
        ("blocks(threshold", "unknown sampler 'blocks"),
        ("", "unknown sampler ''"),
        ("threshold; import os", "unknown sampler"),
        ("__import__('os')", "unknown sampler '__import__'"),
        ("entropy_bound(tau=0.5)", "entropy_bound does not read tau; it reads bound"),
        ("left_to_right(3)", "left_to_right does not read 3; it reads no options"),
        ("threshold(0.5, tau=0.6)", "tau is given twice"),
        ("threshold(tau=1.5)", "tau=1.5 is not a number from 0 to 1"),
        ("threshold(tau=low)", "tau=low is not a number from 0 to 1"),
        ("threshold(leftmost=1)", "leftmost=1 is not True or False"),
        ("blocks(threshold, size=2.5)", "size=2.5 is not a whole number from 1"),
        ("blocks(threshold, size=0)", "size=0 is not a whole number from 1"),
        ("blocks(0.5)", "unknown sampler '0.5'"),
        ("threshold(*[1])", "tau="),
        ("threshold(**{})", "does not read"),
        ("(" * 300, "unknown sampler"),
    ],
)  # fmt: skip
def test_a_bad_spec_is_refused_with_the_remedy(spec: str, says: str) -> None:
    with pytest.raises(BadRequest, match=says) as error:
        sampler(spec)
    assert "\n" not in str(error.value)


def test_steps_go_to_a_sampler_that_reads_them() -> None:
    assert sampler("low_confidence", steps=3) == LowConfidence(steps=3)
    with pytest.raises(BadRequest, match=r"threshold does not read steps.*low_confidence reads steps"):
        sampler("threshold", steps=3)
    with pytest.raises(BadRequest, match="0 steps"):
        sampler("low_confidence", steps=0)
