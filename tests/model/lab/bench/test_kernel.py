from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from lsp_server.bench.bench import main
from model.lab.bench.kernel import sides
from model.lab.bench.kernel.bench_kernel import CONTEXT_TOKENS, PASSES, measured, report
from tests.model.backends.builtin import toys


class Fixed:
    """A side that says it takes so long a row; the first round, which is not counted, takes longer."""

    def __init__(self, name: str, ms: float) -> None:
        self.name, self._ms, self.read_tokens = name, ms, list[int]()

    def read(self, ids: NDArray[np.int64]) -> float:
        self.read_tokens.append(len(ids))
        return 1e5 if len(self.read_tokens) == 1 else self._ms * len(ids)

    def run(self, ids: NDArray[np.int64]) -> float:
        return self._ms * len(ids)


def test_every_side_is_measured_in_every_round_and_compared_with_the_best_of_the_others() -> None:
    every = [Fixed("ours", 1), Fixed("slow", 9), Fixed("fast", 1.4)]
    taken = measured(every, 100, rounds=3)
    assert [side.read_tokens for side in every] == [[CONTEXT_TOKENS] * 4] * 3
    assert taken["ours"] == {"read": CONTEXT_TOKENS, **{str(rows): rows for rows in PASSES}}
    said = report(taken, rounds=3)
    assert set(said["times_faster"].values()) == {1.4}
    assert not any(said["kept"].values())
    assert said["goals_met"] == {"read": True, "1": True, "6": True, "32": True}
    assert report({"ours": taken["slow"]}, rounds=3)["times_faster"] == {}


def test_the_command_measures_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "find_spec", lambda name: None)
    folder = toys.write(tmp_path)
    done = CliRunner().invoke(main, ["kernel", "--folder", str(folder), "--rounds", "1"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["bench"] == "kernel"
    ((name, taken),) = said["ms"].items()
    assert name.startswith("kernel (")
    assert all(ms > 0 for ms in taken.values())
    assert list(taken) == ["read", "1", "6", "16", "32"]


def test_a_folder_that_is_no_model_is_said(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["kernel", "--folder", str(tmp_path)])
    assert done.exit_code == 1
    assert "config.json" in done.output


def test_llama_cpp_is_timed_by_its_own_clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = list[dict[str, object]]()

    class Server:
        def __init__(self, params: object) -> None:
            pass

        def handle_completions(self, wanted: dict[str, object]) -> dict[str, object]:
            asked.append(wanted)
            return {"timings": {"prompt_ms": 50.0, "prompt_n": 5, "predicted_per_token_ms": 20.0}}

    def params() -> SimpleNamespace:
        threads = SimpleNamespace(n_threads=0)
        return SimpleNamespace(model=SimpleNamespace(path=""), cpuparams=threads, cpuparams_batch=threads)

    fake = SimpleNamespace(CommonParams=params, Server=Server)
    monkeypatch.setattr(sides, "import_module", lambda name: fake)
    side = sides.LlamaCppSide(tmp_path / "model.gguf", 1024)
    context = np.arange(9)
    assert side.read(context) == pytest.approx(0.05)
    assert side.run(np.array([1])) == pytest.approx(0.02)
    assert side.run(np.arange(6)) == pytest.approx(0.06), "five of six tokens were read: it recomputes the rest"
    assert asked[0]["cache_prompt"] is False
    assert asked[-1]["prompt"] == [*range(9), *range(6)]
