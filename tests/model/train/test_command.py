from __future__ import annotations

import importlib.util
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from model.checkpoints.builtin import load_network
from model.errors import ModelError
from model.filler import open_filler
from model.tokenizer import train_tokenizer
from model.train import corpus as corpus_module
from model.train.command import main
from model.train.corpus import Package
from model.train.loop import Trainer, TrainOptions
from model.train.plot import read_log
from tests.model import toy

SIZES = {
    "width": 32,
    "layers": 1,
    "heads": 2,
    "feed-forward": 48,
    "batch": 2,
    "window": 64,
    "canvas": 64,
    "workers": 0,
    "device": "cpu",
}
TINY = [word for name, value in SIZES.items() for word in (f"--{name}", str(value))]


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def error(*words: str | Path) -> str:
    """The one line that the command line shows."""
    result = call(*words)
    assert result.exit_code
    message = str(result.exception) if isinstance(result.exception, ModelError) else result.output
    assert result.exception is None or isinstance(result.exception, ModelError | SystemExit)
    return message


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    def few() -> Iterator[Package]:
        yield Package("python-stdlib", "3", "PSF-2.0", [toy.source(n) for n in range(30)])
        yield Package("email", "3", "PSF-2.0", [toy.source(n) for n in range(900, 910)], held_out=True)

    monkeypatch.setattr(corpus_module, "standard_library", few)


@pytest.mark.usefixtures("library")
def test_all_makes_a_model_and_is_repeatable(tmp_path: Path) -> None:
    words: list[str | Path] = ["all", "--site", tmp_path, "--vocab-size", "512", *TINY]
    words += ["--corpus", tmp_path / "corpus", "--run", tmp_path / "run", "--out", tmp_path / "model", "--time-budget"]
    first = call(*words, "0.3")
    assert first.exit_code == 0, first.output
    assert open_filler(str(tmp_path / "model"), device="cpu").info.device == "cpu"
    steps = json.loads((tmp_path / "model" / "config.json").read_text())["trained"]["steps"]
    made = (tmp_path / "corpus" / "train.npy").stat().st_mtime_ns
    second = call(*words, "0.6")
    assert second.exit_code == 0, second.output
    assert f"going on from step {steps}" in second.output
    assert json.loads((tmp_path / "model" / "config.json").read_text())["trained"]["steps"] > steps
    assert (tmp_path / "corpus" / "train.npy").stat().st_mtime_ns == made, "the corpus is kept"
    assert "layers is 1, not 2" in error(*words, "1", "--layers", "2")


@pytest.mark.usefixtures("library")
def test_a_tokenizer_of_another_size_is_not_silently_kept(tmp_path: Path) -> None:
    words = ("corpus", "--site", tmp_path, "--out", tmp_path / "corpus", "--vocab-size")
    numbers = random.Random(0)
    varied = [" ".join("".join(numbers.choices("abcdefgh", k=8)) for _ in range(2000))]
    train_tokenizer(varied, vocab_size=600, path=tmp_path / "corpus" / "tokenizer.json")
    again = call(*words, "600")
    assert again.exit_code == 0
    assert "600 tokens is kept" in again.output.replace("\n", " ")
    assert "name another folder" in error(*words, "512")


@pytest.mark.usefixtures("library")
def test_a_corpus_needs_what_learns_a_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    said = error("corpus", "--site", tmp_path, "--out", tmp_path / "corpus")
    assert said == "learning a tokenizer needs tokenizers: pip install 'dlm-fill[train]'"


def test_errors_name_the_remedy(tmp_path: Path) -> None:
    run = ("run", "--corpus", tmp_path / "none", "--run", tmp_path / "run", "--time-budget")
    assert "dlm-fill train corpus" in error(*run, "1")
    assert "try 3 heads" in error(*run, "1", "--heads", "5")
    assert "90m, 2h, 1h30m" in error(*run, "soon")
    assert "90m, 2h, 1h30m" in error(*run, "0")
    assert "dlm-fill train run" in error("export", "--run", tmp_path, "--out", tmp_path / "out")
    assert "no log" in error("plot", "--run", tmp_path)


@pytest.mark.parametrize(
    ("word", "seconds"), [("90", 90), ("1.5", 1.5), ("45s", 45), ("90m", 5400), ("2h", 7200), ("1h30m", 5400)]
)
def test_durations(word: str, seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, float] = {}

    def train(*_: object, time_budget: float, **__: object) -> bool:
        seen["s"] = time_budget
        return True

    monkeypatch.setattr("model.train.command._train", train)
    assert call("run", "--run", tmp_path, "--time-budget", word).exit_code == 0
    assert seen["s"] == seconds


def test_an_interrupt_writes_the_checkpoint(tmp_path: Path) -> None:
    toy.corpus(tmp_path / "corpus")
    program = "import sys; from lsp_server.cli import run; sys.exit(run(sys.argv[1:]))"
    words = ["train", "run", "--corpus", tmp_path / "corpus", "--run", tmp_path / "run", "--time-budget", "1h", *TINY]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    try:
        log = tmp_path / "run" / "log.jsonl"
        deadline = time.monotonic() + 300
        while not log.exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert "the same command goes on from here" in said
    assert re.search(r"step \d+, [\d.]+ of 60\.0 min: next", said), said
    assert (tmp_path / "run" / "checkpoint.pt").exists()


def log(folder: Path) -> Path:
    rows = [
        {"step": 20, "minutes": 1.0, "tokens": 5, "ahead": 6.0, "back": 7.0, "score": 0, "denoise": 0, "end": 0},
        {"step": 40, "minutes": 2.0, "tokens": 9, "ahead": 5.0, "back": 6.0, "score": 4.0, "denoise": 5.0, "end": 1},
        {"step": 40, "minutes": 2.0, "tokens": 9, "held_out": {"ahead": 5.5, "score": 4.5}},
        {"step": 40, "minutes": 2.1, "tokens": 9, "ahead": 4.9, "back": 5.9, "score": 3.9, "denoise": 4.9, "end": 1},
    ]
    folder.mkdir()
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"step": 6')
    return folder


def test_a_log_is_read_as_curves(tmp_path: Path) -> None:
    train, held_out = read_log(log(tmp_path / "run") / "log.jsonl")
    assert train["ahead"] == [(1.0, 6.0), (2.1, 4.9)]
    assert train["score"] == [(2.1, 3.9)], "what is not trained yet is no point"
    assert held_out["score"] == [(2.0, 4.5)]
    assert held_out["end"] == []


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="needs the extra `train`")
def test_a_plot_is_drawn(tmp_path: Path) -> None:
    result = call("plot", "--run", log(tmp_path / "run"))
    assert result.exit_code == 0, result.output
    assert (tmp_path / "run" / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert "hole, denoising" not in (tmp_path / "run" / "loss.svg").read_text()[:100]
    assert (tmp_path / "run" / "loss.svg").read_text().count("<path") > 10


def test_without_matplotlib_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install 'dlm-fill[train]'" in error("plot", "--run", log(tmp_path / "run"))


@pytest.mark.usefixtures("library")
def test_a_run_goes_on_from_a_models_weights_when_its_own_folder_is_gone(tmp_path: Path) -> None:
    corpus, model = tmp_path / "corpus", tmp_path / "model"
    words: list[str | Path] = ["all", "--site", tmp_path, "--vocab-size", "512", *TINY, "--corpus", corpus]
    assert call(*words, "--run", tmp_path / "one", "--out", model, "--time-budget", "0.3").exit_code == 0
    before = json.loads((model / "config.json").read_text())["trained"]
    run = tmp_path / "two"
    others: list[str | Path] = [
        "--corpus",
        corpus,
        "--run",
        run,
        "--from",
        model,
        "--batch",
        "2",
        "--window",
        "64",
        "--canvas",
        "64",
    ]
    others += ["--workers", "0", "--device", "cpu", "--time-budget"]
    options = TrainOptions(
        corpus=corpus, run=run, time_budget_s=60, batch=2, window=64, canvas=64, workers=0, start_from=model
    )
    began = Trainer(options, load_network(model)[0].config)
    for name, tensor in load_network(model)[0].state_dict().items():
        assert torch.equal(began.network.state_dict()[name], tensor), name
    first: list[float] = []
    began.train(on_step=lambda _, losses: first.append(losses["score"]), stopped=lambda: True)
    assert first[0] > 0, "no part for the streams alone"
    assert call("run", *others, "0.3").exit_code == 0
    assert call("export", "--corpus", corpus, "--run", run, "--out", tmp_path / "on").exit_code == 0
    after = json.loads((tmp_path / "on" / "config.json").read_text())["trained"]
    assert after["steps"] > before["steps"]
    assert after["tokens"] > before["tokens"]
    (corpus / "tokenizer.json").write_text((corpus / "tokenizer.json").read_text() + " ")
    assert "another tokenizer than" in error("run", *others, "0.6", "--run", tmp_path / "three")
