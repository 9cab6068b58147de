"""The deployment's options, and that Ray is asked for where it is missing. Ray itself is tried by hand: docs/serve.md."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from lsp_server.cli.main import run
from lsp_server.serve.fleet import _scale


def test_replicas_are_fixed_or_follow_the_load() -> None:
    assert _scale(2, None) == {"num_replicas": 2}
    assert _scale(2, 2) == {"num_replicas": 2}
    scaled = _scale(1, 4)["autoscaling_config"]
    assert (scaled["min_replicas"], scaled["max_replicas"]) == (1, 4)


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "ray" else real(name, *a))
    assert run(["serve", "--ray"]) == 2
    assert "pip install 'dlm-fill[ray]'" in capsys.readouterr().err


def test_the_manifest_names_the_application() -> None:
    manifest = (Path(__file__).parents[3] / "docs" / "serve" / "kuberay.yaml").read_text("utf-8")
    assert "import_path: lsp_server.serve.fleet:app" in manifest
