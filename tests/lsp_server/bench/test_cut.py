from __future__ import annotations

import json

from click.testing import CliRunner

from lsp_server.bench.cut import bench_cut, main


def test_the_last_line_is_json_with_the_figures() -> None:
    result = CliRunner().invoke(main, ["--lines", "3000", "--places", "2", "--budget", "200"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.output.splitlines()[-1])
    assert figures["lines"] >= 3_000
    for name in ("cut_ms", "first_keystroke_ms", "keystroke_ms", "whole_reparse_ms", "line_index_ms"):
        assert 0 < figures[name]["p50"] <= figures[name]["p95"] <= figures[name]["max"]


def test_a_large_file_stays_within_its_limits() -> None:
    """Far above what an idle machine takes: what must fail here is a walk over the whole file per cut or keystroke."""
    figures = bench_cut(lines=100_000, places=8)
    assert figures["cut_ms"]["p50"] < 50
    assert figures["keystroke_ms"]["p50"] < 5
    assert figures["keystroke_ms"]["p50"] * 4 < figures["whole_reparse_ms"]["p50"]
