from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import BadRequest
from model.infill.budget import BudgetMeter
from model.infill.decoding.beam import Search
from model.infill.decoding.demands import Demand, demand_of
from model.infill.encoding import encode_prompt, token_table
from model.types import Budget, Hole, Template
from tests.model.infill.decoding.test_beam import SPEC, STOP, Tree
from tests.model.scripted import CharCodec

CODEC = CharCodec()


def demand(hole: Hole, before: str = "") -> Demand:
    encoded = encode_prompt(Template(pieces=(before, ""), holes=(hole,)), CODEC, context_tokens=50)
    found = demand_of(hole, encoded, CODEC)
    assert found is not None
    return found


def searched(hole: Hole, likely: dict[str, float]) -> list[str]:
    """What a search finds where every text goes on by the same probabilities."""
    search = Search(
        Tree(lambda text: likely), hole, spec=SPEC, table=token_table(CODEC, vocab_size=SPEC.vocab_size), width=3,
        meter=BudgetMeter(budget=Budget(max_forward_passes=12)), cancelled=lambda: False, demand=demand(hole),
    )  # fmt: skip
    return [CODEC.decode(text.ids[:-1]) for text in search.run()[0]]


def test_what_is_written_matches_though_the_network_would_rather_write_something_else() -> None:
    found = searched(Hole(must_match=":(?:ab|ba)+"), {"a": 0.6, STOP: 0.3, "b": 0.05, ":": 0.01})
    assert found
    assert all(re.fullmatch(":(?:ab|ba)+", text) for text in found)


def test_nothing_that_cannot_match_comes_back_when_there_is_no_time() -> None:
    assert searched(Hole(must_match="a{40}"), {"a": 0.5, STOP: 0.5}) == []


def test_a_balanced_hole_does_not_go_on_behind_its_end() -> None:
    found = searched(Hole(stop="balanced"), {"(": 0.3, ")": 0.4, "a": 0.2, STOP: 0.1})
    assert found
    assert not any(re.search(r"^\(a*\).", text) for text in found)


@given(st.from_regex(r"\A[a-c]{1,3}(?:\[[a-c]\])?\Z"), st.integers(0, 6))
def test_every_beginning_of_a_match_may_go_on(text: str, length: int) -> None:
    asked = demand(Hole(must_match=r"[a-c]{1,3}(?:\[[a-c]\])?"))
    ids = CODEC.encode(text, at_line_start=True)
    assert asked.may(ids[:length])
    assert asked.fits(ids)
    assert not asked.may(CODEC.encode(text + "x", at_line_start=True))


def test_no_demand_where_any_text_will_do() -> None:
    encoded = encode_prompt(Template(pieces=("", ""), holes=(Hole(),)), CODEC, context_tokens=50)
    assert demand_of(Hole(), encoded, CODEC) is None
    with pytest.raises(BadRequest, match="no regular expression"):
        demand(Hole(must_match="("))
