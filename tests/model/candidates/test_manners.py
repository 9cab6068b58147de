from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.candidates.manners import Manners
from model.errors import UnknownModel


def test_what_was_fitted_is_read_and_nothing_fitted_is_the_default(tmp_path: Path) -> None:
    path = tmp_path / "manners.json"
    assert Manners.read(path) == Manners()
    path.write_text(json.dumps({"min_confidence": 0.25, "rewrite_margin_nats": 3, "fit": {"cases": 5}}))
    assert Manners.read(path) == Manners(min_confidence=0.25, rewrite_margin_nats=3.0)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"min_confidence": "x", "rewrite_margin_nats": 1}'])
def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path, text: str) -> None:
    path = tmp_path / "manners.json"
    path.write_text(text)
    with pytest.raises(UnknownModel, match="eval manners"):
        Manners.read(path)
