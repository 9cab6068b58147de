"""The command line over a remote model on this machine: diffs, refusals, and what never leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lsp_server.cli.main import run
from tests.model.backends.remote.server import Reply, Server, serving

SOURCE = "def area(width, height):\n    ...\n"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    Path("area.py").write_text(SOURCE)
    with serving() as running:
        yield running


def dlm_fill(server: Server, *args: str) -> int:
    return run(["--model", f"openai:{server.url}/v1#coder", *args])


def test_a_line_is_filled(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.script = [Reply(events=[{"choices": [{"text": "    return width "}]}, {"choices": [{"text": "* height"}]}])]
    assert dlm_fill(server, "area.py:2") == 0
    shown = capsys.readouterr()
    assert "\n-    ...\n+    return width * height\n" in shown.out
    assert shown.err == ""
    (asked,) = server.asked
    assert asked.body["prompt"] == "def area(width, height):\n"
    assert "..." not in str(asked.body), "what stood in the gap is not shown"


def test_mercury_rewrites_a_part_by_edit(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INCEPTION_API_KEY", "sk-other")
    edited = "```python\n    return width * height\n```"
    server.script = [Reply(body={"choices": [{"message": {"role": "assistant", "content": edited}}]})]
    assert run(["--model", f"mercury:{server.url}/v1", "--strength", "0.5", "area.py:2"]) == 0
    assert "+    return width * height\n" in capsys.readouterr().out
    (asked,) = server.asked
    assert asked.path == "/v1/edit/completions"
    assert "<|code_to_edit|>\n<|cursor|>    ...\n<|/code_to_edit|>" in str(asked.body["messages"][0]["content"])


def test_a_refused_key_is_one_line(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.script = [Reply(401, {"error": {"message": "bad sk-secret"}})]
    assert dlm_fill(server, "area.py:2", "--write") == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert "the key from OPENAI_API_KEY is not accepted" in line
    assert "sk-secret" not in line
    assert Path("area.py").read_text() == SOURCE


def test_nothing_of_other_files_is_sent(server: Server) -> None:
    Path(".git").mkdir()
    Path("other.py").write_text("def canary(width, height):\n    return width * height\n")
    server.script = [Reply(events=[{"choices": [{"text": "    return width * height"}]}])]
    assert dlm_fill(server, "area.py:2") == 0
    (asked,) = server.asked
    assert "canary" not in str(asked.body)


@pytest.mark.parametrize("name", [".env", "hidden.py"])
def test_nothing_of_an_excluded_file_is_sent(server: Server, capsys: pytest.CaptureFixture[str], name: str) -> None:
    Path(name).write_text("TOKEN = 1\nKEY = 2\n")
    Path(".dlmignore").write_text("hidden.py\n")
    assert dlm_fill(server, f"{name}:2") == 2
    assert "excluded by" in capsys.readouterr().err
    assert server.asked == []
