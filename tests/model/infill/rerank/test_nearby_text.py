from __future__ import annotations

import pytest

from model.infill.rerank.nearby_text import NearbyText, nearby_text

BEFORE = "def area(width, height):\n    total = width * height\n    "
AFTER = "\n    return total\n"


def test_names_near_the_hole_are_known() -> None:
    around = NearbyText.of(BEFORE, AFTER)
    assert around.known_words("width + total") == 1.0
    assert around.known_words("width + depth") == 0.5
    assert around.known_words("12 + 3") == around.known_words("") == 0.0


@pytest.mark.parametrize(
    ("text", "repeated"),
    [("return total", True), ("total = width * height", True), ("total = 1", False), ("return total\n    pass", False)],
)
def test_a_line_that_stands_near_the_hole_is_a_repetition(text: str, *, repeated: bool) -> None:
    assert NearbyText.of(BEFORE, AFTER).repeats(text) is repeated


def test_what_stands_before_the_hole_in_its_line_counts() -> None:
    around = NearbyText.of("a = 1\nb = 2\na = ", "\nc = 3\n")
    assert around.repeats("1")
    assert not around.repeats("2")
    assert not around.repeats("c = 3")


def test_far_lines_are_no_neighbours_and_blank_ones_none_either() -> None:
    far = "x = 1\n" + "y = 2\n" * 40
    assert not NearbyText.of(far, "").repeats("x = 1")
    assert not NearbyText.of("\n\n", "\n\n").repeats("")


def test_every_hole_has_its_own() -> None:
    first, second = nearby_text(("one\n", "\ntwo\n", "\nthree"))
    assert first.known_words("one two") == 1.0
    assert second.known_words("one two three") == pytest.approx(2 / 3)
