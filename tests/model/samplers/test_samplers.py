from __future__ import annotations

import numpy as np
import pytest

from model.canvas import Canvas
from model.errors import BadRequest
from model.proposal import Proposal
from model.samplers import KINDS, sampler
from model.samplers.entropy_bound import EntropyBound
from model.samplers.low_confidence import LowConfidence
from model.samplers.threshold import Threshold

F32 = np.float32


def proposal(confidence: list[float], *, ends: tuple[int, ...] = (), entropy: list[float] | None = None) -> Proposal:
    n = len(confidence)
    return Proposal(
        ids=np.arange(10, 10 + n)[None],
        confidence=np.array([confidence], dtype=F32),
        entropy=np.array([entropy or [1.0] * n], dtype=F32),
        ends=np.array([[i in ends for i in range(n)]]),
    )


def canvas(*lengths: int, decided: tuple[int, ...] = ()) -> Canvas:
    fresh = Canvas.masked(lengths, mask_id=0)
    if not decided:
        return fresh
    chosen = np.array([[i in decided for i in range(fresh.ids.shape[1])]])
    from model.canvas import Decision

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


def test_names_and_options() -> None:
    assert sampler("auto") == Threshold()
    assert sampler("auto", steps=4) == LowConfidence(steps=4)
    assert sampler("threshold", tau=0.7) == Threshold(tau=0.7)
    with pytest.raises(BadRequest, match="choose auto, threshold, entropy_bound, low_confidence"):
        sampler("magic")
    with pytest.raises(BadRequest, match="entropy_bound does not read tau; it reads bound"):
        sampler("entropy_bound", tau=0.5)
    with pytest.raises(BadRequest, match="0 steps"):
        sampler("low_confidence", steps=0)
