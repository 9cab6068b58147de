"""The drift report on committed checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from model.errors import BadRequest
from model.lab.bench.drift import main

ROOT = Path(__file__).parents[4] / "fixtures" / "checkpoints"


def test_exact_does_not_drift_and_a_stale_context_does() -> None:
    options = ["--model", str(ROOT / "llada"), "--device", "cpu", "--count", "1", "--length", "6", "--context", "40"]
    result = CliRunner().invoke(main, options, catch_exceptions=False)
    report = json.loads(result.output.splitlines()[-1])
    assert report["context_tokens"] == 40
    rows = {row["refresh"]: row for row in report["rows"]}
    assert rows[1]["same_best"] == rows[1]["same_tokens"] == 1
    assert rows[1]["probability_off_max"] < 1e-4
    assert rows[None]["probability_off_mean"] > rows[2]["probability_off_mean"] > 0
    assert all(row["pass_time"] > 0 for row in report["rows"])


def test_a_cache_that_is_exact_is_not_measured() -> None:
    with pytest.raises(BadRequest, match="its cache is exact"):
        CliRunner().invoke(main, ["--model", str(ROOT / "llada2"), "--device", "cpu"], catch_exceptions=False)
