"""The history of a fill: complete, true to what came out, and without effect on it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from model.backend import Prediction
from model.canvas import Canvas, Decision
from model.infill.decoding.constraints import Proposal
from model.infill.encoding import EncodedPrompt, encode_prompt
from model.infill.trace.rows import DecidedStep, cells_of
from model.types import Fill, FillRequest, Hole, Template, Trace, TraceRow
from tests.model.infill.test_infiller import REPEATED, filler, request
from tests.model.scripted import MASK, CharCodec, Scripted, ids_of, prediction, token


def traced(backend: Scripted, asked: FillRequest) -> tuple[Fill, Trace]:
    fill = filler(backend).fill(replace(asked, trace=True))
    assert fill.trace is not None
    return fill, fill.trace


def states(row: TraceRow) -> Counter[str]:
    return Counter(cell.state for hole in row.holes for cell in hole)


def test_a_fill_keeps_no_history_unasked() -> None:
    assert filler(Scripted(["x = 1"])).fill(request("a\n", "\nb\n")).trace is None


@pytest.mark.parametrize("candidates", [1, 4])
def test_every_forward_pass_is_there_and_the_fill_is_the_same(candidates: int) -> None:
    asked = request(REPEATED + "def g():\n    begin_the_work()\n", "\n    finish_the_work()\n", candidates=candidates)
    plain_backend, backend = (Scripted(["    value = compote()"], sure=lambda h, i: 0.6) for _ in range(2))
    plain = filler(plain_backend).fill(asked)
    fill, trace = traced(backend, asked)
    assert fill.candidates == plain.candidates
    assert len(trace.passes) == fill.forward_passes == len(backend.denoised) + len(backend.scored)
    assert [p.kind for p in trace.passes] == ["score", *["denoise"] * len(backend.denoised), "score"]
    assert sum(states(row)["committed"] for p in trace.passes for row in p.rows) == fill.tokens


def test_what_is_committed_step_by_step_spells_the_fill() -> None:
    fill, trace = traced(Scripted(["abc"], sure=lambda h, i: 0.6), request("x(", ")"))
    last = [p for p in trace.passes if p.kind == "denoise"][-1]
    standing = [cell.text for cell in last.rows[0].holes[0] if cell.state in {"kept", "committed"}]
    assert ("".join(standing),) == fill.candidates[0].texts == ("abc",)
    first = trace.passes[0].rows[0].holes[0]
    assert first[0].state == "committed"
    assert first[0].confidence == pytest.approx(0.6)
    assert [cell.guesses[0][0] for cell in first[1:3] if cell.state == "open"] == ["b", "c"]
    assert all(p.ms >= 0 for p in trace.passes)


def test_rows_say_where_they_come_from() -> None:
    asked = request(REPEATED + "def g():\n    begin_the_work()\n", "\n    finish_the_work()\n", candidates=2)
    _, trace = traced(Scripted(["    value = compote()"], sure=lambda h, i: 0.6), asked)
    assert trace.passes[0].rows[0].label == "draft 1"
    assert [row.label for row in trace.passes[1].rows] == [
        "from masks", "drawn 1", "drawn 2", "drawn 3", "draft, repaired",
    ]  # fmt: skip
    assert trace.passes[-1].rows[0].label == "fill 1"
    repaired = trace.passes[1].rows[-1]
    assert states(repaired)["kept"] > 15
    assert [cell.text for cell in repaired.holes[0] if cell.state in {"committed", "open"}] == ["o"]


def test_drafts_and_ranking_are_in_it() -> None:
    asked = request(REPEATED + "def g():\n    begin_the_work()\n", "\n    finish_the_work()\n", candidates=3)
    fill, trace = traced(Scripted(["    value = compote()"], sure=lambda h, i: 0.6), asked)
    assert trace.drafts[0].texts == ("    value = compute()",)
    assert trace.drafts[0].origin == "draft"
    assert trace.drafts[0].left_chars > 0
    ranked = [c.texts for c in trace.ranking]
    assert ranked[: len(fill.candidates)] == [c.texts for c in fill.candidates]
    assert [c.confidence for c in trace.ranking[:1]] == pytest.approx([fill.candidates[0].confidence])
    scores = [c.score for c in trace.ranking]
    assert scores == sorted(scores, reverse=True)
    assert sum(value for _, value in trace.ranking[0].parts) == pytest.approx(trace.ranking[0].score)


def test_growth_shows_as_inserted_masks_and_reopened_tokens() -> None:
    target = "".join(chr(ord("a") + i % 26) for i in range(60))
    _, trace = traced(Scripted([target]), request("(", ")"))
    row_states = [states(p.rows[0]) for p in trace.passes if p.kind == "denoise"]
    grown = next(n for n, found in enumerate(row_states) if found["inserted"])
    assert row_states[grown]["inserted"] == 32
    # The last few tokens and the final slot, decided in the belief that the hole ends there.
    assert row_states[grown]["reopened"] == 5
    before, after = (len(trace.passes[n].rows[0].holes[0]) for n in (grown, grown + 1))
    assert before == after
    assert trace.passes[grown].rows[0].holes[0][-1].state == "reopened"


def test_healed_text_is_not_shown_twice() -> None:
    fill, trace = traced(Scripted(["value"]), request("x = self.val", "\n"))
    row = trace.passes[-1].rows[0].holes[0]
    assert "".join(cell.text for cell in row) == "ue" == fill.candidates[0].texts[0]


def one_hole() -> EncodedPrompt:
    return encode_prompt(Template(pieces=("(", ")"), holes=(Hole(),)), CharCodec(), context_tokens=10)


def proposed(decision: Decision) -> Proposal:
    sure = decision.confidence
    nowhere = np.zeros(sure.shape, dtype=bool)
    return Proposal(ids=decision.ids, confidence=sure, entropy=sure, margin=sure, ends=nowhere)


def test_a_step_may_reopen_delete_and_insert() -> None:
    canvas = Canvas.decided([[ids_of("abcd")]], mask_id=MASK)
    opened = np.array([[False, True, False, False]])
    canvas = replace(canvas, open=opened, ids=np.where(opened, MASK, canvas.ids))
    nothing = Decision.committing(opened, ids_of("wxyz")[None], np.full((1, 4), 0.7, dtype=np.float32))
    decision = replace(
        nothing,
        reopen=np.array([[True, False, False, False]]),
        delete=np.array([[False, False, True, False]]),
        insert=np.array([[0, 0, 0, 2]]),
    )
    proposal = proposed(decision)
    predicted = prediction(canvas, lambda c, b, i: {token("x"): 0.7, token("y"): 0.2, token("z"): 0.01})
    step = DecidedStep(canvas=canvas, proposal=proposal, decision=decision, prediction=predicted)
    (cells,) = cells_of(step, 0, one_hole(), CharCodec(), following=canvas.apply(decision))
    assert [(c.text, c.state) for c in cells] == [
        ("a", "reopened"), ("x", "committed"), ("c", "deleted"), ("", "inserted"), ("", "inserted"), ("d", "kept"),
    ]  # fmt: skip
    assert [(text, round(p, 3)) for text, p in cells[1].guesses] == [("x", 0.7), ("y", 0.2)]
    assert cells[1].confidence == pytest.approx(0.7)


def test_a_review_is_a_pass_of_its_own_and_shows_what_it_opens_again() -> None:
    seen: list[int] = []

    class Regretting(Scripted):
        """Wants "abc" while anything else is open, and "axc" once it sees the whole."""

        def denoise(self, canvas: Canvas) -> Prediction:
            seen.append(canvas.rows)
            self.targets = ["abc"] if canvas.open[:, 0].any() and not self.reviews(canvas) else ["axc"]
            return super().denoise(canvas)

        def reviews(self, canvas: Canvas) -> bool:
            return canvas.rows > 1

    fill, trace = traced(Regretting(["abc"]), request("(", ")", sampler="reopening(threshold)"))
    assert len(trace.passes) == fill.forward_passes
    labels = [p.rows[0].label for p in trace.passes if p.kind == "denoise"]
    assert "review 1" in labels
    before = trace.passes[labels.index("review 1") - 1].rows[0]
    assert [cell.text for cell in before.holes[0] if cell.state == "reopened"] == ["b"]
    assert fill.candidates[0].texts == ("axc",)


def test_guesses_belong_to_their_row_when_others_are_done() -> None:
    canvas = Canvas.decided([[ids_of("ab")], [ids_of("cd")]], mask_id=MASK)
    opened = np.array([[False, False], [False, True]])
    canvas = replace(canvas, open=opened, ids=np.where(opened, MASK, canvas.ids))
    decision = Decision.committing(opened, canvas.ids, canvas.confidence)
    proposal = proposed(decision)
    live = canvas.select(np.array([1]))
    predicted = prediction(live, lambda c, b, i: {token("q"): 0.9})
    step = DecidedStep(canvas=canvas, proposal=proposal, decision=decision, prediction=predicted)
    (cells,) = cells_of(step, 1, one_hole(), CharCodec(), following=None)
    assert [(text, round(p, 3)) for text, p in cells[1].guesses] == [("q", 0.9)]
