"""Holes in brackets: where their texts end, by a scripted tree of texts and through the whole engine."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from model.infill.budget import BudgetMeter
from model.infill.decoding.beam import Search
from model.infill.decoding.enclosure import enclosure_of
from model.infill.encoding import encode_prompt, token_table
from model.types import Budget, Hole, Template
from tests.model.infill.decoding.test_beam import SPEC, STOP, Tree
from tests.model.infill.decoding.test_requests import filler, request, texts
from tests.model.scripted import CharCodec, Scripted

CODEC = CharCodec()


def searched(
    before: str, after: str, follows: Mapping[str, Mapping[str, float]], hole: Hole | None = None
) -> dict[str, float]:
    """How likely each text is that a search finds between the two; texts go on as `follows` says, else with a letter."""
    encoded = encode_prompt(Template(pieces=(before, after), holes=(hole or Hole(),)), CODEC, context_tokens=100)
    search = Search(
        Tree(lambda text: follows.get(text, {"z": 1.0})), hole or Hole(), spec=SPEC,
        table=token_table(CODEC, vocab_size=SPEC.vocab_size), width=3, meter=BudgetMeter(budget=Budget()),
        cancelled=lambda: False, enclosure=enclosure_of(encoded, CODEC),
        start=encoded.context.starts_with[0],
    )  # fmt: skip
    return {CODEC.decode(text.ids[:-1]): float(np.exp(text.nats)) for text in search.run()[0]}


def test_to_close_the_bracket_that_stands_behind_is_to_end() -> None:
    follows = {"": {"1": 1.0}, "1": {")": 0.6, STOP: 0.3, "2": 0.1}, "12": {STOP: 1.0}}
    assert searched("(", ")\n", follows) == pytest.approx({"1": 0.9, "12": 0.1}, abs=1e-4)


def test_to_say_again_what_stands_behind_is_to_end_before_it() -> None:
    follows = {"": {"1": 1.0}, "1": {",": 0.7, STOP: 0.3}, "1,": {"2": 1.0}, "1,2": {")": 0.8, STOP: 0.2}}
    assert searched("(", ",2)\n", follows) == pytest.approx({"1": 0.3 + 0.56, "1,2": 0.14}, abs=1e-4)


def test_a_text_that_closes_the_bracket_otherwise_leaves_the_search() -> None:
    follows = {"": {"1": 1.0}, "1": {")": 0.9, STOP: 0.1}, "1)": {STOP: 1.0}}
    assert searched("(", ",2)\n", follows) == pytest.approx({"1": 0.1}, abs=1e-4)


def test_brackets_of_its_own_a_text_may_close() -> None:
    follows = {"": {"(": 1.0}, "(": {"1": 1.0}, "(1": {")": 1.0}, "(1)": {")": 1.0}}
    assert searched("(", ")\n", follows) == pytest.approx({"(1)": 1.0}, abs=1e-4)


@pytest.mark.parametrize(("before", "after"), [("((", ")\n"), ("(", "\n"), ("(", "\n)")])
def test_where_the_line_does_not_close_the_bracket_the_text_may(before: str, after: str) -> None:
    follows = {"": {"1": 1.0}, "1": {")": 0.9, STOP: 0.1}, "1)": {STOP: 1.0}}
    assert searched(before, after, follows) == pytest.approx({"1)": 0.9, "1": 0.1}, abs=1e-4)


def test_a_rewriting_may_close_what_the_old_text_closed() -> None:
    follows = {"": {"1": 1.0}, "1": {")": 0.9, STOP: 0.1}, "1)": {STOP: 1.0}}
    assert "1)" in searched("(", ")\n", follows, Hole(old_text="2) + (3"))


def test_what_a_healed_hole_begins_with_is_not_its_own() -> None:
    follows = {"": {"a": 1.0}, "a": {"b": 1.0}, "ab": {")": 0.9, STOP: 0.1}}
    assert searched("f(a", ")\n", follows) == pytest.approx({"ab": 1.0}, abs=1e-4)


@pytest.mark.parametrize("denoises", [True, False])
def test_an_argument_ends_at_its_bracket_whoever_writes_it(denoises: bool) -> None:
    backend = Scripted(["1 + 2) + rest"], denoises=denoises, beam=0 if denoises else 3)
    assert texts(filler(backend).fill(request("call(", ")\n", holes=(Hole(),))))[0] == ("1 + 2",)
