from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from model.attempts import repetition
from model.errors import UnknownModel
from model.ranking import Features, Weights, best_first, signals, utility

OWN = Features(mean_log_prob=-0.4, sum_log_prob=-4)
COPY = Features(mean_log_prob=-1.8, sum_log_prob=-18, left_chars=10, right_chars=10, likeness=9.5, kept=1.0)


def test_a_long_two_sided_match_outweighs_a_mild_preference_of_the_model() -> None:
    assert best_first([OWN, COPY]) == [1, 0]


def test_the_model_wins_where_it_clearly_prefers_its_own() -> None:
    assert best_first([OWN, replace(COPY, mean_log_prob=-6.0)]) == [0, 1]


def test_a_short_match_is_worth_little() -> None:
    assert best_first([OWN, replace(COPY, likeness=4.0)]) == [0, 1]


def test_the_match_speaks_for_whole_copies_only() -> None:
    assert best_first([OWN, replace(COPY, kept=0.5)]) == [0, 1]


def test_what_does_not_parse_comes_last_and_agreement_helps() -> None:
    assert best_first([replace(OWN, parses=False), replace(COPY, likeness=4.0)]) == [1, 0]
    assert utility(replace(OWN, sources=4)) > utility(replace(OWN, sources=2)) > utility(OWN)


def test_going_round_in_circles_is_no_virtue() -> None:
    assert best_first([replace(OWN, repetition=0.6), replace(OWN, mean_log_prob=-2.0)]) == [1, 0]
    assert repetition(np.tile([1, 2, 3], 4)) == pytest.approx(0.7)
    assert repetition(np.arange(9)) == repetition(np.array([1])) == 0


def test_equals_keep_their_order() -> None:
    assert best_first([OWN, OWN, OWN]) == [0, 1, 2]


@pytest.mark.parametrize("weight", [f.name for f in fields(Weights)])
def test_every_weight_has_its_signal(weight: str) -> None:
    nothing = {f.name: 0.0 for f in fields(Weights)}
    only = Weights(**{**nothing, weight: 2.0})
    some = replace(COPY, parses=True, repetition=0.5)
    assert utility(some, only) == pytest.approx(2.0 * signals(some)[weight])
    assert set(signals(some)) == set(nothing)


@pytest.mark.parametrize("damaged", ["{", "{}", '{"weights": {"no_such_signal": 1}}', "[]"])
def test_damaged_weights_say_what_to_do(tmp_path: Path, damaged: str) -> None:
    path = tmp_path / "ranking.json"
    assert Weights.read(path) == Weights()
    path.write_text(damaged)
    with pytest.raises(UnknownModel, match="delete it"):
        Weights.read(path)
    path.write_text('{"weights": {"likeness": 0.5}}')
    assert Weights.read(path).likeness == 0.5
