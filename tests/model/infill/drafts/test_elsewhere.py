from __future__ import annotations

import weakref

import pytest

from model.infill.drafts import elsewhere
from model.infill.drafts.elsewhere import OtherFiles

HOLE = ("area = width * height\nvolume = ", "\nprint(volume, density)\n")


def test_what_shares_most_rare_words_comes_first() -> None:
    common = "print(area)\n"
    some = "print(area, width)\n"
    most = "print(volume, density, height)\n"
    assert OtherFiles().most_similar([common, some, most], HOLE) == (most, some, common)


def test_a_word_that_all_texts_have_says_less_than_one_that_few_have() -> None:
    everywhere = [f"print(area, number_{n})\n" for n in range(5)]
    rare = "print(density)\n"
    assert OtherFiles().most_similar([*everywhere, rare], HOLE)[0] == rare


def test_what_shares_nothing_is_left_out() -> None:
    assert OtherFiles().most_similar(["completely(unrelated)\n", ""], HOLE) == ()


def test_words_far_from_the_hole_do_not_count() -> None:
    far = ("density_of_lead = 11\n" + "x = 1\n" * 1000, "\ny = 2\n")
    assert OtherFiles().most_similar(["density_of_lead\n"], far) == ()


def test_every_hole_counts() -> None:
    pieces = ("first_name = ", "\n" + "x = 1\n" * 1000 + "second_name = ", "\n")
    assert set(OtherFiles().most_similar(["first_name\n", "second_name\n"], pieces)) == {
        "first_name\n",
        "second_name\n",
    }


def test_files_and_characters_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "MOST_CHARS", 60)
    monkeypatch.setattr(elsewhere, "MOST_FILES", 2)
    large = "volume density area width height\n" * 2
    small = [f"density {n}\n" for n in range(4)]
    assert OtherFiles().most_similar([large, *small], HOLE) == (small[0], small[1])


class Watched(str):
    """A text of which can be told whether somebody still holds it."""

    __slots__ = ("__weakref__",)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "KEPT_CHARS", 1000)
    found = OtherFiles()
    held = list[weakref.ref[Watched]]()
    for n in range(50):
        text = Watched(f"density {n} " + "x" * 200)
        held.append(weakref.ref(text))
        assert found.most_similar([text], HOLE)
    del text
    chars = sum(len(left) for ref in held if (left := ref()) is not None)
    assert 500 < chars <= 1000
