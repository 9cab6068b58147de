from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.errors import BadRequest
from model.filler import open_filler
from model.networks.layers import NetworkConfig
from model.train.export import SHARD_BYTES, export
from model.train.loop import Trainer, TrainOptions
from model.types import Budget, FillRequest, Hole, Template
from tests.model import toy

A_LONG_TIME_S = 1e6


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture
def options(corpus: Path, tmp_path: Path) -> TrainOptions:
    return TrainOptions(
        corpus=corpus,
        run=tmp_path / "run",
        time_budget_s=A_LONG_TIME_S,
        batch=4,
        window=96,
        canvas=96,
        stream_share=0.0,
        workers=0,
    )


def after(steps: int) -> Callable[[], bool]:
    """Says stop when asked for the nth time."""
    left = iter(range(steps - 1, -1, -1))
    return lambda: next(left) == 0


def rows(options: TrainOptions) -> list[dict[str, float]]:
    return [json.loads(line) for line in (options.run / "log.jsonl").read_text().splitlines()]


def test_a_run_learns(options: TrainOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.train.loop.schedule", lambda _: 1.0)
    seen: list[dict[str, float]] = []
    trainer = Trainer(options, toy.config())
    before = trainer.held_out(1)
    done = trainer.train(on_step=lambda _, losses: seen.append(dict(losses)), stopped=after(40))
    assert not done
    assert trainer.progress.step == len(seen) == 40
    assert trainer.progress.tokens == 40 * 4 * (96 + 96 + 96)
    learned = trainer.held_out(1)
    for name in ("ahead", "back", "score", "denoise", "end"):
        assert learned[name] < before[name] - 0.3, name
    assert [row["step"] for row in rows(options)] == [20, 40]
    assert (options.run / "checkpoint.pt").exists()
    assert not list(options.run.glob("*.part"))


def test_a_resumed_run_is_as_if_never_stopped(options: TrainOptions, tmp_path: Path) -> None:
    whole = Trainer(options, toy.config())
    whole.train(stopped=after(6))
    parted = replace(options, run=tmp_path / "parted")
    Trainer(parted, toy.config()).train(stopped=after(2))
    resumed = Trainer(parted, toy.config())
    assert resumed.progress.step == 2
    resumed.train(stopped=after(4))
    assert resumed.progress.step == whole.progress.step == 6
    assert resumed.progress.tokens == whole.progress.tokens
    expected = whole.network.state_dict()
    for name, tensor in resumed.network.state_dict().items():
        torch.testing.assert_close(tensor, expected[name], rtol=1e-3, atol=1e-4)


def test_the_budget_ends_a_run_and_its_phases(options: TrainOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.train.loop.time", toy.Clock(tick_s=0.125))
    options = replace(options, time_budget_s=1.0, stream_share=0.5)
    seen: list[tuple[float, float]] = []
    trainer = Trainer(options, toy.config())
    assert trainer.train(on_step=lambda p, losses: seen.append((p.elapsed_s, losses["score"])))
    assert [elapsed for elapsed, _ in seen] == [0.125 * n for n in range(1, 9)]
    assert [score == 0 for _, score in seen] == [True] * 4 + [False] * 4
    assert "held_out" in rows(options)[-1]
    steps = trainer.progress.step
    again = Trainer(options, toy.config())
    assert again.train()
    assert again.progress.step == steps, "what is spent is spent"


def test_workers_cut_the_same_batches(options: TrainOptions, tmp_path: Path) -> None:
    losses: list[list[float]] = []
    for workers in (0, 2):
        seen: list[float] = []
        trainer = Trainer(replace(options, workers=workers, run=tmp_path / str(workers)), toy.config())
        trainer.train(on_step=lambda _, parts, seen=seen: seen.append(parts["ahead"]), stopped=after(3))  # type: ignore[misc]
        losses.append(seen)
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)


def test_a_run_of_another_network_is_not_touched(options: TrainOptions) -> None:
    Trainer(options, toy.config()).train(stopped=after(1))
    before = (options.run / "checkpoint.pt").read_bytes()
    other = NetworkConfig(**{**toy.config().to_json(), "layers": 3})  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match=r"layers is 2, not 3.*another --run folder"):
        Trainer(options, other)
    assert (options.run / "checkpoint.pt").read_bytes() == before
    assert json.loads((options.run / "config.json").read_text())["layers"] == 2


def test_a_damaged_checkpoint_is_told(options: TrainOptions) -> None:
    Trainer(options, toy.config()).train(stopped=after(1))
    file = options.run / "checkpoint.pt"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(BadRequest, match=r"damaged: delete it"):
        Trainer(options, toy.config())


def test_what_is_exported_fills(options: TrainOptions, corpus: Path, tmp_path: Path) -> None:
    trainer = Trainer(options, toy.config())
    trainer.train(stopped=after(2))
    paths = export(options.run, corpus, tmp_path / "model")
    assert [p.name for p in paths] == ["weights-1-of-1.safetensors"]
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["trained"]["steps"] == 2
    filler = open_filler(str(tmp_path / "model"), device="cpu")
    assert filler.info.name == "model"
    template = Template(pieces=("def f(value):\n", "\n    return value\n"), holes=(Hole(max_lines=1, length_tokens=3),))
    fill = filler.fill(FillRequest(template=template, budget=Budget(max_forward_passes=8)))
    assert 0 < fill.forward_passes <= 8
    assert all("\n" not in candidate.texts[0] for candidate in fill.candidates)


def test_weights_come_in_shards(
    options: TrainOptions, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Trainer(options, toy.config()).train(stopped=after(1))
    monkeypatch.setattr("model.train.export.SHARD_BYTES", 20_000)
    assert SHARD_BYTES > 20_000
    paths = export(options.run, corpus, tmp_path / "model")
    assert len(paths) > 1
    monkeypatch.undo()
    export(options.run, corpus, tmp_path / "model")
    assert [p.name for p in (tmp_path / "model").glob("weights-*")] == ["weights-1-of-1.safetensors"]
    open_filler(str(tmp_path / "model"), device="cpu")


def test_export_says_what_is_missing(options: TrainOptions, corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="train first"):
        export(options.run, corpus, tmp_path / "model")
    Trainer(options, toy.config()).train(stopped=after(1))
    with pytest.raises(BadRequest, match="--corpus"):
        export(options.run, tmp_path / "none", tmp_path / "model")
