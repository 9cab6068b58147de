from __future__ import annotations

import itertools
import random
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.infill.drafts.matches import Draft, drafts_for, drafts_from


def split(marked: str) -> list[str]:
    """Pieces of a text with a ‸ for each hole."""
    return marked.split("‸")


def best(marked: str, *extra: str, hole: int = 0, max_lines: int | None = 1) -> Draft | None:
    found = drafts_for(split(marked), hole, extra, 4, max_lines=max_lines)
    return found[0] if found else None


def text(marked: str, *extra: str, hole: int = 0, max_lines: int | None = 1) -> str | None:
    found = best(marked, *extra, hole=hole, max_lines=max_lines)
    return found.text if found else None


TWICE = "begin()\nmiddle_one()\nfinish()\n\nbegin()\nmiddle_two()\nother()\n\n"


def test_both_sides_decide_between_equal_left_sides() -> None:
    assert text(TWICE + "begin()\n‸\nfinish()\n") == "middle_one()"
    assert text(TWICE + "begin()\n‸\nother()\n") == "middle_two()"


def test_match_lengths_count_characters_on_each_side() -> None:
    found = best("f[left(xyz)right]\ng(left(‸)righ\n")
    assert found is not None
    assert (found.text, found.left_match_chars, found.right_match_chars) == ("xyz", len("left("), len(")righ"))


def test_the_draft_gets_the_indentation_of_its_new_place() -> None:
    source = "def f():\n    begin()\n    if ready:\n        act()\n    finish()\n\n\n"
    deep = source + "class C:\n    def g(self):\n        begin()\n‸\n        finish()\n"
    assert text(deep, max_lines=2) == "        if ready:\n            act()"
    flat = source + "begin()\n‸\nfinish()\n"
    assert text(flat, max_lines=2) == "if ready:\n    act()"


def test_tabs_stay_tabs() -> None:
    assert text("\tbegin()\n\t\twork()\n\tfinish()\n\t\t\tbegin()\n‸\n\t\t\tfinish()\n") == "\t\t\t\twork()"


def test_a_hole_inside_a_line() -> None:
    assert text("value = compute(left, right)\nother = compute(‸)\n") == "left, right"


def test_max_lines_bounds_the_draft() -> None:
    source = "begin()\none()\ntwo()\nfinish()\n\nbegin()\n‸\nfinish()\n"
    assert text(source, max_lines=2) == "one()\ntwo()"
    assert text(source, max_lines=None) == "one()\ntwo()"
    single = drafts_for(split(source), 0, (), 9, max_lines=1)
    assert all("\n" not in draft.text for draft in single)


def test_no_draft_reaches_across_a_hole() -> None:
    pieces = split("a(‸)b(‸)")
    for hole in (0, 1):
        for draft in drafts_for(pieces, hole, (), 9):
            assert any(draft.text in piece for piece in pieces)


def test_other_text_is_a_source_and_is_named() -> None:
    found = best("begin_work()\n‸\nfinish_work()\n", "nothing here\n", "begin_work()\nactual()\nfinish_work()\n")
    assert found is not None
    assert (found.text, found.source) == ("actual()", 3)


def test_agreeing_places_are_counted_once_each() -> None:
    found = best("open()\nread()\nclose()\n" * 3 + "open()\n‸\nclose()\n")
    assert found is not None
    assert (found.text, found.sources) == ("read()", 3)


@pytest.mark.parametrize("marked", ["‸", "‸\nx = 1\n", "x = 1\n‸", "\n\n‸\n\n", "é🙂‸🙂é", "a\0‸\0b"])
def test_odd_surroundings_are_no_error(marked: str) -> None:
    for draft in drafts_for(split(marked), 0, (), 4):
        assert draft.text.strip()


@given(st.lists(st.text("ab \n()🙂\t", max_size=60), min_size=2, max_size=4), st.sampled_from([None, 1, 2]))
def test_drafts_come_from_one_text_and_obey_the_limits(pieces: list[str], max_lines: int | None) -> None:
    for hole in range(len(pieces) - 1):
        found = drafts_for(pieces, hole, (), 3, max_lines=max_lines)
        assert len(found) <= 3
        assert len({draft.text.strip() for draft in found}) <= len(found)
        for draft in found:
            assert draft.text.strip()
            assert max_lines is None or draft.text.count("\n") < max_lines
            squeezed = "".join(draft.text.split())
            assert squeezed in "".join(pieces[draft.source].split())


def test_the_work_in_a_hundred_thousand_characters_is_bounded() -> None:
    """Counted in events of the profiler, calls and returns of Python's and C's functions, which no load changes."""
    rng = random.Random(1)
    words = [f"name_{i}" for i in range(300)]
    lines = [
        "    " * rng.randint(0, 3) + f"{rng.choice(words)} = {rng.choice(words)}({rng.choice(words)})"
        for _ in range(3200)
    ]
    pieces = ["\n".join(lines[:1600]) + "\n", "\n" + "\n".join(lines[1601:])]
    assert sum(map(len, pieces)) > 100_000
    events = itertools.count()
    sys.setprofile(lambda *_: next(events))
    try:
        drafts_for(pieces, 0, (), 4, max_lines=1)
    finally:
        sys.setprofile(None)
    assert next(events) < 25_000, "8,600; per line or draft of the text it would be millions"


def test_drafts_of_other_files_come_from_there_alone() -> None:
    here = split("begin()\nhere()\nfinish()\n\nbegin()\n‸\nfinish()\n")
    others = ["nothing of the kind\n", "    begin()\n    there()\n    finish()\n"]
    found = drafts_from(others, here, 0, 4, max_lines=1)
    assert found[0].text == "there()"
    assert "here()" not in [draft.text for draft in found]
    assert (found[0].elsewhere, found[0].source) == (True, 1)
    own = drafts_for(here, 0, (), 4, max_lines=1)
    assert (own[0].text, own[0].elsewhere) == ("here()", False)


def test_no_draft_reaches_from_one_file_into_the_next() -> None:
    assert drafts_from(["begin()\none()", "finish()\n"], split("begin()\n‸\nfinish()\n"), 0, 4, max_lines=2) == []


def test_drafts_of_other_files_are_renamed_as_well() -> None:
    there = "open_command(command)\nrun_command(command)\nclose_command(command)\n"
    here = split("open_option(option)\n‸\nclose_option(option)\n")
    found = drafts_from([there], here, 0, 4, max_lines=1, renamings=2)
    assert "run_option(option)" in [draft.text for draft in found if draft.renamed and draft.elsewhere]
