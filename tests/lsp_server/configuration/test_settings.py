"""The settings, what is said of wrong ones, and whose word counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lsp_server.cli import main as cli
from lsp_server.configuration.layers import Configuration
from lsp_server.configuration.reading import read
from lsp_server.configuration.schema import json_schema, table
from lsp_server.configuration.settings import Settings, all_settings
from tests.lsp_server.editor import ROOT

SAFE = {"enabled", "automatic", "maxTimeMs", "candidates", "crossFile", "minConfidence"}


def test_editors_and_docs_have_the_settings_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    committed = (ROOT / "editors" / "settings.schema.json").read_text("utf-8")
    assert committed == json_schema(), "run: dlm-fill settings --schema > editors/settings.schema.json"
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert table() in page, "put what `dlm-fill settings --markdown` prints into docs/settings.md"
    assert cli.run(["settings", "--markdown"]) == 0
    assert capsys.readouterr().out == table()
    assert cli.run(["settings", "--schema"]) == 0
    assert capsys.readouterr().out == committed
    assert cli.run(["settings"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(all_settings())


def test_each_default_will_do_and_each_key_reads_into_its_field() -> None:
    properties = json.loads(json_schema())["properties"]
    for setting in all_settings():
        values, complaints = read({setting.key: setting.default}, origin="here")
        assert complaints == ()
        assert values == ({} if setting.default is None else {setting.name: setting.default})
        assert properties[setting.key]["default"] == setting.default
        assert getattr(Settings(), setting.name) == setting.default


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        ({"Model": "x"}, "here: unknown key 'Model' has no effect; known are model, device, enabled"),
        ({"model": ""}, 'here: model must be a non-empty string; "builtin" is used instead'),
        ({"device": 1}, 'here: device must be one of "auto", "cpu", "cuda", "mps"; "auto" is used instead'),
        ({"device": ["cpu"]}, "device must be one of"),
        (
            {"maxTimeMs": "250"},
            "maxTimeMs must be a whole number of at least 1; the default (2000, for commands 10000)",
        ),
        ({"maxTimeMs": True}, "maxTimeMs must be a whole number of at least 1"),
        ({"candidates": 17}, "candidates must be a whole number of at least 1 and at most 16; 3 is used instead"),
        ({"candidates": 1.5}, "candidates must be a whole number"),
        ({"enabled": 1}, "enabled must be true or false; true is used instead"),
        ({7: 1}, "unknown key '7'"),
        ([], "here must be an object, not list"),
    ],
)
def test_what_has_no_effect_is_named_with_what_would_have(raw: Any, complaint: str) -> None:
    values, complaints = read(raw, origin="here")
    assert values == {}
    (found,) = complaints
    assert complaint in found


def test_a_repository_may_set_only_what_harms_nobody(tmp_path: Path) -> None:
    assert {setting.key for setting in all_settings() if setting.repository} == SAFE
    (tmp_path / "dlm-fill.toml").write_text('model = "/evil"\ndevice = "cuda"\ncandidates = 9\nmetrics = false\n')
    configuration, told = Configuration(Settings()), list[str]()
    configuration.listen(told.append)
    configuration.follow([tmp_path])
    uri = (tmp_path / "a.py").as_uri()
    assert configuration.of(uri) == Settings(candidates=9)
    assert configuration.everywhere == Settings()
    assert len(told) == 3
    assert "dlm-fill.toml: model is not taken from a repository's file: set it in your editor" in told[0]
    assert configuration.of(uri) == Settings(candidates=9)
    assert len(told) == 3, "each once"


def test_later_words_count_and_each_folder_has_its_own(tmp_path: Path) -> None:
    one, two, inner = tmp_path / "one", tmp_path / "two", tmp_path / "one" / "inner"
    inner.mkdir(parents=True)
    two.mkdir()
    (one / "dlm-fill.toml").write_text("candidates = 5\nmaxTimeMs = 50\nautomatic = false\n")
    (inner / "dlm-fill.toml").write_text("candidates = 6\n")
    configuration = Configuration(Settings(model="mine"))
    configuration.initialize({"maxTimeMs": 60, "preview": True})
    configuration.follow([one, two, inner])
    configuration.take({"preview": None, "status": False})
    configuration.take({"candidates": 8}, folder=two)
    base = Settings(model="mine", max_time_ms=60, preview=True, status=False)
    assert configuration.everywhere == base
    assert configuration.of((one / "a.py").as_uri()) == Settings(
        model="mine", max_time_ms=60, preview=True, status=False, candidates=5, automatic=False
    )
    assert configuration.of((inner / "a.py").as_uri()).candidates == 6
    assert configuration.of((inner / "a.py").as_uri()).automatic is True, "the innermost folder's file alone"
    assert configuration.of((two / "a.py").as_uri()).candidates == 8
    assert configuration.of("untitled:x") == base == configuration.of((tmp_path / "a.py").as_uri())
    configuration.follow([one])
    assert configuration.of((two / "a.py").as_uri()) == base, "its folder was left"


def test_the_repositorys_file_is_read_again_when_it_changed(tmp_path: Path) -> None:
    configuration, told = Configuration(Settings()), list[str]()
    configuration.follow([tmp_path])
    file, uri = tmp_path / "dlm-fill.toml", (tmp_path / "a.py").as_uri()
    assert configuration.of(uri).candidates == 3
    file.write_text("candidates = 5\n")
    assert configuration.of(uri).candidates == 5
    file.write_text("candidates = \n")
    assert configuration.of(uri).candidates == 3
    configuration.listen(told.append)
    assert len(told) == 1
    assert "dlm-fill.toml is not TOML" in told[0]
    file.write_bytes(b"\xff\xfe")
    assert configuration.of(uri).candidates == 3
    file.unlink()
    file.mkdir()
    assert configuration.of(uri).candidates == 3
    assert [complaint[:13] for complaint in told] == ["dlm-fill.toml"] * 3
    file.rmdir()
    assert configuration.of(uri).candidates == 3
    assert len(told) == 3


def test_the_bound_is_in_seconds() -> None:
    assert Settings(max_time_ms=250).max_time_s(default=9.0) == 0.25
    assert Settings().max_time_s(default=9.0) == 9.0
