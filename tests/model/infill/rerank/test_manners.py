from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.errors import UnknownModel
from model.infill.rerank.manners import Manners, Nothing, with_nothing
from model.types import Candidate, Fill


def test_what_was_fitted_is_read_and_nothing_fitted_is_the_default(tmp_path: Path) -> None:
    path = tmp_path / "manners.json"
    assert Manners.read(path) == Manners()
    path.write_text(json.dumps({"min_confidence": 0.25, "rewrite_margin_nats": 3, "fit": {"cases": 5}}))
    assert Manners.read(path) == Manners(min_confidence=0.25, rewrite_margin_nats=3.0)
    nothing = {"inside": {"shift": -1, "scale": 2}, "lines": {"shift": 0, "scale": 1}}
    path.write_text(json.dumps({"min_confidence": 0, "rewrite_margin_nats": 3, "nothing": nothing}))
    found = Manners.read(path).nothing
    assert found is not None
    assert found.of(whole_lines=False) == Nothing(shift=-1.0, scale=2.0)
    assert found.of(whole_lines=True) == Nothing(shift=0.0, scale=1.0)


@pytest.mark.parametrize(
    ("said", "nothing", "may_stay_empty", "chance", "confidence"),
    [
        (0.25, None, True, 0.25, 0.8),
        (None, Nothing(shift=0, scale=1), True, None, 0.8),
        (0.25, Nothing(shift=0, scale=1), True, 0.25, 0.6),
        (0.25, Nothing(shift=0, scale=1), False, 0.25, 0.8),
    ],
)
def test_where_perhaps_nothing_belongs_candidates_are_less_sure(
    said: float | None, nothing: Nothing | None, may_stay_empty: bool, chance: float | None, confidence: float
) -> None:
    candidate = Candidate(texts=("x",), confidences=(0.8,), confidence=0.8)
    fill = Fill(candidates=(candidate,), forward_passes=1, tokens=1, prefill_ms=0, denoise_ms=0)
    found = with_nothing(fill, said, nothing, may_stay_empty=may_stay_empty)
    assert found.nothing == (chance if chance is None else pytest.approx(chance))
    assert found.candidates[0].confidence == pytest.approx(confidence)
    assert found.candidates[0].confidences == pytest.approx((confidence,))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"min_confidence": "x", "rewrite_margin_nats": 1}',
        '{"min_confidence": 0, "rewrite_margin_nats": 1, "nothing": {"shift": 1, "scale": 1}}',
    ],
)
def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path, text: str) -> None:
    path = tmp_path / "manners.json"
    path.write_text(text)
    with pytest.raises(UnknownModel, match="eval manners"):
        Manners.read(path)
