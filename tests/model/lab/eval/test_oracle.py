"""The engine told the truth's length: counted as the engine lays the hole out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from model.backends.builtin.tokenizer import CodeTokenizer
from model.errors import BadRequest
from model.lab.eval.cases import Case
from model.lab.eval.systems import filler_system, oracle_system
from model.types import Budget, Cancelled, Candidate, Fill, FillerInfo, FillOptions, FillRequest, OnEvent

TOKENIZER = Path(__file__).parents[4] / "model" / "backends" / "builtin" / "weights" / "tokenizer.json"


class Recording:
    """Answers `text`, keeps what it was asked, and refuses holes of more than `canvas` tokens."""

    def __init__(self, *, canvas: int = 128) -> None:
        self.asked: list[FillRequest] = []
        self._canvas = canvas

    @property
    def info(self) -> FillerInfo:
        return FillerInfo(name="recording", device="cpu", context_tokens=1000)

    def count_tokens(self, text: str) -> int:
        return len(text)

    def fill(
        self,
        request: FillRequest,
        *,
        cancelled: Cancelled = lambda: False,
        on_event: OnEvent | None = None,
    ) -> Fill:
        self.asked.append(request)
        if request.sampler == "none":
            raise BadRequest("unknown sampler")
        if (request.template.holes[0].length_tokens or 0) > self._canvas:
            raise BadRequest("too long")
        best = Candidate(texts=("x",), confidences=(0.5,), confidence=0.5)
        return Fill(candidates=(best,), forward_passes=1, tokens=1, prefill_ms=0, denoise_ms=0)


@pytest.fixture(scope="module")
def tokenizer() -> CodeTokenizer:
    if not TOKENIZER.exists():
        pytest.skip("no built-in tokenizer in this checkout")
    return CodeTokenizer(TOKENIZER)


def case(prefix: str, middle: str, kind: str = "rest") -> Case:
    return Case(name="x", kind=kind, prefix=prefix, middle=middle, suffix="\n")


@pytest.mark.parametrize(
    ("prefix", "middle"),
    [("a = 1\n", "    return total"), ("value = self.tot", "al_width + 1"), ("print(", "value)"), ("x =", " 1")],
)
def test_the_length_is_what_the_engine_needs_for_the_truth(tokenizer: CodeTokenizer, prefix: str, middle: str) -> None:
    filler = Recording()
    oracle_system(filler, tokenizer)(case(prefix, middle))
    told = filler.asked[0].template.holes[0]
    partial = tokenizer.trailing_partial(prefix)
    ids = tokenizer.encode(partial + middle, at_line_start=not partial and prefix.endswith("\n"))
    assert told.length_tokens == len(ids)
    assert tokenizer.decode(np.asarray(ids)) == partial + middle


def test_all_but_the_length_is_as_the_engine_is_asked(tokenizer: CodeTokenizer) -> None:
    told, free = Recording(), Recording()
    given = case("a = 1\n", "b = 2")
    options = FillOptions(budget=Budget(max_time_s=1.0))
    assert oracle_system(told, tokenizer, options=options)(given).text == "x"
    filler_system(free, options=options)(given)
    (a,), (b,) = told.asked, free.asked
    assert a.template.pieces == b.template.pieces
    assert a.template.holes[0].max_lines == b.template.holes[0].max_lines == 1
    assert (a.budget, a.sampler, a.extra_context) == (b.budget, b.sampler, b.extra_context)
    assert b.template.holes[0].length_tokens is None


@pytest.mark.parametrize(("sampler", "raises"), [("auto", False), ("none", True)])
def test_a_truth_beyond_the_canvas_is_missed_and_other_errors_are_not_hidden(
    tokenizer: CodeTokenizer,
    sampler: str,
    raises: bool,
) -> None:
    solve: Callable[[Case], object] = oracle_system(
        Recording(canvas=2), tokenizer, options=FillOptions(sampler=sampler)
    )
    if raises:
        with pytest.raises(BadRequest, match="sampler"):
            solve(case("", "a = b + c + d\n" * 3))
    else:
        assert oracle_system(Recording(canvas=2), tokenizer)(case("", "a = b + c + d\n" * 3)).exact is False
