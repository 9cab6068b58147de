"""Thousands of random requests, edits and cancels against the real server: nothing hung, lost, doubled or kept."""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lsp_server.bench.storm import bench_storm as command_module
from lsp_server.bench.storm import storm as storm_module
from lsp_server.bench.storm.bench_storm import main, storms, totals_of
from lsp_server.bench.storm.desk import Encoding, Paper, StormDesk
from lsp_server.bench.storm.storm import Storm
from lsp_server.code.text.positions import LineIndex
from tests.lsp_server.editor import ROOT

FAKE = {"texts": ["value + 1\n    more('😀')"], "others": [["other"], ["a third"]], "steps": 4, "step_s": 0.001}


async def test_a_storm() -> None:
    """Memory is counted, with no document open, in objects and in pieces that Python's allocator handed out.

    These depend on no machine, unlike resident memory. One object kept per request would be 900 for each connection.
    Some 200 may come: what was accepted is watched for half a minute, 32 texts at most, with a timer each. Pieces are
    more: Python keeps sources that were named in tracebacks.
    """
    script = str(ROOT / "tests" / "lsp_server" / "fake_server.py")
    command = [sys.executable, script, json.dumps({**FAKE, "forgets": True})]
    totals = totals_of(await storms(command, requests=4_500, max_time_ms=200, seed=0))
    assert totals["wrong"] == []
    assert totals["exit_codes"] == [0, 0, 0]
    assert totals["answered"] == totals["requests"] >= 4_500
    assert totals["texts_compared"] > 100
    assert totals["suggestions"] > 0
    assert totals["edits_applied"] > 0
    assert {"result", "-32800", "-32801", "-32601", "-32602", "notification dropped"} <= totals["by_answer"].keys()
    assert totals["growth_objects"] < 450
    assert totals["growth_blocks"] < 3_000
    assert totals["growth_resident_kib"] < 30_000


@pytest.mark.parametrize(
    ("does", "says"),
    [
        ("twice", "answers to requests that were answered, or never sent"),
        ("never", "requests hung"),
        ("text", "the server's text differs"),
        ("place", "a suggestion for no place"),
        ("leaves", "the server has ended"),
    ],
)
async def test_a_storm_finds_what_is_wrong(does: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storm_module, "PATIENCE_S", 5.0 if does == "never" else 60.0)
    command = [sys.executable, str(Path(__file__).with_name("liar.py")), does]
    report = await Storm(seed=0, encoding="utf-16", max_time_ms=1).run(command, os.environ, requests=100)
    assert any(says in what for what in report["wrong"]), report["wrong"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
@pytest.mark.parametrize("seed", range(5))
def test_the_storms_own_positions_are_those_of_the_specification(encoding: Encoding, seed: int) -> None:
    """Both counts were written apart; where they agree, and there and back is the same, both are right."""
    paper, chance = Paper(uri="x", language="python"), random.Random(seed)
    desk = StormDesk([paper], encoding, chance)
    for _ in range(40):
        desk.edited(paper)
        at = desk.place(paper)
        position = desk.position(paper, at)
        assert desk.index(paper, position) == at
        offset = LineIndex(paper.text.encode()).offset(position["line"], position["character"], encoding)
        assert offset == len(paper.text[:at].encode())
    with pytest.raises((ValueError, IndexError)):
        desk.index(paper, {"line": 0, "character": 1_000_000})


def test_the_last_line_is_json_with_the_totals() -> None:
    result = CliRunner().invoke(main, ["--requests", "60", "--max-time-ms", "50"])
    assert result.exit_code == 0, result.output
    totals = json.loads(result.output.splitlines()[-1])
    assert totals["requests"] == totals["answered"] >= 60
    assert totals["wrong"] == []
    assert totals["most_resident_kib"] >= totals["growth_resident_kib"]


def test_a_model_that_cannot_be_loaded_is_an_answer_too() -> None:
    result = CliRunner().invoke(main, ["--requests", "300", "--model", "no-such-model"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output.splitlines()[-1])["by_answer"]["-32803"] > 0


def test_what_is_wrong_is_told_and_the_exit_code_is_1(monkeypatch: pytest.MonkeyPatch) -> None:
    async def wrong(command: Sequence[str], **_: object) -> list[dict[str, Any]]:
        script = str(Path(__file__).with_name("liar.py"))
        storm = Storm(seed=0, encoding="utf-8", max_time_ms=1)
        return [await storm.run([sys.executable, script, "text"], os.environ, requests=20)]

    monkeypatch.setattr(command_module, "storms", wrong)
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 1
    assert "WRONG: utf-8: text: the server's text differs" in result.output
