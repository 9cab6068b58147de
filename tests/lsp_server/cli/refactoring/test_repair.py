"""`dlm-fill refactor repair`: what the model is unsure of is shown with its confidence, and written only on request."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lsp_server.cli import main as cli
from lsp_server.cli.refactoring import run
from tests.fakes import FakeFiller

BROKEN, MENDED = "def f(xs):\n    return len(xs xs)\n", "def f(xs):\n    return len(xs, ys, xs)\n"


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> FakeFiller:
    filler = FakeFiller(["xs, ys, xs"], confidence=0.1)
    monkeypatch.setattr(run, "open_filler", lambda name, *, device: filler)
    return filler


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.py"
    path.write_text(BROKEN)
    return path


def repair(file: Path, *options: str) -> int:
    return cli.run(["refactor", "repair", f"{file}:2", *options])


@pytest.mark.usefixtures("model")
def test_an_unsure_repair_is_shown_with_its_confidence(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert repair(file) == 0
    said = capsys.readouterr()
    assert "+    return len(xs, ys, xs)" in said.out
    assert "unsure: the model gives the likeliest text 20% to be right" in said.err
    assert repair(file, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["unsure"], told["results"][0]["confidence"]) == (True, 0.1983)


@pytest.mark.usefixtures("model")
def test_it_is_written_only_on_request(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert repair(file, "--write") == 1
    assert file.read_text() == BROKEN
    assert "--min-confidence 0" in capsys.readouterr().err
    assert repair(file, "--write", "--min-confidence", "0") == 0
    assert file.read_text() == MENDED


def test_a_sure_repair_is_written(file: Path, model: FakeFiller, capsys: pytest.CaptureFixture[str]) -> None:
    model.confidence = 0.8
    assert repair(file, "--write", "--min-confidence", "0.97") == 1
    assert repair(file, "--write") == 0
    assert file.read_text() == MENDED
    assert capsys.readouterr().err.count("unsure") == 1
