"""What is measured once is kept, and what it speaks for is taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from model.backends.published import load_checkpoint, weights
from model.backends.published import number_format as probe
from model.backends.published import opening as published
from model.backends.published.number_format import (
    LEAST_PARAMETERS,
    REPETITIONS,
    Measured,
    all_measured,
    measured,
    product_ms,
)
from model.backends.published.weights import fastest_dtype

DREAM = Path(__file__).parents[4] / "fixtures" / "checkpoints" / "dream"


class Timer:
    """Says that a product takes so long, and counts how often it was asked."""

    def __init__(self, *, float32: float, bfloat16: float) -> None:
        self._ms = {torch.float32: float32, torch.bfloat16: bfloat16}
        self.asked: list[tuple[torch.dtype, int, int]] = []

    def __call__(self, dtype: torch.dtype, width: int, inner: int) -> float:
        self.asked.append((dtype, width, inner))
        return self._ms[dtype]


@pytest.mark.parametrize(
    ("float32", "bfloat16", "taken"),
    [(10, 5, "bfloat16"), (10, 10, "float32"), (5, 500, "float32"), (10, 9, "float32")],
)
def test_rounding_has_to_pay(tmp_path: Path, float32: float, bfloat16: float, taken: str) -> None:
    timer = Timer(float32=float32, bfloat16=bfloat16)
    assert measured(64, 128, path=tmp_path / "cpu.json", timer=timer).dtype == taken


def test_it_is_measured_once_for_each_shape_and_by_turns(tmp_path: Path) -> None:
    timer, path = Timer(float32=10, bfloat16=5), tmp_path / "new" / "cpu.json"
    first = measured(64, 128, path=path, timer=timer)
    assert timer.asked == [(torch.float32, 64, 128), (torch.bfloat16, 64, 128)] * REPETITIONS
    assert measured(64, 128, path=path, timer=Timer(float32=1, bfloat16=9)) == first
    measured(64, 256, path=path, timer=timer)
    assert len(timer.asked) == 4 * REPETITIONS
    assert list(all_measured(path=path).values()) == [first, first]
    assert [p.name for p in path.parent.iterdir()] == ["cpu.json"]


def test_what_is_emulated_is_not_tried_twice(tmp_path: Path) -> None:
    timer = Timer(float32=5, bfloat16=5000)
    assert measured(64, 128, path=tmp_path / "cpu.json", timer=timer).dtype == "float32"
    assert len(timer.asked) == 2


def test_another_version_or_machine_is_measured_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cpu.json"
    assert measured(64, 128, path=path, timer=Timer(float32=10, bfloat16=5)).dtype == "bfloat16"
    monkeypatch.setattr(torch, "__version__", "99.0")
    assert measured(64, 128, path=path, timer=Timer(float32=5, bfloat16=10)).dtype == "float32"
    monkeypatch.setattr(probe, "_processor", lambda: "another")
    assert measured(64, 128, path=path, timer=Timer(float32=10, bfloat16=5)).dtype == "bfloat16"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"x": 1}', "null"])
def test_a_damaged_file_costs_a_measurement_and_no_more(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cpu.json"
    path.write_text(text)
    assert measured(64, 128, path=path, timer=Timer(float32=10, bfloat16=5)).dtype == "bfloat16"
    assert len(all_measured(path=path)) == 1
    damaged = json.loads(path.read_text())
    path.write_text(json.dumps({key: {"float32_ms": "soon"} for key in damaged}))
    assert all_measured(path=path) == {}
    assert measured(64, 128, path=path, timer=Timer(float32=5, bfloat16=5)).dtype == "float32"


def test_where_nothing_can_be_written_it_is_measured_each_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    timer = Timer(float32=10, bfloat16=5)
    for _ in range(2):
        assert measured(64, 128, path=tmp_path / "file" / "cpu.json", timer=timer).dtype == "bfloat16"
    assert len(timer.asked) == 4 * REPETITIONS


def test_a_real_product_takes_time() -> None:
    assert product_ms(torch.float32, 32, 64) > 0
    assert product_ms(torch.bfloat16, 32, 64) > 0


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, float], list[tuple[int, int]]]:
    """Lets the measurement say so; the shapes that were asked for."""

    def say(float32: float, bfloat16: float) -> list[tuple[int, int]]:
        asked: list[tuple[int, int]] = []

        def told(width: int, inner: int) -> Measured:
            asked.append((width, inner))
            return Measured(float32_ms=float32, bfloat16_ms=bfloat16)

        monkeypatch.setattr(probe, "measured", told)
        return asked

    return say


def test_a_large_network_takes_what_is_faster_on_this_cpu(
    says: Callable[[float, float], list[tuple[int, int]]],
) -> None:
    cpu, large = torch.device("cpu"), LEAST_PARAMETERS
    asked = says(10, 5)
    assert fastest_dtype(cpu, parameters=large, width=64, inner=128) == torch.bfloat16
    assert asked == [(64, 128)]
    says(10, 10)
    assert fastest_dtype(cpu, parameters=large, width=64, inner=128) == torch.float32


def test_a_small_network_and_a_gpu_are_not_measured(says: Callable[[float, float], list[tuple[int, int]]]) -> None:
    asked = says(10, 5)
    assert fastest_dtype(torch.device("cpu"), parameters=1000, width=64, inner=128) == torch.float32
    assert fastest_dtype(torch.device("meta"), parameters=LEAST_PARAMETERS, width=64, inner=128) == torch.bfloat16
    assert asked == []


@pytest.mark.parametrize(("bfloat16", "dtype"), [(5, torch.bfloat16), (10, torch.float32)])
def test_who_fills_computes_in_what_was_measured_and_who_compares_logits_in_float32(
    says: Callable[[float, float], list[tuple[int, int]]],
    monkeypatch: pytest.MonkeyPatch,
    bfloat16: float,
    dtype: torch.dtype,
) -> None:
    opened: list[torch.dtype] = []

    def noted(*given: Any, dtype: torch.dtype, **more: Any) -> None:
        opened.append(dtype)
        weights.load_weights(*given, dtype=dtype, **more)

    monkeypatch.setattr(probe, "LEAST_PARAMETERS", 1)
    monkeypatch.setattr(published, "load_weights", noted)
    says(10, bfloat16)
    published.load(DREAM, "cpu", "fastest")
    load_checkpoint(DREAM, "cpu")
    assert opened == [dtype, torch.float32]


def test_filling_asks_for_what_is_fastest(monkeypatch: pytest.MonkeyPatch) -> None:
    class Asked(Exception):
        pass

    def load(path: Path, device: str, dtype: str) -> None:
        raise Asked(dtype)

    monkeypatch.setattr(published, "read_codec", lambda _: None)
    monkeypatch.setattr(published, "load", load)
    with pytest.raises(Asked, match="fastest"):
        published.open_backend(DREAM, device="cpu")
