"""`dlm-fill refactor suspicious`: what it prints, as lines and as JSON, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lsp_server.cli import main as cli
from lsp_server.cli.refactoring import run
from tests.fakes import FakeFiller


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(run, "open_filler", lambda name, *, device: FakeFiller([], improbable={"cuont": "count"}))
    path = tmp_path / "a.py"
    path.write_text("count = 1\nprint('é', cuont)\nprint(cuont)\n")
    return path


def test_each_word_is_a_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["refactor", "suspicious", f"{file}:1-2"]) == 0
    assert capsys.readouterr().out == f"{file}:2:12: cuont -> count  (5.0 nats)\n"
    assert file.read_text().count("cuont") == 2, "nothing is changed"


def test_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["refactor", "suspicious", f"{file}:2-3", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["file"] == str(file)
    assert [(one["range"], one["text"], one["instead"]) for one in told["suspicions"]] == [
        ({"start": [2, 12], "end": [2, 17]}, "cuont", "count"),
        ({"start": [3, 7], "end": [3, 12]}, "cuont", "count"),
    ]


def test_nothing_suspicious_is_exit_code_1(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["refactor", "suspicious", f"{file}:1-1"]) == 1
    assert "nothing suspicious" in capsys.readouterr().err


def test_no_time_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["refactor", "suspicious", f"{file}:1-2", "--max-time", "0.0000001"]) == 1
    assert "time ran out" in capsys.readouterr().err


def test_it_writes_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["refactor", "suspicious", f"{file}:1-2", "--write"]) == 2
    assert "leave out --write" in capsys.readouterr().err


def test_it_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["refactor", "--list", "--json"]) == 0
    assert {"name": "suspicious", "kind": "quickfix"} in json.loads(capsys.readouterr().out)
