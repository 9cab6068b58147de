"""A run goes on exactly where it was, a decay leaves it as it is, and the command makes a file that the runtime reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from model.backends.builtin.storage.config import read_config
from model.backends.builtin.storage.weights import open_adapter
from model.errors import BadRequest
from model.lab.train.adapt.loop import AdaptOptions, AdaptTrainer, decayed, read_checkpoint
from model.lab.train.train import main
from tests.model.lab.train.adapt import toys


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    return toys.model_folder(tmp_path / "model"), toys.corpus(tmp_path / "corpus")


def trainer(folders: tuple[Path, Path], run: Path, *, rank: int = 4) -> AdaptTrainer:
    model, corpus = folders
    held_out = toys.examples(corpus, part="held_out")
    options = AdaptOptions(run=run, rate=0.01, evaluate_batches=2)
    return AdaptTrainer(toys.network(model, rank=rank), toys.examples(corpus), held_out, options)


def adapter(made: AdaptTrainer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in made.network.state_dict().items()}


def test_it_learns_and_leaves_the_base_alone(folders: tuple[Path, Path], tmp_path: Path) -> None:
    made = trainer(folders, tmp_path / "run")
    base = [p.clone() for p in made.network.decoder.parameters()]
    before = made.held_out()
    assert made.train(until_step=60)
    assert made.held_out()["text"] < before["text"] - 0.3
    assert all(torch.equal(a, b) for a, b in zip(base, made.network.decoder.parameters(), strict=True))
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [10, 20, 30, 40, 50, 60]


def test_a_resumed_run_is_the_same_run(folders: tuple[Path, Path], tmp_path: Path) -> None:
    whole = trainer(folders, tmp_path / "whole")
    whole.train(until_step=6)
    first = trainer(folders, tmp_path / "parts")
    assert not first.train(until_step=6, stopped=lambda: first.progress.step == 3)
    second = trainer(folders, tmp_path / "parts")
    assert second.progress.step == 3
    second.train(until_step=6)
    for name, tensor in adapter(whole).items():
        torch.testing.assert_close(tensor, adapter(second)[name])


def test_a_decay_is_a_branch(folders: tuple[Path, Path], tmp_path: Path) -> None:
    made = trainer(folders, tmp_path / "run")
    made.train(until_step=4)
    kept = (tmp_path / "run" / "checkpoint.pt").read_bytes()
    assert not decayed(made, tmp_path / "decay", 4, stopped=lambda: True)
    again = trainer(folders, tmp_path / "run")
    assert decayed(again, tmp_path / "decay", 4)
    saved = read_checkpoint(tmp_path / "decay")
    assert saved is not None
    assert saved["progress"]["step"] == 8
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() == kept


def test_a_damaged_or_foreign_checkpoint_is_named(folders: tuple[Path, Path], tmp_path: Path) -> None:
    trainer(folders, tmp_path / "run").save()
    with pytest.raises(BadRequest, match="another network or rank"):
        trainer(folders, tmp_path / "run", rank=2)
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"torn")
    with pytest.raises(BadRequest, match="damaged"):
        trainer(folders, tmp_path / "run")


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["adapt", *map(str, words)])


def test_the_command_from_run_to_file(folders: tuple[Path, Path], tmp_path: Path) -> None:
    model, corpus = folders
    sizes = ["--rank", "2", "--contexts", "1", "--tokens", "64", "--canvases", "2", "--rows", "4", "--device", "cpu"]
    words: list[str | Path] = ["--base", model, "--corpus", corpus, "--run", tmp_path / "run", *sizes]
    for steps in ("1", "2"):
        result = call("run", *words, "--steps", steps)
        assert result.exit_code == 0, result.output
    assert call("decay", *words, "--steps", "2", "--into", tmp_path / "decay").exit_code == 0
    out = model / "adapter-1.safetensors"
    assert call("export", "--run", tmp_path / "decay", "--out", out).exit_code == 0
    assert len(open_adapter(out, read_config(model)).parts) == 2 * 7
    none = call("export", "--run", corpus, "--out", out)
    assert "train first" in str(none.exception)
