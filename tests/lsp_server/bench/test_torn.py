from __future__ import annotations

import json

import pytest

from lsp_server.bench.torn import TEARS, bench_torn, source_of
from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax.parse import parse
from tests.fakes import FakeFiller


@pytest.mark.parametrize("language", sorted({tear.language for tear in TEARS.values()}))
def test_the_sound_side_is_sound_and_long(language: str) -> None:
    source = source_of(language)
    tree = parse(source.encode(), by_name(language))
    assert tree is not None
    assert not tree.root_node.has_error
    assert source.count("\n") > 300


@pytest.mark.parametrize("name", TEARS)
def test_the_torn_side_is_torn(name: str) -> None:
    tear = TEARS[name]
    lines = source_of(tear.language).split("\n")
    at = len(lines) // 20
    tree = parse("\n".join([*lines[:at], tear.line, *lines[at:]]).encode(), by_name(tear.language))
    assert tree is not None
    assert tree.root_node.has_error or tear.language == "html"  # an open script ends with the next one


def test_both_sides_are_timed_at_the_same_cursors(capsys: pytest.CaptureFixture[str]) -> None:
    filler = FakeFiller(["total = 1"])
    figures = bench_torn(filler, cursors=4, tears=['"""', "js {"])
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == figures
    assert set(figures["tears"]) == {'"""', "js {"}
    for found in figures["tears"].values():
        assert found["times_p50"] == pytest.approx(found["torn_p50_ms"] / found["sound_p50_ms"], abs=0.01)
    holes = [request.template.pieces[0].rpartition("\n")[2] for request in filler.requests]
    assert len(filler.requests) == 2 * (1 + 2 * 4)
    asked = holes[1:9]
    assert all(set(asked[n : n + 2]) == {asked[n]} for n in range(0, 8, 2))
