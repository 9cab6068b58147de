"""What is deployed, and that Ray is asked for where it is missing. Ray itself is tried by on_ray.py: `make test-ray`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from lsp_server.cli.main import run
from lsp_server.errors import InputError
from lsp_server.serve.fleet.application import Scale, models_of, wished


def test_replicas_are_fixed_or_follow_the_load() -> None:
    assert Scale(replicas=2).options()["num_replicas"] == 2
    assert Scale(replicas=2, most=2).options()["num_replicas"] == 2
    scaled = Scale(replicas=1, most=4).options()["autoscaling_config"]
    assert (scaled["min_replicas"], scaled["max_replicas"]) == (1, 4)


def test_a_sole_replica_stays_until_its_successor_is_ready() -> None:
    assert Scale(replicas=1).options()["max_surge_percent"] == 100
    assert Scale(replicas=2).options()["max_surge_percent"] == 0


def test_arguments_win_over_the_environment() -> None:
    environ = {"DLM_FILL_SERVE_MODEL": "slow", "DLM_FILL_SERVE_REPLICAS": "2", "DLM_FILL_SERVE_KEYS_FILE": "/keys"}
    settings, scale = wished({"model": "fast", "also": "big=builtin", "weights": "2"}, environ)
    assert (settings.model, settings.also, settings.keys_file) == ("fast", (("big", "builtin"),), Path("/keys"))
    assert settings.model_names == ("fast", "big")
    assert scale.replicas == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"replica": 2}, "replica"), ({"replicas": "two"}, "numbers"), ({"also": "x"}, "NAME=MODEL")],
)
def test_arguments_that_are_none_are_said(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        wished(arguments, {})


def test_models_have_names() -> None:
    assert models_of(["a=builtin", " b=x=y ", ""]) == (("a", "builtin"), ("b", "x=y"))


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "ray" else real(name, *a))
    assert run(["serve", "--ray"]) == 2
    assert "pip install 'dlm-fill[ray]'" in capsys.readouterr().err


def test_several_models_need_a_fleet(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--also", "fast=builtin"]) == 2
    assert "--ray" in capsys.readouterr().err
