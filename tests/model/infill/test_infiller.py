from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from model.backend import CachedContext, Context
from model.errors import BadRequest, UnknownModel
from model.filler import open_filler
from model.infill.decoding.samplers import KINDS
from model.infill.hypothesis import Hypothesis
from model.infill.infiller import Infiller
from model.infill.selection import SEARCHED_ON
from model.types import Budget, Fill, FillEvent, FillRequest, Hole, Mending, Span, Template
from tests.model.scripted import CharCodec, Scripted, ids_of


def filler(backend: Scripted, **options: object) -> Infiller:
    return Infiller(backend, CharCodec(), name="scripted", device="cpu", **options)  # type: ignore[arg-type]


def request(*pieces: str, holes: tuple[Hole, ...] | None = None, **options: object) -> FillRequest:
    holes = holes or (Hole(max_lines=1),) * (len(pieces) - 1)
    return FillRequest(template=Template(pieces=pieces, holes=holes), **options)  # type: ignore[arg-type]


def texts(fill: Fill) -> list[tuple[str, ...]]:
    return [c.texts for c in fill.candidates]


def test_fills_a_line_and_chooses_its_length() -> None:
    fill = filler(Scripted(["x = 1"])).fill(request("a\n", "\nb\n"))
    assert texts(fill)[0] == ("x = 1",)
    assert fill.stopped == "done"
    assert fill.forward_passes >= 2
    assert 0 < fill.candidates[0].confidence < 1


def test_several_holes_are_filled_jointly_in_the_same_passes() -> None:
    backend = Scripted(["first", "second"])
    fill = filler(backend).fill(request("(", ",", ")"))
    assert texts(fill) == [("first", "second")]
    assert set(backend.denoised[0].hole[0]) == {0, 1}


def test_token_healing_takes_the_partial_off_the_piece_and_off_the_text() -> None:
    backend = Scripted(["self.value"])
    fill = filler(backend).fill(request("x = self.val", "\n"))
    # "val" is taken off; the hole's text must begin with it, and "self." does not.
    assert texts(fill) == []
    backend = Scripted(["value"])
    fill = filler(backend).fill(request("x = self.val", "\n"))
    assert texts(fill) == [("ue",)]
    assert backend.contexts[0].starts_with == (b"val",)
    assert list(backend.contexts[0].pieces[0]) == list(ids_of("x = self."))


def test_cancelled_before_anything_makes_no_pass() -> None:
    backend = Scripted(["x"])
    fill = filler(backend).fill(request("(", ")"), cancelled=lambda: True)
    assert (fill.stopped, fill.candidates, fill.forward_passes) == ("cancelled", (), 0)
    assert backend.contexts == []


def test_cancelling_stops_within_one_denoise_step() -> None:
    backend = Scripted(["abcdefghij"], sure=lambda h, i: 0.6)
    fill = filler(backend).fill(request("(", ")"), cancelled=lambda: len(backend.denoised) >= 3)
    assert fill.stopped == "cancelled"
    assert fill.candidates == ()
    assert len(backend.denoised) == 3
    assert backend.scored == []


def test_time_budget_returns_the_best_so_far() -> None:
    now = [0.0]

    def tick() -> None:
        now[0] += 1.0

    backend = Scripted(["abcdefghij"], sure=lambda h, i: 0.6, on_pass=tick)
    fill = filler(backend, clock=lambda: now[0]).fill(request("(", ")", budget=Budget(max_time_s=3.5)))
    assert fill.stopped == "time"
    assert texts(fill) == [("abcdefghij",)]
    assert len(backend.denoised) <= 3


def test_forward_pass_budget_is_kept() -> None:
    backend = Scripted(["abcdefghij"], sure=lambda h, i: 0.6)
    fill = filler(backend).fill(request("(", ")", budget=Budget(max_forward_passes=2)))
    assert (fill.stopped, fill.forward_passes) == ("steps", 2)
    assert texts(fill) == [("abcdefghij",)]


def test_fixed_length_is_kept_although_the_model_would_end_earlier() -> None:
    hole = Hole(length_tokens=4, max_lines=1)
    fill = filler(Scripted(["ab"])).fill(request("(", ")", holes=(hole,)))
    assert texts(fill) == [("ab??",)]


def test_a_line_break_ends_a_single_line() -> None:
    fill = filler(Scripted(["ab\ncd"])).fill(request("(", ")"))
    assert texts(fill) == [("ab",)]


def test_two_lines_end_before_the_second_line_break() -> None:
    fill = filler(Scripted(["ab\ncd\nef"])).fill(request("(", ")", holes=(Hole(max_lines=2),)))
    assert texts(fill) == [("ab\ncd",)]


def test_an_empty_fill_is_not_chosen_while_there_is_another() -> None:
    fill = filler(Scripted([""])).fill(request("(", ")"))
    assert texts(fill) == [("?",)]


def test_a_hole_grows_when_it_fills_up_without_an_end() -> None:
    target = "".join(chr(ord("a") + i % 26) for i in range(60))
    backend = Scripted([target])
    fill = filler(backend).fill(request("(", ")"))
    assert texts(fill) == [(target,)]
    assert backend.denoised[0].ids.shape[1] < 60


def test_growth_stops_at_the_canvas_limit() -> None:
    endless = "abcdefgh" * 50
    backend = Scripted([endless], canvas_tokens=80)
    fill = filler(backend).fill(request("(", ")", holes=(Hole(),)))
    assert texts(fill) == [(endless[:79],)]
    assert max(c.ids.shape[1] for c in backend.denoised) == 80


def test_candidates_are_distinct_and_repeatable_by_seed() -> None:
    def ask(seed: int) -> list[tuple[str, ...]]:
        backend = Scripted(["abc"], sure=lambda h, i: 0.55)
        return texts(filler(backend).fill(request("(", ")", candidates=4, seed=seed)))

    assert ("abc",) in ask(1)
    assert len(ask(1)) == len(set(ask(1))) > 1
    assert ask(1) == ask(1)


def test_events_show_masks_turning_into_text() -> None:
    events: list[FillEvent] = []
    backend = Scripted(["abc"], sure=lambda h, i: 0.6)
    filler(backend).fill(request("x(", ")"), on_event=events.append)
    assert [e.step for e in events] == list(range(1, len(events) + 1))
    assert any(t.open for t in events[0].holes[0])
    assert not any(t.open for t in events[-1].holes[0])
    assert "".join(t.text for t in events[-1].holes[0]) == "abc"


REPEATED = "def f():\n    begin_the_work()\n    value = compute()\n    finish_the_work()\n\n\n"


def test_a_draft_that_the_model_agrees_with_takes_one_pass() -> None:
    backend = Scripted(["    value = compute()"])
    fill = filler(backend).fill(request(REPEATED + "def g():\n    begin_the_work()\n", "\n    finish_the_work()\n"))
    assert texts(fill) == [("    value = compute()",)]
    assert fill.candidates[0].origin == "draft"
    assert (fill.forward_passes, backend.denoised) == (1, [])


def test_a_draft_that_the_model_agrees_with_counts_as_written_by_it_too() -> None:
    seen: list[Hypothesis] = []
    watching = filler(Scripted(["    value = compute()"], beam=3))
    watching.watch(seen.extend)
    asked = request(REPEATED + "def g():\n    begin_the_work()\n", "\n    finish_the_work()\n")
    (sure,) = watching.fill(asked).candidates
    (hypothesis,) = seen
    assert (hypothesis.written_rank, hypothesis.sources) == (0, 2)
    seen.clear()
    several = watching.fill(replace(asked, candidates=2)).candidates
    searched = next(a for a in seen if a.texts == sure.texts)
    assert (searched.written_rank, searched.sources) == (0, 2), "as when the search has found it"
    assert sure.confidence >= several[0].confidence


def test_a_draft_that_the_model_agrees_with_but_nobody_accepts_ends_nothing() -> None:
    backend = Scripted(["    value = compute()"], beam=3, sure=lambda h, i: 0.8)
    asked = request(REPEATED + "def g():\n    begin_the_work()\n", "\n    finish_the_work()\n")
    fill = filler(backend).fill(
        replace(asked, accepts=lambda t: None if "?" in t[0] else (Span(hole=0, start=0, end=9),))
    )
    assert "?" in fill.candidates[0].texts[0]


def test_where_nothing_at_hand_is_accepted_the_search_goes_on() -> None:
    backend = Scripted(["call(x)"], beam=2, sure=lambda h, i: 0.7)

    def closes_twice(found: tuple[str, ...]) -> tuple[Span, ...] | None:
        return None if found[0].count("?") >= 3 else (Span(hole=0, start=0, end=len(found[0])),)

    without = filler(Scripted(["call(x)"], beam=2, sure=lambda h, i: 0.7)).fill(request("(", ")"))
    assert not any(candidate.texts[0].count("?") >= 3 for candidate in without.candidates)
    fill = filler(backend).fill(request("(", ")", accepts=closes_twice))
    assert fill.candidates[0].texts[0].count("?") >= 3
    assert not backend.denoised, "nothing had to be made anew"
    asked = replace(request("(", ")", accepts=closes_twice), mend="closing")
    unmended = filler(backend).fill(asked)
    assert unmended.candidates
    assert unmended.forward_passes < fill.forward_passes
    assert all(closes_twice(candidate.texts) is not None for candidate in unmended.candidates)


def test_a_short_search_for_what_is_accepted_is_shorter_and_nothing_is_denoised() -> None:
    backend = Scripted(["call(x)"], beam=2, sure=lambda h, i: 0.7)
    nothing = request("(", ")", accepts=lambda found: (Span(hole=0, start=0, end=len(found[0])),))
    passes = {
        mend: filler(backend).fill(replace(nothing, mend=mend)).forward_passes
        for mend in get_args(Mending)
        if mend != "all"
    }
    assert not backend.denoised
    assert passes["closing"] < passes["searching"] <= passes["closing"] + SEARCHED_ON["searching"][0]
    assert passes["searching"] < filler(backend).fill(nothing).forward_passes
    assert backend.denoised


def test_a_draft_that_the_model_half_agrees_with_wins_over_its_own_fill() -> None:
    backend = Scripted(["    value = computed()"], sure=lambda h, i: 0.6)
    before = REPEATED + "def g():\n    begin_the_work()\n"
    fill = filler(backend).fill(request(before, "\n    finish_the_work()\n", candidates=4))
    copied = [c for c in fill.candidates if c.origin == "draft"]
    assert [c.texts for c in copied] == [("    value = compute()",)]
    assert len(backend.denoised) > 0


def test_what_the_model_doubts_in_a_draft_is_denoised_anew() -> None:
    backend = Scripted(["    value = compote()"], sure=lambda h, i: 0.6)
    before = REPEATED + "def g():\n    begin_the_work()\n"
    filler(backend).fill(request(before, "\n    finish_the_work()\n"))
    first = backend.denoised[0]
    # The fresh masks, and the draft with the one letter open; drafts that are mostly wrong are left alone.
    assert first.open.sum(axis=1).tolist() == [32, 1]
    repaired = backend.scored[-1]
    assert "    value = compote()" in [CharCodec().decode(repaired.ids[row]) for row in range(repaired.rows)]


def test_drafts_come_from_the_extra_context_too() -> None:
    other = "begin_the_work()\nvalue = compute()\nfinish_the_work()\n"
    backend = Scripted(["value = compute()"])
    fill = filler(backend).fill(request("begin_the_work()\n", "\nfinish_the_work()\n", extra_context=(other,)))
    assert fill.candidates[0].origin == "draft"


def test_drafts_come_from_other_files_behind_those_of_the_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Hypothesis] = []
    there = "begin_the_work()\nvalue = compute()\nfinish_the_work()\n"
    here = "begin_the_work()\nother = compute()\nfinish_the_work()\n\n"
    pieces = (here + "begin_the_work()\n", "\nfinish_the_work()\n")
    watching = filler(Scripted(["value = compute()"]))
    watching.watch(seen.extend)
    fill = watching.fill(request(*pieces, other_files=(there, "nothing alike\n", here)))
    copies = {a.texts[0]: a for a in seen if a.origin == "draft"}
    assert [copies[text].drafts[0].elsewhere for text in ("other = compute()", "value = compute()")] == [False, True]
    assert copies["other = compute()"].sources == 2, "both files say it, and the own one counts"
    assert next(iter(copies)) == "other = compute()"
    assert fill.candidates[0].texts == ("value = compute()",)


def test_a_network_alone_reads_no_other_files() -> None:
    there = "begin_the_work()\nvalue = compute()\nfinish_the_work()\n"
    alone = filler(Scripted(["x"]), drafts=0)
    fill = alone.fill(request("begin_the_work()\n", "\nfinish_the_work()\n", other_files=(there,)))
    assert texts(fill) == [("x",)]
    assert not alone.info.reads_other_files
    assert filler(Scripted(["x"])).info.reads_other_files


def test_drafts_of_several_holes_are_put_together() -> None:
    pieces = ("open_it(first, second); close_it()\nopen_it(", ", ", "); close_it()\n")
    fill = filler(Scripted(["first", "second"])).fill(request(*pieces))
    assert texts(fill)[0] == ("first", "second")


def test_the_last_context_is_offered_for_reuse() -> None:
    offered: list[object] = []

    class Remembering(Scripted):
        def prefill(self, context: Context, *, reuse: CachedContext | None = None) -> Scripted:
            offered.append(reuse)
            return super().prefill(context, reuse=reuse)

    backend = Remembering(["x"])
    one = filler(backend)
    one.fill(request("(", ")"))
    one.fill(request("((", ")"))
    assert offered == [None, backend]


def test_a_draft_loses_where_the_model_clearly_prefers_its_own() -> None:
    backend = Scripted(["    other = thing"], sure=lambda h, i: 0.99)
    fill = filler(backend).fill(request(REPEATED + "def g():\n    begin_the_work()\n", "\n    finish_the_work()\n"))
    assert texts(fill)[0] == ("    other = thing",)


def test_what_parses_is_preferred() -> None:
    def parses(found: tuple[str, ...]) -> bool:
        return "?" in found[0]

    backend = Scripted(["abc"], sure=lambda h, i: 0.55)
    fill = filler(backend).fill(request("(", ")", candidates=4, parses=parses))
    assert fill.candidates[0].parses is True
    assert "?" in fill.candidates[0].texts[0]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"sampler": "magic"}, "choose auto, threshold"),
        ({"sampler": "threshold", "steps": 4}, "does not read steps"),
        ({"candidates": 0}, "ask for 1"),
        ({"holes": (Hole(length_tokens=4000),)}, "this model has 128"),
        ({"holes": (Hole(length_tokens=0),)}, "1 or more"),
    ],
)
def test_impossible_requests_are_refused_with_the_remedy(options: dict[str, object], says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        filler(Scripted(["x"])).fill(request("(", ")", **options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        "auto",
        *sorted(KINDS.keys() - {"drawn"}),
        "drawn(margin, temperature=0)",
        "blocks(low_confidence(3), size=4)",
        "reopening(blocks(margin))",
    ],
)
def test_every_sampler_fills(name: str) -> None:
    fill = filler(Scripted(["abc", "de"], sure=lambda h, i: 0.7)).fill(request("(", ",", ")", sampler=name))
    assert texts(fill) == [("abc", "de")]


def test_unknown_model_names_the_remedy() -> None:
    with pytest.raises(UnknownModel, match="builtin"):
        open_filler("/no/such/directory")


def test_a_network_with_a_beam_writes_single_holes_from_left_to_right() -> None:
    backend = Scripted(["x = 1"], beam=3)
    fill = filler(backend).fill(request("a\n", "\nb\n"))
    assert texts(fill)[0] == ("x = 1",)
    assert not backend.denoised
    assert len(backend.scored) >= len("x = 1") + 1
    assert len(fill.candidates) > 1
    chances = [candidate.confidence for candidate in fill.candidates]
    assert chances == sorted(chances, reverse=True)
    assert sum(chances) < 1


@pytest.mark.parametrize(
    ("holes", "options"),
    [
        ((Hole(max_lines=1),), {"sampler": "threshold"}),
        ((Hole(max_lines=1),), {"steps": 4}),
        ((Hole(max_lines=1, must_match=r"x.*"),), {}),
        ((Hole(max_lines=1),) * 2, {}),
    ],
)
def test_what_a_beam_cannot_do_is_denoised(holes: tuple[Hole, ...], options: dict[str, object]) -> None:
    backend = Scripted(["x = 1", "y"][: len(holes)], beam=3)
    fill = filler(backend).fill(request(*("(", ",", ")")[: len(holes) + 1], holes=holes, **options))
    assert backend.denoised
    assert texts(fill)[0][0] == "x = 1"


def test_a_viewer_sees_the_best_text_of_the_beam_grow() -> None:
    events: list[FillEvent] = []
    filler(Scripted(["x = 1"], beam=3)).fill(request("a\n", "\nb\n"), on_event=events.append)
    shown = ["".join(t.text for t in event.holes[0]) for event in events]
    assert shown[:3] == ["x", "x ", "x ="]
