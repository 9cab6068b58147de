"""The bench of fills runs through, over a model that answers at once."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from lsp_server.bench.bench import main
from model.lab.bench import fill
from tests.fakes import FakeFiller


def test_every_part_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    filler = FakeFiller(["x"])
    monkeypatch.setattr(fill, "open_filler", lambda name, *, device: filler)
    done = CliRunner().invoke(main, ["fill", "--count", "2", "--cold-runs", "0", "--context", "100"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout.splitlines()[-1])
    assert (said["bench"], said["context_tokens"], said["model"]) == ("fill", 100, filler.info.name)
    assert said["elsewhere"]["forward_passes"]["p50"] == said["typing"]["forward_passes"]["p50"] == 3
    assert list(said["keystroke"]) == ["200", "2000", "4000"]
    assert {request.other_files == () for request in filler.requests} == {True, False}
