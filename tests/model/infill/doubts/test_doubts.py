"""Words that a scripted network finds improbable: which are doubted, what is read instead, and what is left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from model.canvas import Canvas
from model.errors import BadRequest
from model.infill.infiller import Infiller
from model.types import Doubt, Doubts, Hole, Template
from tests.model.scripted import END, CharCodec, Scripted

MEANT = "x = count + 1\n"
RARE = 1e-8
"""The probability of a wrong letter: by far enough for the margin."""


def filler(backend: Scripted) -> Infiller:
    return Infiller(backend, CharCodec(), name="scripted", device="cpu")


def doubts(
    standing: str,
    *,
    meant: str = MEANT,
    wanted: list[tuple[int, int]] | None = None,
    before: str = "a\n",
    on_pass: Callable[[], None] = lambda: None,
    cancelled: Callable[[], bool] = lambda: False,
    **spec: Any,
) -> tuple[Doubt, ...] | None:
    template = Template(pieces=(before, "b\n"), holes=(Hole(old_text=standing),))
    told = filler(Scripted([meant], on_pass=on_pass, unexpected=RARE, **spec))
    assert isinstance(told, Doubts)
    return told.doubts(template, wanted=wanted or [(0, len(standing))], cancelled=cancelled)


@pytest.mark.parametrize("denoises", [False, True])
def test_a_word_with_one_wrong_letter_is_doubted_as_a_whole(denoises: bool) -> None:
    (doubt,) = doubts("x = coXnt + 1\n", denoises=denoises) or ()
    assert (doubt.start, doubt.end, doubt.instead) == (4, 9, "count")
    assert doubt.probability < 0.05
    assert doubt.nats > 15


@pytest.mark.parametrize("denoises", [False, True])
def test_what_the_network_expects_is_not_doubted(denoises: bool) -> None:
    assert doubts(MEANT, denoises=denoises) == ()


@pytest.mark.parametrize("denoises", [False, True])
def test_only_what_is_asked_about_is_doubted(denoises: bool) -> None:
    assert doubts("x = coXnt + 1\n", wanted=[(0, 3), (10, 13)], denoises=denoises) == ()


def test_an_alternative_is_spelled_to_the_end_of_its_word() -> None:
    (doubt,) = doubts("x = tatal + 1\n", denoises=False) or ()
    assert (doubt.start, doubt.end, doubt.instead) == (4, 9, "count")


def test_an_operator_is_doubted_alone() -> None:
    (doubt,) = doubts("x = count - 1\n", denoises=False) or ()
    assert (doubt.start, doubt.end, doubt.instead) == (10, 11, "+")


def test_no_doubt_where_the_other_text_is_not_likelier_by_the_margin() -> None:
    def even(hole: int, index: int) -> float:
        return 0.5 if index == 5 else 0.95  # the other half says "?"

    assert doubts("x = c?unt + 1\n", sure=even, denoises=False) == ()


def test_that_the_hole_might_end_there_makes_no_word_improbable() -> None:
    class Ending(Scripted):
        """Finds nothing likelier, anywhere, than that the hole ends."""

        def table(self, canvas: Canvas, row: int, i: int) -> dict[int, float]:
            return {END: 0.5} | {t: 0.5 * p for t, p in super().table(canvas, row, i).items()}

    template = Template(pieces=("a\n", "b\n"), holes=(Hole(old_text=MEANT),))
    assert filler(Ending([MEANT], unexpected=RARE, denoises=False)).doubts(template, wanted=[(0, len(MEANT))]) == ()
    template = Template(pieces=("a\n", "b\n"), holes=(Hole(old_text=MEANT.replace("count", "coXnt")),))
    (doubt,) = filler(Ending([MEANT], unexpected=RARE, denoises=False)).doubts(template, wanted=[(0, len(MEANT))]) or ()
    assert doubt.instead == "count"


def test_places_are_characters_also_behind_a_word_that_the_context_begins() -> None:
    template = Template(pieces=("a\nval", "b\n"), holes=(Hole(old_text="ue = coXnt\n"),))
    (doubt,) = (
        filler(Scripted(["value = count\n"], unexpected=RARE, denoises=False)).doubts(template, wanted=[(0, 11)]) or ()
    )
    assert (doubt.start, doubt.end, doubt.instead) == (5, 10, "count")


@pytest.mark.parametrize("after", range(4))
def test_cancelling_is_heard_before_each_pass(after: int) -> None:
    passes = list[int]()

    def count() -> None:
        passes.append(1)

    standing = "x = coXnt + 1\n"
    assert doubts(standing, on_pass=count, cancelled=lambda: len(passes) >= after, denoises=False) is None
    assert len(passes) == after


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(BadRequest, match="at most 127"):
        doubts("x" * 128)


def test_a_network_that_cannot_score_is_refused() -> None:
    with pytest.raises(BadRequest, match="cannot tell"):
        doubts(MEANT, denoises=False, scores=False)
