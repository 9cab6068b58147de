from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from lsp_server import pipeline
from lsp_server.code.languages.table import language_of
from lsp_server.code.syntax.parse import parse
from lsp_server.code.text.edits import apply
from lsp_server.transforms.fill import fill_regions, insert_lines
from lsp_server.types import Filled, Gap, Region, Snapshot
from model.types import Budget, FillEvent, FillOptions, Mending
from tests.fakes import FakeFiller

SOURCE = "def f(x):\n    GAP\n\n\ndef g(x):\n    return x + 1\n"


def snapshot(text: str = SOURCE) -> Snapshot:
    language = language_of("a.py")
    source = text.encode()
    return Snapshot(uri="file:///a.py", version=4, source=source, language=language, tree=parse(source, language))


def gaps(taken: Snapshot, *olds: bytes) -> tuple[Gap, ...]:
    starts = [(taken.source.index(old), len(old)) for old in olds]
    return fill_regions(taken, [Region(start, start + length) for start, length in starts])


def run(
    filler: FakeFiller,
    taken: Snapshot | None = None,
    options: FillOptions | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    found: tuple[Gap, ...] = (),
) -> Filled:
    taken = taken or snapshot()
    return pipeline.run(taken, found or gaps(taken, b"GAP"), filler, options or FillOptions(), cancelled=cancelled)


def test_the_edits_put_the_best_candidate_into_the_file() -> None:
    taken = snapshot()
    done = run(FakeFiller(["return x"]), taken)
    assert apply(taken.source, done.edits).decode() == SOURCE.replace("GAP", "return x")
    assert [edit.version for edit in done.edits] == [4]
    assert (done.reason, done.fill.candidates[0].texts) == ("", ("return x",))
    assert done.fill.candidates[0].parses is True


def test_the_template_is_the_file_with_holes_and_without_the_old_text() -> None:
    taken, filler = snapshot(), FakeFiller(["1", "2"])
    done = run(filler, taken, found=gaps(taken, b"GAP", b"x + 1"))
    (request,) = filler.requests
    assert request.template.joined(("«", "»")) == SOURCE.replace("GAP", "«").replace("x + 1", "»")
    assert request.extra_context == (), "nothing was left out"
    assert request.language == "python"
    assert len(done.edits) == 2


def test_what_the_cut_leaves_out_is_a_source_of_drafts_but_never_the_old_text() -> None:
    far = "".join(f"def far{n}(x):\n    return x * {n}\n\n\n" for n in range(200))
    taken = snapshot(far + SOURCE + far)
    filler = FakeFiller(["return x"], context_tokens=200)
    run(filler, taken)
    (request,) = filler.requests
    assert "x * 100\n" not in "".join(request.template.pieces)
    assert "x * 100\n" in request.extra_context[0]
    assert "x * 100\n" in request.extra_context[1]
    assert "GAP" not in "".join((*request.template.pieces, *request.extra_context))


def test_two_candidates_that_come_out_equal_are_one() -> None:
    filler = FakeFiller(["return x"], others=[["return x"], ["return -x"], ["   "]])
    done = run(filler, options=FillOptions(candidates=4))
    assert [c.texts for c in done.fill.candidates] == [("return x",), ("return -x",)]


def test_parses_speaks_of_the_whole_file() -> None:
    filler = FakeFiller(["return (x"], others=[["return (x)"]])
    done = run(filler, options=FillOptions(candidates=2))
    assert {c.texts[0]: c.parses for c in done.fill.candidates}["return (x)"] is True
    assert all(c.parses is not None for c in done.fill.candidates)


@pytest.mark.parametrize(("mend", "blamed"), [("closing", False), ("searching", False), ("all", True)])
def test_what_does_not_fit_is_not_accepted_and_parts_are_blamed_where_they_are_denoised_anew(
    mend: Mending, *, blamed: bool
) -> None:
    filler = FakeFiller(["return x"])
    run(filler, options=FillOptions(mend=mend))
    accepts = filler.requests[0].accepts
    assert accepts is not None
    assert accepts(("return x",)) is None
    spans = accepts(("return (x",))
    assert spans is not None
    assert bool(spans) is blamed
    assert accepts((" ",)) is not None


def test_every_option_becomes_the_requests() -> None:
    filler = FakeFiller(["return x"])
    options = FillOptions(
        candidates=3,
        seed=9,
        sampler="threshold",
        steps=5,
        budget=Budget(max_time_s=1.5),
        mend="closing",
        trace=True,
        patience_s=0.5,
        may_stay_empty=True,
        share_other_files=True,
    )
    assert [name for name, value in vars(options).items() if value == getattr(FillOptions(), name)] == []
    run(filler, options=options)
    (request,) = filler.requests
    assert {name: getattr(request, name) for name in vars(options)} == vars(options)


def test_cancelled_is_a_result() -> None:
    done = run(FakeFiller(["return x"]), cancelled=lambda: True)
    assert (done.edits, done.reason, done.fill.forward_passes) == ((), "cancelled", 0)


@pytest.mark.parametrize("texts", [[], [" \n "]])
def test_nothing_acceptable_is_a_result_with_a_reason(texts: list[str]) -> None:
    done = run(FakeFiller(texts))
    assert done.edits == ()
    assert done.reason
    assert "\n" not in done.reason


def test_events_pass_through() -> None:
    taken, events = snapshot(), list[FillEvent]()
    pipeline.run(
        taken, gaps(taken, b"GAP"), FakeFiller(["return x"], steps=4), FillOptions(), cancelled=lambda: False,
        on_event=events.append,
    )  # fmt: skip
    assert [event.step for event in events] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("text", ["", "x = 1\n", "x = 1", "x = 1\r\n"])
def test_new_lines_are_filled_in_any_file(text: str) -> None:
    taken = snapshot(text)
    done = run(
        FakeFiller(["y = 2"]), taken, found=(insert_lines(taken, text.count("\n") + ("\n" not in text and text != "")),)
    )
    end = "\r\n" if "\r" in text else "\n"
    expected = text + "y = 2" + end if text.endswith("\n") or not text else text + end + "y = 2"
    assert apply(taken.source, done.edits).decode() == expected


def test_what_parses_comes_before_what_does_not() -> None:
    filler = FakeFiller(["return (x"], others=[["return [x"], ["return x"], ["return -x"]])
    done = run(filler, options=FillOptions(candidates=4))
    assert [c.texts[0] for c in done.fill.candidates] == ["return x", "return -x", "return (x", "return [x"]
    assert not done.breaks


def test_an_edit_that_newly_breaks_a_sound_file_says_so() -> None:
    assert run(FakeFiller(["return (x"])).breaks
    torn = snapshot(SOURCE.replace("GAP", "return (GAP"))
    assert not run(FakeFiller(["x"]), torn).breaks, "it was broken before"
    far = snapshot("total = sum(\n\n\n" + SOURCE)
    assert not run(FakeFiller(["return x"]), far).breaks
    assert run(FakeFiller(["return (x"]), far).breaks, "the bracket above is not the gap's"


@pytest.mark.parametrize(
    ("texts", "left"),
    [
        (["x + 1"], []),  # the old text is best
        (["x + 1", "x + 2"], []),
        (["x + (", "x + ["], []),  # what does not parse is not better
        (["x + (", "x + 2"], ["x + 2"]),
        (["x + 2", "x + 1"], ["x + 2"]),
    ],
)
def test_a_rewriting_changes_nothing_unless_it_is_better(texts: list[str], left: list[str]) -> None:
    taken = snapshot()
    (gap,) = gaps(taken, b"x + 1")
    weak = replace(gap, hole=replace(gap.hole, strength=0.4))
    filler = FakeFiller([texts[0]], others=[[text] for text in texts[1:]])
    done = run(filler, taken, FillOptions(candidates=len(texts)), found=(weak,))
    assert [c.texts[0] for c in done.fill.candidates] == left
    assert bool(done.edits) is bool(left)
    assert done.reason.startswith("nothing to change") is not bool(left)


def test_placeholders_that_would_all_get_the_same_line_are_left_but_for_the_first() -> None:
    text = "class A:\n" + "".join(f"    def m{n}(self):\n        ...\n\n" for n in range(4))
    taken = snapshot(text)
    starts = [m.start() for m in re.finditer(r"\.\.\.", text)]
    found = fill_regions(taken, [Region(at, at + 3) for at in starts])
    filler = FakeFiller(["return self.value"] * 4)
    done = run(filler, taken, found=found)
    assert apply(taken.source, done.edits).decode() == text.replace("...", "return self.value", 1)
    accepts = filler.requests[0].accepts
    assert accepts is not None
    assert [span.hole for span in accepts(("return self.value",) * 4) or ()] == [1, 2, 3]
    assert accepts(("return self.a", "return self.b", "return self.c", "return self.d")) is None
    two = fill_regions(taken, [Region(at, at + 3) for at in starts[:2]])
    assert len(set(run(FakeFiller(["return 1 + 1"] * 2), taken, found=two).fill.candidates[0].texts)) == 1


def test_a_placeholder_that_nothing_was_found_for_stays_where_another_is_filled() -> None:
    text = "def f(x):\n    ...\n\n\ndef g(x):\n    ...\n"
    taken = snapshot(text)
    found = fill_regions(taken, [Region(14, 17), Region(text.rindex("..."), text.rindex("...") + 3)])
    done = run(FakeFiller(["return x", "pass"]), taken, found=found)
    assert apply(taken.source, done.edits).decode() == text.replace("...", "return x", 1)
    assert run(FakeFiller(["...", "pass"]), taken, found=found).edits == ()
