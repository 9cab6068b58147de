from __future__ import annotations

import pytest

from model.infill.drafts.matches import drafts_for
from model.infill.drafts.renaming import neighbours, renamed


@pytest.mark.parametrize(
    ("text", "pairs", "expected"),
    [
        ("if cls is None:", [("def find(cls):", "def find(func):")], "if func is None:"),
        ("command_name: str,", [("def add_command(", "def add_option(")], "option_name: str,"),
        ("CommandError", [("self.command_name = x", "self.option_name = x")], "OptionError"),
        ("COMMAND = 1", [("the_command = 2", "the_option = 2")], "OPTION = 1"),
        ("a = b", [("first(a, 1)", "first(a, 1)")], None),  # nothing differs
        ("a = b", [("first(a, 1)", "return [x for x in y]")], None),  # lines that are not alike
        ("a = b", [("x(a)", "x(c)"), ("y(a)", "y(d)"), ("z(a)", "z(d)")], "d = b"),  # the more frequent name
        ("a = b", [("", "")], None),
        ("unrelated", [("x(a)", "x(c)")], None),
    ],
)
def test_what_differs_around_is_renamed(text: str, pairs: list[tuple[str, str]], expected: str | None) -> None:
    assert renamed(text, pairs) == expected


def test_a_line_with_one_more_argument_still_tells_the_names() -> None:
    pairs = [("result = join(left, key, fast)", "result = join(right, key, fast, now)")]
    assert renamed("print(left)", pairs) == "print(right)"


def test_neighbours_are_paired_by_distance_and_end_with_the_text() -> None:
    lines = ["0", "1", "source", "3"]
    assert neighbours(lines, 2, 1, ["a", "b"], ["c", "d"], 3) == [("1", "b"), ("3", "c"), ("0", "a")]


REPEATED = (
    "def width_of(box):\n    if box.width is None:\n        raise Missing('width')\n    return box.width\n\n"
    "def height_of(box):\n"
)


def test_a_draft_comes_in_the_names_of_its_new_place_behind_the_copies() -> None:
    pieces = (REPEATED + "    if box.height is None:\n", "\n    return box.height\n")
    found = drafts_for(pieces, 0, (), 4, max_lines=1, renamings=2)
    assert found[0].text == "        raise Missing('width')"
    assert not found[0].renamed
    best = next(draft for draft in found if draft.renamed)
    assert best.text == "        raise Missing('height')"
    assert (best.rank, best.left_match_chars) == (0, found[0].left_match_chars)
    plain = drafts_for(pieces, 0, (), 4, max_lines=1)
    assert plain == [draft for draft in found if not draft.renamed]


def test_inside_a_line_its_own_start_tells_the_names() -> None:
    pieces = ("a.left = check(left)\na.right = ", "\n")
    found = drafts_for(pieces, 0, (), 4, max_lines=1, renamings=2)
    assert "check(right)" in [draft.text for draft in found if draft.renamed]


def test_renaming_never_reaches_across_a_hole() -> None:
    pieces = ("x = one(1)\n", "\ny = two(2)\n", "\nx = one(1)\n")
    for draft in drafts_for(pieces, 0, (), 8, renamings=4):
        assert "\0" not in draft.text
