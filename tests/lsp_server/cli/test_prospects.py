from __future__ import annotations

from pathlib import Path

import pytest

from lsp_server.cli import main as cli
from lsp_server.cli import prospects
from tests.fakes import FakeFiller


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("credentials", "credentials is not filled: excluded by credentials* (built in)"),
        ("private.py", "private.py is not filled: excluded by private.py (.dlmignore:1)"),
        ("a.py", "for fills in other files it is left out: a.py (.gitignore:1)"),
        ("b.kt", "b.kt is filled; no rule excludes it"),
        ("a.py", "python: cut and checked by syntax"),
        ("a.py", "set enabled = true in dlm-fill.toml"),
    ],
)
def test_doctor_says_what_would_happen_in_a_file(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text("x = 1\n")
    (tmp_path / ".dlmignore").write_text("private.py\n")
    (tmp_path / ".gitignore").write_text("a.py\n")
    (tmp_path / "dlm-fill.toml").write_text("enabled = false\n")
    assert cli.run(["doctor", name]) == 0
    assert said in capsys.readouterr().out


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["doctor", "nowhere.py"]) == 2
    assert "nowhere.py: no such file" in capsys.readouterr().err


def test_with_a_line_it_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prospects, "open_filler", lambda _: FakeFiller(["y = 2"]))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text("x = 1\ny = 1\n")
    assert cli.run(["doctor", "a.py:2"]) == 0
    assert "'y = 2', confidence 0.90 (fake on cpu, " in capsys.readouterr().out
    assert cli.run(["doctor", "a.py:7"]) == 2
    assert "no such line" in capsys.readouterr().err
