"""The bench of the engine: its holes, its rivals and its counting are what they are said to be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_file

from model.canvas import Canvas
from model.denoiser import Context, Prefilled
from model.evaluate.bench_engine import memory as memory_module
from model.evaluate.bench_engine.command import main
from model.evaluate.bench_engine.floor import Counted, Work, matmul_flops_per_s
from model.evaluate.bench_engine.holes import holes_of
from model.evaluate.bench_engine.memory import memory
from model.evaluate.bench_engine.rivals import Naive
from model.evaluate.cases import Case
from model.evaluate.measure import Result, calibration_error
from model.local import LocalFiller
from model.types import FillRequest, Hole, Template
from tests.fakes import FakeFiller
from tests.model import toy
from tests.model.scripted import MASK, CharCodec, Scripted, ids_of

SIZES = {"width": 6, "heads": 3, "kv_heads": 3, "feed_forward": 10, "layers": 2, "vocab_size": 50, "pointer_width": 4}


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    (tmp_path / "shapes").mkdir()
    for n in range(4):
        text = "".join(f"def area_{k}(width, height):\n    return {n} * width * height\n\n" for k in range(60))
        (tmp_path / "shapes" / f"part_{n}.py").write_text(text)
    return tmp_path / "shapes"


def words(text: str) -> int:
    return len(text.split()) + text.count("\n")


def test_holes_are_whole_lines_of_the_wanted_length_in_the_wanted_context(packages: Path) -> None:
    cases = holes_of([packages], tokens=20, context_tokens=100, count=6, token_count=words, seed=1)
    assert len({case.name for case in cases}) == 6
    for case in cases:
        file = (packages / case.name.split(":")[0]).read_text()
        assert case.prefix + case.middle + case.suffix in file
        assert 17 <= words(case.middle) <= 20
        assert case.prefix.endswith("\n")
        assert case.suffix.startswith("\n")
        assert 85 <= words(case.prefix) + words(case.suffix) <= 102
    assert cases == holes_of([packages], tokens=20, context_tokens=100, count=6, token_count=words, seed=1)


class ReadsTwice(Scripted):
    """Counts how often the context is read."""

    reads = 0

    def prefill(self, context: Context, *, reuse: Prefilled | None = None) -> Scripted:
        self.reads += 1
        return super().prefill(context, reuse=reuse)


def test_the_naive_side_reads_the_context_in_every_step_and_fills_the_same() -> None:
    asked = FillRequest(
        template=Template(pieces=("(", ")"), holes=(Hole(length_tokens=5),)), sampler="low_confidence", steps=5
    )
    denoiser = ReadsTwice(["abcde"], sure=lambda h, i: 0.6)
    engine = LocalFiller(denoiser, CharCodec(), name="scripted", device="cpu")
    slow = engine.over(Naive, drafts=0).fill(asked)
    assert (slow.forward_passes, denoiser.reads, denoiser.scored) == (5, 5, [])
    quick = engine.over(lambda inner: Naive(inner, cached=True), drafts=0).fill(asked)
    assert (quick.candidates, denoiser.reads) == (slow.candidates, 6)
    assert engine.fill(asked).candidates[0].texts == ("abcde",)


def test_work_is_counted_as_on_paper() -> None:
    work = Work(SIZES)
    work.read(4)
    # Per token and layer: q, k, v, o of 6 x 6 and three of 6 x 10, times 2; attention to two others, 4 * 6 each.
    assert work.flops == 4 * 2 * (2 * (4 * 36 + 180) + 4 * 6 * 2)
    work.flops = 0
    work.passed(6, 13, 10, 5)
    assert work.flops == 6 * 2 * (2 * 324 + 4 * 6 * 13) + 2 * 5 * (6 * 50 + 6 * 4 + 10 * 4)


def test_every_pass_is_counted() -> None:
    work = Work(SIZES)
    counted = Counted(Scripted(["ab"]), work)
    prefilled = counted.prefill(Context(pieces=(ids_of("abc"), ids_of("de")), starts_with=(b"",)))
    read = work.flops
    assert read == Work(SIZES).flops + sum(_read(n) for n in (3, 2))
    prefilled.denoise(Canvas.masked([4], mask_id=MASK))
    denoised = work.flops - read
    assert denoised == _pass(positions=5, keys=5 + 5, predicted=4)
    both = Canvas.decided([[ids_of("abcd")], [ids_of("abxy")]], mask_id=MASK)
    prefilled.score(both)  # "", "a" and "ab" begin both rows; "abc" and "abx" one each
    assert work.flops - read - denoised == _pass(positions=5, keys=5 + 2, predicted=5)
    before, last = work.flops, np.zeros((2, 4), dtype=bool)
    last[:, -1] = True
    prefilled.score(both, wanted=last)
    assert work.flops - before == _pass(positions=2, keys=5 + 2, predicted=2)
    assert min(matmul_flops_per_s(64)) > 0


def _pass(*, positions: int, keys: float, predicted: int) -> float:
    work = Work(SIZES)
    work.passed(positions, keys, 5, predicted)
    return work.flops


def _read(tokens: int) -> float:
    work = Work(SIZES)
    work.read(tokens)
    return work.flops


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
    def results(confidence: float, hits: int, n: int) -> list[Result]:
        return [
            Result(case=str(k), kind="line", text="", exact=k < hits, stripped=k < hits, similarity=0, parses=True,
                   length_right=True, confidence=confidence)
            for k in range(n)
        ]  # fmt: skip

    assert calibration_error(results(0.8, 8, 10)) == 0.0
    assert calibration_error(results(0.8, 8, 10) + results(0.3, 10, 10)) == pytest.approx(0.35)


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    network = toy.network()
    folder = tmp_path / "toy"
    folder.mkdir()
    toy.tokenizer(folder)
    (folder / "config.json").write_text(json.dumps({"network": network.config.to_json()}))
    state = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, folder / "weights-1-of-1.safetensors")
    shutil.copy(Path(__file__).parents[3] / "model/builtin/ranking.json", folder)
    return folder


def test_the_command_measures_every_section(model_folder: Path) -> None:
    done = CliRunner().invoke(main, ["--model", str(model_folder), "--quick", "--context", "120"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout.splitlines()[-1])
    speed = report["speed"]["8"]
    assert speed["same_fills"] is True
    assert speed["forward_passes"]["naive"] >= 6
    assert {"naive", "left_to_right", "engine"} <= speed["ms"].keys()
    assert speed["hole_ms"].keys() == speed["ms"].keys()
    assert all(speed["hole_ms"][side] <= ms + 1 for side, ms in speed["ms"].items())
    assert all(factor > 0 for factor in speed["engine_is_times_faster_than"].values())
    assert speed["times_the_floor"] > 0
    assert report["keystrokes"]["ms"].keys() == {"50", "100"}
    assert report["memory"]["fills"] == 5
    assert report["quality"]["drafts"]["on"]["cases"] == report["quality"]["drafts"]["off"]["cases"] > 0
    assert (
        sum(b["cases"] for b in report["quality"]["reliability"]["bins"]) == report["quality"]["drafts"]["on"]["cases"]
    )
    assert np.isfinite(report["quality"]["reliability"]["error"])
