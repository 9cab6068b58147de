"""Where a text of several lines ends that goes on with the lines behind its hole."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.infill.budget import BudgetMeter
from model.infill.decoding.beam import Search
from model.infill.decoding.repeated_suffix import TELLING_CHARACTERS, RepeatedSuffix, repeated_suffix_of
from model.infill.encoding import encode_prompt, token_table
from model.types import Budget, Hole, Template
from tests.model.infill.decoding.test_beam import SPEC, STOP, Tree
from tests.model.scripted import CharCodec

CODEC = CharCodec()
LINES = st.lists(st.text("ab(): ", min_size=1, max_size=14).filter(str.strip), min_size=1, max_size=4)


def suffix_of(before: str, after: str, *, hole: Hole | None = None) -> RepeatedSuffix | None:
    template = Template(pieces=(before, after), holes=(hole or Hole(),))
    return repeated_suffix_of(encode_prompt(template, CODEC, context_tokens=500), CODEC)


def own_of(text: str, before: str, after: str) -> str | None:
    """The text up to where it begins to say again what stands behind it; None if it does not."""
    found = suffix_of(before, after)
    ids = CODEC.encode(text, at_line_start=True)
    own = found.own_tokens(ids) if found else 0
    return CODEC.decode(ids[:own]) if own else None


@given(own=LINES, behind=LINES, above=LINES)
def test_a_text_that_says_the_first_two_lines_of_the_suffix_ends_before_them(
    own: list[str], behind: list[str], above: list[str]
) -> None:
    before, after = "".join(f"{line}\n" for line in above), "".join(f"\n{line}" for line in behind) + "\n"
    said = [line.rstrip() for line in behind if line.strip()]
    text = "".join(f"{line}\n" for line in own)
    got = own_of(text + "".join(f"{line}\n" for line in said[:2]), before, after)
    if len(said) > 1:
        assert got is not None
        assert text.startswith(got)
    telling = sum(c.isalnum() for c in said[0]) >= TELLING_CHARACTERS
    if got is None:
        assert len(said) < 2
        assert not telling or said[0] in [line.rstrip() for line in (*above, *behind[1:])]


@given(own=LINES, behind=LINES)
def test_a_text_without_the_suffix_goes_on(own: list[str], behind: list[str]) -> None:
    known = {line.rstrip() for line in behind}
    text = "".join(f"{line}\n" for line in own if line.rstrip() not in known)
    assert own_of(text, "", "".join(f"\n{line}" for line in behind)) is None


@pytest.mark.parametrize(
    ("text", "before", "after", "own"),
    [
        ("a = 1\nreturn total_of(b)\n", "", "\nreturn total_of(b)\n", "a = 1\n"),
        ("a = 1\nreturn total_of(b)", "", "\nreturn total_of(b)\n", None),  # the line may go on
        ("a = 1\n    return total_of(b)\n", "", "\nreturn total_of(b)\n", None),  # another line: it is indented
        (
            "a = 1\nreturn total_of(b)\n",
            "return total_of(b)\n",
            "\nreturn total_of(b)\n",
            None,
        ),  # the file says it twice
        ("a = 1\nelse:\n", "", "\nelse:\n    pass\n", None),
        ("a = 1\nelse:\n    pass\n", "", "\nelse:\n    pass\n", "a = 1\n"),
        ("return total_of(b)\n", "", "\nreturn total_of(b)\n", None),  # nothing would be left
        ("1, 2\nreturn total_of(b)\n", "", ")\nreturn total_of(b)\n", None),  # the gap ends within a line
    ],
)
def test_what_counts_as_the_suffix_said_again(text: str, before: str, after: str, own: str | None) -> None:
    assert own_of(text, before, after) == own


def test_a_hole_of_one_line_has_none() -> None:
    assert suffix_of("", "\nreturn total_of(b)\n", hole=Hole(max_lines=1)) is None


def searched(follows: Mapping[str, Mapping[str, float]], after: str) -> dict[str, float]:
    encoded = encode_prompt(Template(pieces=("", after), holes=(Hole(),)), CODEC, context_tokens=100)
    search = Search(
        Tree(lambda text: follows.get(text, {"z": 1.0})), Hole(), spec=SPEC,
        table=token_table(CODEC, vocab_size=SPEC.vocab_size), width=2, meter=BudgetMeter(budget=Budget()),
        cancelled=lambda: False, suffix=repeated_suffix_of(encoded, CODEC), start=encoded.context.starts_with[0],
    )  # fmt: skip
    return {CODEC.decode(text.ids[:-1]).strip(): float(np.exp(text.nats)) for text in search.run()[0]}


def test_what_the_network_gives_to_the_suffix_counts_for_ending() -> None:
    line = "bcdefghij\n"
    follows = {"": {"a": 1.0}, "a": {"\n": 1.0}, "a\n": {"b": 0.8, STOP: 0.2}}
    follows |= {f"a\n{line[:n]}": {line[n]: 1.0} for n in range(1, len(line))}
    assert searched(follows, f"\n{line}")["a"] == pytest.approx(1.0, abs=1e-3)
