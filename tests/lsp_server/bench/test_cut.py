from __future__ import annotations

import json

from click.testing import CliRunner

from lsp_server.bench.cut import bench_cut, main


def test_the_last_line_is_json_with_the_figures() -> None:
    result = CliRunner().invoke(main, ["--lines", "3000", "--places", "2", "--budget", "200"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.output.splitlines()[-1])
    assert figures["lines"] >= 3_000
    for name in ("cut_ms", "change_ms", "first_keystroke_ms", "keystroke_ms", "whole_reparse_ms", "line_index_ms"):
        assert 0 < figures[name]["p50"] <= figures[name]["p95"] <= figures[name]["max"]


def test_cutting_costs_as_much_in_a_large_file_as_in_a_small_one() -> None:
    """Counted in characters that are tokenised per cut: what must fail here is a walk over the whole file."""

    def tokenised(lines: int) -> float:
        counted: list[int] = []

        def count(text: str) -> int:
            counted.append(len(text))
            return len(text) // 3

        bench_cut(lines=lines, places=8, count_tokens=count)
        return sum(counted)

    assert tokenised(100_000) < 2 * tokenised(5_000)
