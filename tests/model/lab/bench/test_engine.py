"""The bench of the engine: its sections run, and its counting is what it is said to be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from model.lab.bench.engine import memory as memory_module
from model.lab.bench.engine.bench_engine import main
from model.lab.bench.engine.memory import memory
from model.lab.eval.cases import Case
from model.lab.eval.measure import CaseResult, calibration_error, error_by_chance
from tests.fakes import FakeFiller
from tests.model.lab.train.adapt import toys


def test_growth_is_found_and_a_plateau_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [Case(name="x", kind="line", prefix="a = 1\n" * 300, middle="b", suffix="\nc\n")]
    held = {"now": 100.0}

    def fills(by: float, *, until: int) -> dict[str, object]:
        filler, held["now"] = FakeFiller(["x"]), 100.0

        def resident() -> float:
            return held["now"] + by * min(len(filler.requests), until)

        monkeypatch.setattr(memory_module, "resident_mb", resident)
        return memory(filler, cases, fills=200)

    assert fills(0.5, until=1000)["growth_mb_per_1000"] == pytest.approx(500, rel=0.01)
    assert fills(0.5, until=1000)["growth_percent"] == pytest.approx(66, rel=0.02)
    assert fills(0.5, until=30)["growth_mb_per_1000"] == fills(0.5, until=30)["growth_percent"] == 0.0
    monkeypatch.undo()
    assert memory_module.resident_mb() > 5


def test_calibration_error_is_the_distance_from_what_was_promised() -> None:
    def results(confidence: float, hits: int, n: int) -> list[CaseResult]:
        return [
            CaseResult(case=str(k), kind="line", text="", exact=k < hits, stripped=k < hits, similarity=0, parses=True,
                   length_right=True, confidence=confidence)
            for k in range(n)
        ]  # fmt: skip

    assert calibration_error(results(0.8, 8, 10)) == 0.0
    assert calibration_error(results(0.8, 8, 10) + results(0.3, 10, 10)) == pytest.approx(0.35)
    chance = [error_by_chance(results(0.5, 0, n)) for n in (100, 1600)]
    assert chance == pytest.approx([(2 / np.pi * 0.25 / n) ** 0.5 for n in (100, 1600)], rel=0.15)
    assert error_by_chance(results(1.0, 0, 10)) == 0.0


def test_the_command_measures_every_section(tmp_path: Path) -> None:
    folder = toys.model_folder(tmp_path / "toy")
    done = CliRunner().invoke(main, ["--model", str(folder), "--quick"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["keystrokes"]["ms"].keys() == {"50", "100"}
    assert report["memory"]["fills"] == 5
    drafts, reliability = report["quality"]["drafts"], report["quality"]["reliability"]
    assert drafts["on"]["cases"] == drafts["off"]["cases"] > 0
    assert sum(b["cases"] for b in reliability["bins"]) == drafts["on"]["cases"]
    assert np.isfinite(reliability["error"])
