"""`dlm-fill bench drift`: what a stale context cache does to a published checkpoint, by how often it is refreshed.

Along the exact denoising of each hole, every forward pass is made a second time over the cached context: how often
the best token is the same, and how far its probability is off. And each hole is denoised with the cache alone: how
many of its tokens come out the same, and how long a pass takes beside an exact one. The last line is JSON.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from numpy.typing import NDArray

from model.backend import Backend, Context, Prediction
from model.canvas import Canvas, Decision
from model.errors import BadRequest, UnknownModel
from model.extras import require
from model.infill.budget import BudgetMeter
from model.infill.decoding.constraints import Constraints, HoleConstraints, Proposal
from model.infill.decoding.diffusion import Draws, denoise
from model.infill.decoding.samplers import sampler
from model.measuring import about, last_line, percentile
from model.types import Budget

if TYPE_CHECKING:
    from model.backends.published.opening import LoadedModel

NEVER = 1_000_000
Ids = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class DriftCase:
    """A text with one hole of `length` tokens."""

    context: Context
    length: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """How a hole was denoised: the canvas before every pass, the tokens in the end (int64 [L]), ms of every pass."""

    canvases: list[Canvas]
    tokens: Ids
    pass_ms: list[float]


def cases(
    loaded: LoadedModel, *, count: int, context_tokens: int, length: int, seed: int = 0
) -> tuple[list[DriftCase], str]:
    """(holes all over a text, what the text is): Python source, or random tokens where there is no tokenizer."""
    from model.backends.published.codec import read_codec

    spec = loaded.spec
    wanted = min(context_tokens, spec.context_tokens)
    try:
        import asyncio.base_events

        source = Path(asyncio.base_events.__file__).read_text("utf-8")
        text, kind = read_codec(loaded.directory).encode(source, at_line_start=True), "asyncio/base_events.py"
    except UnknownModel:
        text = np.random.default_rng(seed).integers(0, spec.vocab_size, 4 * (wanted + length))
        text, kind = np.where(text == spec.mask_id, 0, text), "random tokens: there is no tokenizer"
    before = wanted * 6 // 10
    found = []
    for k in range(count):
        at = before + (len(text) - wanted - length) * k // max(1, count)
        pieces = (text[at - before : at], text[at + length : at + length + wanted - before])
        found.append(DriftCase(context=Context(pieces=pieces, starts_with=(b"",)), length=length))
    return found, kind


def run(backend: Backend, case: DriftCase, spec: str) -> Run:
    """The hole, denoised with the sampler that `spec` describes."""
    canvases: list[Canvas] = []
    at: list[float] = [time.perf_counter()]

    def told(step: int, canvas: Canvas, proposal: Proposal, decision: Decision) -> None:  # noqa: ARG001
        canvases.append(canvas)
        at.append(time.perf_counter())

    nothing = np.zeros(backend.spec.vocab_size, dtype=bool)
    done = denoise(
        backend.prefill(case.context),
        Canvas.masked([case.length], mask_id=backend.spec.mask_id),
        sampler=sampler(spec),
        constraints=Constraints(
            holes=(HoleConstraints(fixed_length=True),), end_of_hole_id=None, newline=nothing, blank=nothing
        ),
        canvas_tokens=case.length,
        ended=np.ones((1, 1), dtype=bool),
        draws=Draws(temperature=np.zeros(1, dtype=np.float32), seed=0),
        meter=BudgetMeter(budget=Budget()),
        cancelled=lambda: False,
        on_step=told,
    )
    return Run(canvases=canvases, tokens=done.canvas.ids[0], pass_ms=(1000 * np.diff(at)).tolist())


def _differences(
    exact: Prediction, cached: Prediction, canvas: Canvas
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """(bool [n], float32 [n]) over the open positions: the same best token; how far its probability is off."""
    wanted, probs = exact.ids[canvas.open][:, 0], exact.probs[canvas.open][:, 0]
    same_id = cached.ids[canvas.open] == wanted[:, None]
    found = np.where(same_id, cached.probs[canvas.open], 0).sum(axis=1)
    return same_id[:, 0], np.abs(found - probs)


def drift(
    loaded: LoadedModel, found: Sequence[DriftCase], exact: Sequence[Run], *, refresh: int, spec: str
) -> dict[str, float]:
    """The figures of one refresh interval; see the module."""
    same: list[NDArray[np.bool_]] = []
    off: list[NDArray[np.float32]] = []
    tokens, ratios = [], []
    full, cached = loaded.backend(), loaded.backend(refresh=refresh)
    for case, reference in zip(found, exact, strict=True):
        truth, stale = full.prefill(case.context), cached.prefill(case.context)
        for canvas in reference.canvases:
            agreed, far = _differences(truth.denoise(canvas), stale.denoise(canvas), canvas)
            same.append(agreed)
            off.append(far)
        alone = run(cached, case, spec)
        tokens.append(float((alone.tokens == reference.tokens).mean()))
        ratios.append(statistics.mean(alone.pass_ms) / statistics.mean(reference.pass_ms))
    distance = np.concatenate(off)
    return {
        "refresh": refresh,
        "same_best": round(float(np.concatenate(same).mean()), 4),
        "probability_off_mean": round(float(distance.mean()), 5),
        "probability_off_max": round(float(distance.max()), 4),
        "same_tokens": round(statistics.mean(tokens), 4),
        "pass_time": round(percentile(ratios, 0.5), 3),
    }


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--model", required=True, metavar="PATH", help="The directory of a published checkpoint.")
@click.option("--device", default="auto", show_default=True)
@click.option("--count", default=8, show_default=True, type=click.IntRange(1), help="Holes.")
@click.option(
    "--context", "context_tokens", default=512, show_default=True, type=click.IntRange(4), help="Tokens around."
)
@click.option("--length", default=16, show_default=True, type=click.IntRange(1), help="Tokens in a hole.")
@click.option("--sampler", "spec", default="one_at_a_time", show_default=True, help="How the hole is denoised.")
def main(model: str, device: str, count: int, context_tokens: int, length: int, spec: str) -> None:
    """Measure how far a stale context cache drifts from exact denoising."""
    require("torch", extra="torch", why="a published checkpoint")
    from model.backends.published import load_checkpoint

    loaded = load_checkpoint(model, device)
    if loaded.spec.block_tokens is not None:
        raise BadRequest(f"{model} is causal from block to block: its cache is exact, there is no drift")
    length = min(length, loaded.spec.canvas_tokens)
    found, text = cases(loaded, count=count, context_tokens=context_tokens, length=length)
    exact = [run(loaded.backend(), case, spec) for case in found]
    click.echo(
        f"{loaded.family.title}, {text}: {count} holes of {length}, {len(found[0].context.pieces[0])} tokens before"
    )
    click.echo("refresh  same best  probability off (mean, max)  same tokens  time of a pass")
    rows = []
    for refresh in (1, 2, 4, 8, 16, NEVER):
        row = drift(loaded, found, exact, refresh=refresh, spec=spec)
        rows.append(row | {"refresh": None if refresh == NEVER else refresh})
        shown = "never" if refresh == NEVER else str(refresh)
        click.echo(
            f"{shown:>7}  {row['same_best']:>8.1%}  {row['probability_off_mean']:>16.5f}, {row['probability_off_max']:.4f}"
            f"  {row['same_tokens']:>12.1%}  {row['pass_time']:>13.2f}x"
        )
    result = {
        **about("drift", model=Path(model).name, device=str(loaded.network.device)),
        "family": loaded.family.title, "text": text, "sampler": spec,
        "holes": count, "length": length, "context_tokens": sum(len(p) for p in found[0].context.pieces),
        "pass_ms": round(percentile([ms for one in exact for ms in one.pass_ms], 0.5), 2), "rows": rows,
    }  # fmt: skip
    click.echo(last_line(result))
