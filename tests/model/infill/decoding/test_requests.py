"""What a request may ask of a hole, from text to text: ties, pins, strength, stops, patterns, lengths, and repair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from model.backend import CachedContext, Context
from model.canvas import Canvas
from model.errors import BadRequest
from model.infill.brackets import balanced_end, shape, unmatched
from model.infill.holes.pins import Split
from model.infill.infiller import Infiller
from model.types import Budget, Fill, FillEvent, FillRequest, Hole, Span, Template
from tests.model.scripted import CharCodec, Scripted, Table, ids_of, token


def filler(backend: Scripted, **options: object) -> Infiller:
    return Infiller(backend, CharCodec(), name="scripted", device="cpu", **options)  # type: ignore[arg-type]


def request(*pieces: str, holes: tuple[Hole, ...], **options: object) -> FillRequest:
    return FillRequest(template=Template(pieces=pieces, holes=holes), **options)  # type: ignore[arg-type]


def texts(fill: Fill) -> list[tuple[str, ...]]:
    return [c.texts for c in fill.candidates]


def test_tied_holes_get_one_text_and_are_not_healed() -> None:
    backend = Scripted(["count", "count", "xy"], sure=lambda h, i: 0.6)
    tied = Hole(tie="name", max_lines=1)
    fill = filler(backend).fill(request("self", " = ", " + ", ";", holes=(tied, tied, Hole(max_lines=1))))
    assert texts(fill)[0] == ("count", "count", "xy")
    assert backend.contexts[0].starts_with == (b"", b"", b"")
    assert list(backend.contexts[0].pieces[0]) == list(ids_of("self"))


def test_tied_holes_of_different_demands_are_refused() -> None:
    with pytest.raises(BadRequest, match="tied by 'a'"):
        filler(Scripted(["x", "x"])).fill(
            request("", ",", "", holes=(Hole(tie="a", length_tokens=2), Hole(tie="a", length_tokens=3)))
        )


def test_pinned_text_stays_and_what_is_between_finds_its_own_length() -> None:
    hole = Hole(old_text="def f(a): pass", pinned=((0, 4), (5, 6), (7, 10)), max_lines=1)
    backend = Scripted(["renamed", "left, right", "return left"])
    events: list[FillEvent] = []
    fill = filler(backend).fill(request("# top\n", "\n", holes=(hole,)), on_event=events.append)
    assert texts(fill)[0] == ("def renamed(left, right): return left",)
    assert [len(c.confidences) for c in fill.candidates] == [1] * len(fill.candidates)
    assert "".join(t.text for t in events[-1].holes[0]) == "def renamed(left, right): return left"


def test_the_constraint_sees_whole_holes_and_blames_their_parts() -> None:
    split = Split.of(
        request(
            "<",
            "|",
            ">",
            holes=(Hole(old_text="abcXdef", pinned=((3, 4),)), Hole()),
            accepts=lambda found: (Span(hole=0, start=1, end=6),) if found == ("12X345", "6") else None,
        )
    )
    assert split.request.template.pieces == ("<", "X", "|", ">")
    assert [hole.old_text for hole in split.request.template.holes] == ["abc", "def", ""]
    accepts = split.request.accepts
    assert accepts is not None
    assert accepts(("12", "345", "6")) == (Span(hole=0, start=1, end=2), Span(hole=1, start=0, end=3))
    assert accepts(("1", "345", "6")) is None


@pytest.mark.parametrize(
    ("hole", "says"),
    [
        (Hole(old_text="abc", pinned=((2, 9),)), "2:9 is not one of the 3 characters"),
        (Hole(old_text="abc", pinned=((1, 2), (0, 1))), "0:1 is not one of"),
        (Hole(old_text="abc", pinned=((0, 3),)), "leave something to fill"),
        (Hole(old_text="abc", pinned=((0, 1),), length_tokens=3), "leave out its length"),
        (Hole(old_text="abc", strength=0.0), "a strength of 0.0"),
        (Hole(old_text="abc", strength=1.5), "a strength of 1.5"),
        (Hole(must_match="("), "must_match"),
    ],
)
def test_impossible_holes_are_refused_with_the_reason(hole: Hole, says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        filler(Scripted(["x"])).fill(request("(", ")", holes=(hole,)))


def test_a_strength_below_one_keeps_what_the_model_believes() -> None:
    backend = Scripted(["value = total + 1"], sure=lambda h, i: 0.8)
    hole = Hole(old_text="value = totel - 1", strength=0.2, max_lines=1)
    fill = filler(backend).fill(request("(", ")", holes=(hole,)))
    assert texts(fill) == [("value = total + 1",)]
    first = backend.denoised[1]
    assert backend.denoised[0].rows == 4, "the old tokens are judged in four folds"
    assert first.open.sum() == 4, "a fifth of 17 tokens, rounded up"
    assert {11, 14} <= set(np.flatnonzero(first.open[0]).tolist()), "the wrong letters among them"


def test_a_fill_stops_where_its_brackets_are_closed() -> None:
    backend = Scripted(["call(a, (b), ')')) + tail"])
    fill = filler(backend).fill(request("x = ", "\n", holes=(Hole(stop="balanced", max_lines=1),)))
    assert texts(fill)[0] == ("call(a, (b), ')')",)
    fixed = Scripted(["f(a)b"], end=None, scores=False)
    fill = filler(fixed).fill(request("x = ", "\n", holes=(Hole(stop="balanced", length_tokens=5),)))
    assert texts(fill)[0] == ("f(a)",)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("f(a)b", 4),
        ("f(a", None),
        ("a, b) + c", 4),
        ("[1, (2)]", 8),
        ("f(')') x", 6),
        ("f(''')''') x", 10),
        (r"f('\')') x", 8),
        ("don't f(a) x", None),
        ("it's\nf(a) x", 9),
        ("", None),
    ],
)
def test_balanced_end(text: str, end: int | None) -> None:
    assert balanced_end(text) == end


def test_what_does_not_match_is_never_returned() -> None:
    hole = Hole(must_match="[a-z]+", max_lines=1)
    backend = Scripted(["ab3"], sure=lambda h, i: 0.55 if i == 2 else 0.95)
    fill = filler(backend).fill(request("(", ")", holes=(hole,), candidates=2))
    assert all(text.isalpha() for (text,) in texts(fill))
    fill = filler(Scripted(["12"])).fill(request("(", ")", holes=(hole,)))
    assert texts(fill) == []


def test_a_pattern_chooses_among_what_is_drawn() -> None:
    hole = Hole(must_match=".*\\?.*", max_lines=1)
    fill = filler(Scripted(["abc"], sure=lambda h, i: 0.55)).fill(request("(", ")", holes=(hole,), candidates=4))
    assert texts(fill)
    assert all("?" in text for (text,) in texts(fill))


class Fixed(Scripted):
    """A checkpoint that keeps its length, is surest where that is right, and surer the shorter a canvas is."""

    def __init__(self, target: str, *, bare: bool = False, **spec: Any) -> None:
        super().__init__([target], end=None, scores=False, **spec)
        self.bare = bare

    def prefill(self, context: Context, *, reuse: CachedContext | None = None) -> Scripted:
        self.contexts.append(context)
        return self if len(context.pieces[0]) else Fixed(self.targets[0], bare=True)

    def table(self, canvas: Canvas, row: int, i: int) -> Table:
        width, target = int(canvas.used[row].sum()), self.targets[0]
        p = max(0.15, 0.7 - 0.01 * width) * (1.4 if width == len(target) and not self.bare else 1)
        return {token(target[i] if i < len(target) else "?"): p}


def test_a_checkpoint_of_fixed_length_searches_for_it_in_one_batch() -> None:
    backend = Fixed("twelve chars")
    one = filler(backend)
    fill = one.fill(request("(", ")", holes=(Hole(max_lines=1),), sampler="one_at_a_time"))
    assert texts(fill) == [("twelve chars",)]
    assert fill.forward_passes == 1 + 12
    assert backend.denoised[0].rows > 10, "all lengths at once"
    before = len(backend.contexts)
    one.fill(request("((", ")", holes=(Hole(max_lines=1),)))
    assert len(backend.contexts) == before + 1, "the bias is measured once"


def test_a_given_length_needs_no_measurement() -> None:
    told = Fixed("twelve chars")
    filler(told).fill(request("(", ")", holes=(Hole(length_tokens=5),)))
    assert told.denoised[0].ids.shape == (1, 5)
    assert len(told.contexts) == 1


def test_no_length_is_searched_when_there_is_no_time_for_it() -> None:
    backend = Fixed("twelve chars")
    fill = filler(backend).fill(request("(", ")", holes=(Hole(),), budget=Budget(max_forward_passes=2)))
    assert (fill.forward_passes, fill.stopped) == (2, "steps")
    asked: list[int] = []

    def third() -> bool:
        asked.append(1)
        return len(asked) >= 2

    assert filler(Fixed("x")).fill(request("(", ")", holes=(Hole(),)), cancelled=third).stopped == "cancelled"


def no_question_marks(found: tuple[str, ...]) -> tuple[Span, ...] | None:
    at = found[0].find("?")
    return None if at < 0 else (Span(hole=0, start=at, end=at + 1),)


class Wavering(Scripted):
    """Wrong about the third letter while any other is open, right when it is the only one."""

    def table(self, canvas: Canvas, row: int, i: int) -> Table:
        alone = int(canvas.open[row].sum()) == 1
        if i == 2 and not alone:
            return {token("?"): 0.95}
        return super().table(canvas, row, i)


def test_what_is_not_accepted_is_decided_anew_and_only_that() -> None:
    backend = Wavering(["abcde"])
    fill = filler(backend).fill(request("(", ")", holes=(Hole(max_lines=1),), accepts=no_question_marks))
    assert texts(fill)[0] == ("abcde",)
    plain = filler(Wavering(["abcde"])).fill(request("(", ")", holes=(Hole(max_lines=1),)))
    assert texts(plain)[0] == ("ab?de",)
    reworked = next(c for c in backend.denoised if c.rows > 1)
    assert reworked.open[0].tolist()[:6] == [False, False, True, False, False, False]


def test_what_cannot_be_mended_is_returned_after_a_bounded_number_of_tries() -> None:
    backend = Scripted(["abc"])
    accepted: list[str] = []

    def never(found: tuple[str, ...]) -> tuple[Span, ...] | None:
        accepted.append(found[0])
        return (Span(hole=0, start=0, end=1),)

    fill = filler(backend).fill(request("(", ")", holes=(Hole(max_lines=1),), accepts=never))
    assert texts(fill)[0] == ("abc",)
    assert fill.forward_passes < 40
    assert len(accepted) == len(set(accepted)), "no text is judged twice"


def test_the_next_candidate_is_taken_when_the_best_is_not_accepted() -> None:
    backend = Scripted(["abc"], sure=lambda h, i: 0.55)
    fill = filler(backend).fill(
        request("(", ")", holes=(Hole(max_lines=1),), candidates=4, accepts=lambda t: None if "?" in t[0] else ())
    )
    assert "?" in fill.candidates[0].texts[0]
    assert any("?" not in c.texts[0] for c in fill.candidates), "what is not accepted comes last, but it comes"


def test_repair_stops_at_the_deadline_with_the_best_so_far() -> None:
    now = [0.0]

    def tick() -> None:
        now[0] += 1.0

    backend = Wavering(["abcde"], on_pass=tick)
    fill = filler(backend, clock=lambda: now[0]).fill(
        request("(", ")", holes=(Hole(max_lines=1),), accepts=no_question_marks, budget=Budget(max_time_s=4.5))
    )
    assert texts(fill)[0] in {("ab?de",), ("abcde",)}
    assert now[0] <= 4.5


def test_repair_is_cancelled_within_one_pass() -> None:
    backend = Wavering(["abcde"])
    reworking = lambda: any(c.rows > 1 for c in backend.denoised)  # noqa: E731
    fill = filler(backend).fill(
        request("(", ")", holes=(Hole(max_lines=1),), accepts=no_question_marks), cancelled=reworking
    )
    assert (fill.stopped, fill.candidates) == ("cancelled", ())
    assert sum(c.rows > 1 for c in backend.denoised) == 1


@pytest.mark.parametrize(
    ("before", "after", "added"), [("x = [", "\n", "]"), ("x = [(", "]\n", ")"), ("[(", "\n", ")]")]
)
def test_missing_brackets_are_closed_before_anything_is_denoised_anew(before: str, after: str, added: str) -> None:
    def closes(found: tuple[str, ...]) -> tuple[Span, ...] | None:
        return None if found[0].endswith("2)" + added) else ()

    backend = Scripted(["1, f(2)"])
    fill = filler(backend).fill(request(before, after, holes=(Hole(max_lines=1),), accepts=closes))
    assert texts(fill)[0] == ("1, f(2)" + added,)
    assert max(c.rows for c in backend.denoised) == 1, "no repair was needed"


@pytest.mark.parametrize(
    ("text", "found"),
    [("f(a[", ("", "([")), ("a)] + (b", (")]", "(")), ("f('(')", ("", "")), ("{[}", ("", "{")), ("", ("", ""))],
)
def test_unmatched(text: str, found: tuple[str, str]) -> None:
    assert unmatched(text) == found


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("a = 1", "call(x, y)", True),
        ("a = (1", "call(x, y)", False),
        ("a = 1)", "call(x, y)", False),
        ("if a", "if a:", False),
        ("'''A text.", "A text.", False),
        ("    a\n    b", "    a\n        b", False),
        ("        a\n        b", "        a\n    except E:\n        b", False),
        ("        a\n    except E:\n        b", "        c\n    except F:\n        d", True),
    ],
)
def test_the_shape_of_a_text_is_what_decides_how_it_may_go_on(one: str, other: str, *, alike: bool) -> None:
    assert (shape(one) == shape(other)) is alike
