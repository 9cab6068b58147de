"""The GPU bench on small networks: it runs, counts what it says it counts, and compares like with like."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner

from model.backends.published.passes.runner import Eager, Replayed
from model.lab.bench.gpu.bench_gpu import GOALS, NAMES, goals, main, told
from model.lab.bench.gpu.floors import Rates, prefill_floor_ms, step_floor_ms
from model.lab.bench.gpu.left_to_right import Continuation
from model.lab.bench.gpu.measures import Bench, Sizes
from model.lab.bench.gpu.shapes import SHAPES, random_network, spec_of, tiny
from tests.model.backends.published.passes.tape import capture

CPU = torch.device("cpu")


def test_shapes_are_those_that_were_published() -> None:
    """By their parameters, counted without making them."""
    from model.backends.published.networks.decoder import Decoder

    billions = {}
    for name, shape in SHAPES.items():
        with torch.device("meta"):
            billions[name] = round(sum(p.numel() for p in Decoder(shape.config).parameters()) / 1e9, 2)
    assert billions == {"Dream-7B": 7.62, "Open-dCoder-0.5B": 0.49, "LLaDA-8B": 8.02}
    assert set(SHAPES) == set(NAMES) == set(GOALS)


@pytest.mark.parametrize("name", NAMES)
def test_small_ones_keep_what_makes_the_kind(name: str) -> None:
    large, small = SHAPES[name].config, tiny(SHAPES[name]).config
    assert small.heads // small.kv_heads == large.heads // large.kv_heads
    assert (small.tied_embeddings, small.qkv_bias) == (large.tied_embeddings, large.qkv_bias)
    network = random_network(small, CPU, torch.float32)
    assert sum(p.numel() for p in network.parameters()) < 1_000_000
    assert all(p.isfinite().all() for p in network.parameters())


def test_floors_count_weights_once_and_products_twice() -> None:
    network = random_network(tiny(SHAPES["Dream-7B"]).config, CPU, torch.float32)
    rates = Rates(bytes_per_s=1e6, flops_per_s=1e9)
    held = sum(p.numel() for p in network.parameters()) - network.embedding.weight.numel()
    assert step_floor_ms(network, rates) == pytest.approx(held * 4 / 1e6 * 1000)
    tied = random_network(replace(network.config, tied_embeddings=True), CPU, torch.float32)
    assert step_floor_ms(tied, rates) == pytest.approx(step_floor_ms(network, rates))
    layers = sum(p.numel() for block in network.blocks for p in block.parameters())
    c = network.config
    expected = 10 * (2 * layers + 4 * c.layers * c.heads * c.head_width * 10)
    assert prefill_floor_ms(network, rates, tokens=10) == pytest.approx(expected / 1e9 * 1000)


@pytest.mark.parametrize("captured", [False, True])
@torch.no_grad()
def test_left_to_right_writes_what_a_recomputation_says(captured: bool) -> None:
    network = random_network(tiny(SHAPES["Dream-7B"]).config, CPU, torch.float32)
    prompt = torch.randint(0, 300, (1, 12), generator=torch.Generator().manual_seed(1))
    runner = Replayed(CPU, capture) if captured else Eager(CPU)
    writer = Continuation(network, runner, prompt_tokens=12, count=5)
    text = prompt
    for _ in range(5):
        text = torch.cat([text, network.logits(network.states(text, causal=True)[:, -1:]).argmax(-1)], dim=1)
    for _ in range(2):
        assert writer.write(prompt).tolist() == text[0, 12:].tolist()


def test_measures_go_through_captured_passes() -> None:
    shape = tiny(SHAPES["Open-dCoder-0.5B"])
    network, runner = random_network(shape.config, CPU, torch.float32), Replayed(CPU, capture)
    bench = Bench(
        network, spec_of(shape, canvas_tokens=8), runner, Sizes(context=40, hole=8, at_once=4), Rates(bytes_per_s=1e9, flops_per_s=1e9)
    )  # fmt: skip
    row = bench.step() | bench.prefill()
    row |= bench.fills(row["prefill_ms"])
    assert not runner.refused
    assert runner.captured >= 3
    assert {"step_ms", "step_on_device_ms", "prefill_ms", "fill_ms", "left_to_right_ms"} <= set(row)
    assert all(value > 0 for name, value in row.items() if "in_the_hole" not in name)


def test_the_command_on_a_cpu() -> None:
    result = CliRunner().invoke(
        main, ["--device", "cpu", "--shape", "Dream-7B", "--context", "32", "--hole", "6"], catch_exceptions=False
    )
    lines = result.output.splitlines()
    report = json.loads(lines[-1])
    assert report["tiny"] is True
    assert {"date", "device", "torch", "commit", "copied_gb_per_s", "matmul_tflop_per_s", "load"} <= set(report)
    row = report["shapes"]["Dream-7B"]
    assert row["step_over_floor"] == pytest.approx(row["step_ms"] / row["step_floor_ms"], rel=1e-3)
    assert "goals" not in row, "what a small network does says nothing of them"
    assert "nothing of a GPU" in lines[-2]


def test_goals() -> None:
    row = {"step_over_floor": 1.2, "prefill_over_floor": 1.6, "hole_tokens_per_s": 1500, "fill_ms": 90}
    met = {figure: goal["met"] for figure, goal in goals("Dream-7B", row).items()}
    assert met == {
        "step_over_floor": True, "prefill_over_floor": False, "hole_tokens_per_s": True, "fill_ms": True,
        "over_left_to_right_in_the_hole": False,
    }  # fmt: skip
    assert told("Dream-7B", {"out_of_memory": "tried to allocate"}) == ["Dream-7B: out of memory: tried to allocate"]
