"""`dlm-fill bench server` against the built-in model, with as little typing as it can do."""

from __future__ import annotations

import json

from click.testing import CliRunner

from lsp_server.bench.server import main


def test_the_last_line_is_json_with_the_figures() -> None:
    result = CliRunner().invoke(
        main, ["--lines", "200", "--lines", "1000", "--typed", "1", "--cancels", "1", "--rest", "0"]
    )
    assert result.exit_code == 0, result.output
    figures = json.loads(result.output.splitlines()[-1])
    assert [file["lines"] for file in figures["files"]] == [200, 1000]
    for file in figures["files"]:
        assert 0 < file["keystroke_ms"]["p50"] <= file["keystroke_ms"]["p95"]
        assert 0 < file["loop_lag_ms"]["p50"] <= file["loop_lag_ms"]["p99"]
        assert 0 <= file["suggested"] <= file["keystrokes"]
        met = ("with_a_fill", "from_the_cache", "with_an_unread_context", "without_a_request")
        assert sum(file[name]["count"] for name in met) == file["keystrokes"]
        assert file["unread"] == file["with_an_unread_context"]["count"]
    assert 0 < figures["initialize_ms"] < figures["ready_ms"]
    assert figures["leave_ms"] > 0
    assert figures["cancel_to_idle_ms"] is None or figures["cancel_to_idle_ms"]["p50"] > 0


def test_a_model_that_does_not_load_is_one_line() -> None:
    result = CliRunner().invoke(main, ["--model", "no-such-model"])
    assert result.exit_code == 1
    assert "could not load the model 'no-such-model'" in result.output
