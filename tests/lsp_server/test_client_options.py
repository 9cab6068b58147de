from __future__ import annotations

from typing import Any

import pytest

from lsp_server.client_options import ClientOptions, read

DEFAULTS = ClientOptions(model="mine", device="cpu")


def test_what_is_given_replaces_the_defaults() -> None:
    options, complaints = read({"device": "cuda", "maxTimeMs": 250, "candidates": 4}, defaults=DEFAULTS)
    assert options == ClientOptions(model="mine", device="cuda", max_time_ms=250, candidates=4)
    assert complaints == []
    assert options.max_time_s(default=9.0) == 0.25
    assert DEFAULTS.max_time_s(default=9.0) == 9.0


@pytest.mark.parametrize("nothing", [None, {}, {"model": None}])
def test_nothing_given_leaves_the_defaults(nothing: Any) -> None:
    assert read(nothing, defaults=DEFAULTS) == (DEFAULTS, [])


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        ({"Model": "x"}, "unknown key 'Model' has no effect; known are model, device, maxTimeMs, candidates"),
        ({"model": ""}, "model must be a non-empty string; 'mine' is used instead"),
        ({"device": 1}, "device must be a non-empty string; 'cpu' is used instead"),
        ({"maxTimeMs": "250"}, "maxTimeMs must be a whole number of at least 1; None is used instead"),
        ({"maxTimeMs": True}, "maxTimeMs must be a whole number of at least 1"),
        ({"candidates": 17}, "candidates must be a whole number of at least 1 and at most 16; 1 is used instead"),
        ({"candidates": 1.5}, "candidates must be a whole number"),
        ([], "must be an object, not list"),
    ],
)
def test_what_has_no_effect_is_reported(raw: Any, complaint: str) -> None:
    options, complaints = read(raw, defaults=DEFAULTS)
    assert options == DEFAULTS
    (found,) = complaints
    assert complaint in found
