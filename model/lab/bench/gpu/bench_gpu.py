"""`dlm-fill bench gpu`: steps, contexts and whole fills of the published shapes, over the device's floors."""

from __future__ import annotations

import datetime as dt
import gc
import platform
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from model.extras import require
from model.measuring import about, cpu, last_line

if TYPE_CHECKING:
    import torch

    from model.lab.bench.gpu.floors import Rates
    from model.lab.bench.gpu.shapes import ModelShape

NAMES = ("Dream-7B", "Open-dCoder-0.5B", "LLaDA-8B")
GOALS: Mapping[str, tuple[tuple[str, str, float], ...]] = {
    "Dream-7B": (
        ("step_over_floor", "at most", 1.3),
        ("prefill_over_floor", "at most", 1.5),
        ("hole_tokens_per_s", "at least", 1000),
        ("fill_ms", "at most", 120),
        ("over_left_to_right_in_the_hole", "at least", 5),
    ),
    "Open-dCoder-0.5B": (("step_ms", "at most", 1),),
    "LLaDA-8B": (("step_over_floor", "at most", 1.3),),
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option("--shape", "chosen", multiple=True, type=click.Choice(NAMES), help="Which networks (default: all).")
@click.option("--tiny", is_flag=True, help="Small networks of these kinds: whether it runs. Always so on a CPU.")
@click.option("--context", default=2048, show_default=True, type=click.IntRange(16), help="Tokens around the hole.")
@click.option("--hole", default=64, show_default=True, type=click.IntRange(2), help="Tokens of the hole.")
@click.option("--at-once", default=8, show_default=True, type=click.IntRange(1), help="Tokens decided in a pass.")
def main(device: str, chosen: tuple[str, ...], *, tiny: bool, context: int, hole: int, at_once: int) -> None:
    """Measure published shapes with random weights: how far from what the device could do at best.

    The context is cached, the fill a dual cache's. Both sides of each figure are measured in this run; the last line
    is JSON.
    """
    require("torch", extra="torch", why="dlm-fill bench gpu")
    import torch

    from model.backends.published.weights import choose_device
    from model.lab.bench.gpu.floors import measured
    from model.lab.bench.gpu.shapes import SHAPES
    from model.lab.bench.gpu.shapes import tiny as small

    place = choose_device(device)
    tiny = tiny or place.type == "cpu"
    dtype = torch.float32 if place.type == "cpu" else torch.bfloat16
    if tiny:
        context, hole = min(context, 128), min(hole, 16)
    rates = measured(place, dtype)
    click.echo(f"{_name(place)}: {rates.bytes_per_s / 1e9:.0f} GB/s copied, {rates.flops_per_s / 1e12:.2f} TFLOP/s")
    result: dict[str, Any] = {
        **about("gpu", date=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), device=_name(place)),
        "dtype": str(dtype).removeprefix("torch."), "tiny": tiny, "torch": torch.__version__,
        "cuda": torch.version.cuda, "python": platform.python_version(),
        "context_tokens": context, "hole_tokens": hole, "tokens_at_once": at_once,
        "copied_gb_per_s": round(rates.bytes_per_s / 1e9, 1), "matmul_tflop_per_s": round(rates.flops_per_s / 1e12, 2),
        "shapes": {},
    }  # fmt: skip
    for name in chosen or NAMES:
        shape = small(SHAPES[name]) if tiny else SHAPES[name]
        result["shapes"][name] = row = _row(shape, place, dtype, rates, (context, hole, at_once))
        if not tiny:
            row["goals"] = goals(name, row)
        for line in told(name, row):
            click.echo(line)
        gc.collect()  # the next one may need what this one held
        if place.type == "cuda":
            torch.cuda.empty_cache()
    if tiny:
        click.echo("tiny networks: these figures say that the bench runs, nothing of a GPU")
    click.echo(last_line(result))


def _row(
    shape: ModelShape, place: torch.device, dtype: torch.dtype, rates: Rates, sizes: tuple[int, int, int]
) -> dict[str, Any]:
    """The figures of one shape, rounded; where memory ran out, that alone."""
    import torch

    from model.backends.published.passes.runner import Replayed, runner_for
    from model.lab.bench.gpu.measures import Bench, Sizes
    from model.lab.bench.gpu.shapes import random_network, spec_of

    context, hole, at_once = sizes
    runner = runner_for(place)
    try:
        network = random_network(shape.config, place, dtype)
        bench = Bench(
            network,
            spec_of(shape, canvas_tokens=hole),
            runner,
            Sizes(context=context, hole=hole, at_once=at_once),
            rates,
        )
        row = bench.step() | bench.prefill()
        row |= bench.fills(row["prefill_ms"])
    except torch.OutOfMemoryError as error:
        return {"out_of_memory": " ".join(str(error).split())[:200]}
    made: dict[str, Any] = {name: float(f"{value:.6g}") for name, value in row.items()}
    made["parameters"] = sum(p.numel() for p in network.parameters())
    if isinstance(runner, Replayed):
        made |= {"captured": runner.captured, "refused": sorted(set(runner.refused.values()))}
    return made


def goals(name: str, row: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Each goal of the shape with whether it is met; those of what could not be measured are not."""
    found: dict[str, dict[str, Any]] = {}
    for figure, way, goal in GOALS[name]:
        value = row.get(figure)
        met = value is not None and (value <= goal if way == "at most" else value >= goal)
        found[figure] = {"goal": f"{way} {goal:g}", "met": met}
    return found


def told(name: str, row: Mapping[str, Any]) -> list[str]:
    """The figures for people."""
    if "out_of_memory" in row:
        return [f"{name}: out of memory: {row['out_of_memory']}"]
    r = {figure: f"{value:.4g}" for figure, value in row.items() if isinstance(value, int | float)}
    hole = r["over_left_to_right_in_the_hole"]
    lines = [
        f"{name}: a step {r['step_ms']} ms, {r['step_over_floor']}x its floor",
        f"{name}: reading the context {r['prefill_ms']} ms, {r['prefill_over_floor']}x its floor",
        f"{name}: a fill {r['fill_ms']} ms, {row['hole_tokens_per_s']:.0f} tokens/s in the hole",
        f"{name}: left to right {hole}x as long in the hole, {r['over_left_to_right']}x in all",
    ]
    lines += [f"{name}: not captured: {reason}" for reason in row.get("refused", [])]
    met = row.get("goals", {})
    return lines + [
        f"{name}: {figure} {goal['goal']}: {'met' if goal['met'] else 'missed'}" for figure, goal in met.items()
    ]


def _name(place: torch.device) -> str:
    import torch

    if place.type == "cuda":
        return torch.cuda.get_device_name(place)
    return f"{place.type} ({cpu()})"
