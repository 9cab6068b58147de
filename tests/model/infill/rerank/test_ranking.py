from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from model.errors import UnknownModel
from model.infill.hypothesis import repetition
from model.infill.rerank.ranking import Features, Ranking, Weights, best_first, probabilities, signals, utility

OWN = Features(mean_log_prob=-0.4, sum_log_prob=-4)
COPY = Features(
    mean_log_prob=-1.8, sum_log_prob=-18, left_chars=10, right_chars=10, likeness=9.5, kept=1.0, draft_rank=0
)


def test_a_long_two_sided_match_outweighs_a_mild_preference_of_the_model() -> None:
    assert best_first([OWN, COPY]) == [1, 0]


def test_the_model_wins_where_it_clearly_prefers_its_own() -> None:
    own = replace(OWN, mean_log_prob=-0.1, sum_log_prob=-0.5, written_rank=0)
    unlikely = replace(COPY, mean_log_prob=-6.0, sum_log_prob=-60.0, least_log_prob=-12.0)
    assert best_first([own, unlikely]) == [0, 1]


def test_a_short_match_is_worth_little() -> None:
    assert best_first([OWN, replace(COPY, left_chars=1, right_chars=0, likeness=4.0)]) == [0, 1]


def test_the_match_speaks_for_whole_copies_only() -> None:
    assert best_first([OWN, replace(COPY, kept=0.5)]) == [0, 1]


def test_what_does_not_parse_comes_last_and_agreement_helps() -> None:
    assert best_first([replace(OWN, parses=False), replace(COPY, likeness=4.0)]) == [1, 0]
    assert utility(replace(OWN, sources=4)) > utility(replace(OWN, sources=2)) > utility(OWN)


def test_going_round_in_circles_is_no_virtue() -> None:
    assert best_first([replace(OWN, repetition=0.6), replace(OWN, mean_log_prob=-0.6)]) == [1, 0]
    assert repetition(np.tile([1, 2, 3], 4)) == pytest.approx(0.7)
    assert repetition(np.arange(9)) == repetition(np.array([1])) == 0


def test_probabilities_leave_room_for_none_being_right() -> None:
    plain = Ranking(inside=Weights(constant=0.0))
    alone = probabilities([OWN], plain)
    assert alone == pytest.approx([1 / (1 + np.exp(-utility(OWN, plain)))])
    both = probabilities([OWN, COPY], plain)
    assert sum(both) < 1
    assert both[0] < alone[0]
    assert probabilities([OWN], Ranking(inside=Weights(constant=900.0))) == pytest.approx([1.0])
    assert probabilities([OWN], Ranking(inside=Weights(constant=-900.0))) == pytest.approx([0.0])
    assert probabilities([]) == []


def test_a_copy_from_another_file_can_be_worth_less() -> None:
    wary = Ranking(inside=Weights(elsewhere=-1.5))
    elsewhere = replace(COPY, elsewhere=True)
    assert utility(elsewhere, wary) == pytest.approx(utility(COPY, wary) - 1.5)
    assert utility(replace(elsewhere, kept=0.5), wary) == utility(replace(COPY, kept=0.5), wary)


def test_equals_keep_their_order() -> None:
    assert best_first([OWN, OWN, OWN]) == [0, 1, 2]


@pytest.mark.parametrize("weight", [f.name for f in fields(Weights)])
def test_every_weight_has_its_signal(weight: str) -> None:
    nothing = {f.name: 0.0 for f in fields(Weights)}
    only = Ranking(inside=Weights(**{**nothing, weight: 2.0}))
    some = replace(COPY, parses=True, repetition=0.5, written_rank=2, known_words=0.5, repeats=True, elsewhere=True)
    assert utility(some, only) == pytest.approx(2.0 * signals(some)[weight])
    assert set(signals(some)) == set(nothing)


@pytest.mark.parametrize(
    "damaged", ["{", "{}", '{"inside": {"no_such_signal": 1}, "lines": {}}', '{"weights": {}}', "[]"]
)
def test_damaged_weights_say_what_to_do(tmp_path: Path, damaged: str) -> None:
    path = tmp_path / "ranking.json"
    assert Ranking.read(path) == Ranking()
    path.write_text(damaged)
    with pytest.raises(UnknownModel, match="delete it"):
        Ranking.read(path)
    path.write_text('{"inside": {"likeness": 0.5}, "lines": {"likeness": 0.7}}')
    read = Ranking.read(path)
    assert read.of(OWN).likeness == 0.5
    assert read.of(replace(OWN, whole_lines=True)).likeness == 0.7
