"""The table of speed: the engine, its rivals and its floor on the same holes, one after another hole by hole."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from model.evaluate.bench_engine.floor import Counted, Work, matmul_flops_per_s
from model.evaluate.bench_engine.rivals import Rivals, SameShape
from model.evaluate.cases import Case
from model.framing import frame
from model.local import LocalFiller
from model.tokenizer import Tokenizer
from model.types import Fill, Filler, FillRequest, Hole, Template

_Made = TypeVar("_Made")


@dataclass(frozen=True, kw_only=True)
class Sides:
    """What is run on every hole. `sizes`: the network's, see `Work`.

    `denoising` holds a network of its own: what the engine has read of a hole's context must not serve it.
    """

    engine: LocalFiller
    denoising: LocalFiller
    rivals: Rivals
    same_shape: SameShape | None
    tokenizer: Tokenizer
    sizes: Mapping[str, int]


@dataclass
class _Runs:
    """One value per hole."""

    ms: dict[str, list[float]] = field(default_factory=dict)
    cpu_ms: dict[str, list[float]] = field(default_factory=dict)
    hole_ms: dict[str, list[float]] = field(default_factory=dict)
    exact: dict[str, list[bool]] = field(default_factory=dict)
    passes: dict[str, list[int]] = field(default_factory=dict)
    floor: list[float] = field(default_factory=list)
    cpu_floor: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    same: list[bool] = field(default_factory=list)


def speed_of(sides: Sides, cases: Sequence[Case], *, naive_timed: int) -> dict[str, object]:
    """Figures of all sides over `cases`: `engine` as users get it, `denoising` its loop with the sampler threshold.

    Only the first `naive_timed` are filled without a cache. The cache is exact, so all are filled with one to know
    what the naive side would say; `same_fills` tells whether that held where both were run. `hole_ms`: without reading
    the context, which all sides but naive do once. While other programs use the machine, the wall clock measures them:
    CPU time (of all threads) is what to look at then.
    """
    runs = _Runs()
    for n, case in enumerate(cases):
        _run(sides, case, runs, naive=n < naive_timed)
    return {
        "cases": len(cases),
        "hole_tokens": round(statistics.fmean(_length(sides.tokenizer, case) for case in cases), 1),
        "ms": {side: round(statistics.median(values), 1) for side, values in runs.ms.items()},
        "forward_passes": {side: statistics.median(values) for side, values in runs.passes.items()},
        "engine_is_times_faster_than": _ratios(runs.ms, "engine"),
        "denoising_is_times_faster_than": _ratios(runs.ms, "denoising"),
        "hole_ms": {side: round(statistics.median(values), 1) for side, values in runs.hole_ms.items()},
        "engine_is_times_faster_in_the_hole_than": _ratios(runs.hole_ms, "engine"),
        "cpu_ms": {side: round(statistics.median(values), 1) for side, values in runs.cpu_ms.items()},
        "engine_takes_times_less_cpu_than": _ratios(runs.cpu_ms, "engine"),
        "denoising_takes_times_less_cpu_than": _ratios(runs.cpu_ms, "denoising"),
        "times_the_floor": round(statistics.median(runs.floor), 2),
        "times_the_floor_in_cpu": round(statistics.median(runs.cpu_floor), 2),
        "matmul_gflops": round(statistics.median(runs.rate) / 1e9, 1),
        "exact_percent": {side: round(100 * statistics.fmean(hits), 1) for side, hits in runs.exact.items()},
        "naive_timed": len(runs.ms["naive"]),
        "same_fills": all(runs.same),
    }


def _ratios(times: Mapping[str, Sequence[float]], base: str) -> dict[str, float]:
    """Median over the holes that both have been timed on: the side's time over that of `base`."""
    return {
        side: round(statistics.median(a / b for a, b in zip(values, times[base], strict=False)), 2)
        for side, values in times.items()
        if side != base
    }


def request_of(
    case: Case, *, length_tokens: int | None, sampler: str = "auto", steps: int | None = None
) -> FillRequest:
    """The case with its context as it is. Every side is told the length."""
    template = Template(pieces=(case.prefix, case.suffix), holes=(Hole(length_tokens=length_tokens),))
    return FillRequest(template=template, language="python", sampler=sampler, steps=steps)


def _length(tokenizer: Tokenizer, case: Case) -> int:
    framed = frame(request_of(case, length_tokens=None).template, tokenizer, context_tokens=1 << 20)
    return len(framed.encode(tokenizer, 0, case.middle))


def _run(sides: Sides, case: Case, runs: _Runs, *, naive: bool) -> None:
    length, rivals = _length(sides.tokenizer, case), sides.rivals
    told = request_of(case, length_tokens=length)
    one_by_one = request_of(case, length_tokens=length, sampler="low_confidence", steps=length)
    work = Work(sides.sizes)
    rate, cpu_rate = matmul_flops_per_s()
    _timed(runs, "engine", sides.engine.over(lambda inner: Counted(inner, work)), told, case)
    runs.rate.append(rate)
    runs.rate.append(rate)
    runs.floor.append(runs.ms["engine"][-1] / (1000 * work.flops / rate))
    runs.cpu_floor.append(runs.cpu_ms["engine"][-1] / (1000 * work.flops / cpu_rate))
    _timed(runs, "denoising", sides.denoising, request_of(case, length_tokens=length, sampler="threshold"), case)
    _timed(runs, "left_to_right", rivals.left_to_right, told, case)
    if rivals.engine_on_torch is not None:
        _timed(runs, "engine_on_torch", rivals.engine_on_torch, told, case)
    cached = _text(rivals.naive_cached.fill(one_by_one))
    runs.exact.setdefault("naive", []).append(_right(cached, case))
    if naive:
        runs.same.append(_timed(runs, "naive", rivals.naive, one_by_one, case, judged=False) == cached)
    if sides.same_shape is not None:
        tokens = sum(sides.tokenizer.count(text) for text in (case.prefix, case.suffix))
        shape = sides.same_shape
        _clocked(runs, "transformers", lambda: shape.generate(context_tokens=tokens, new_tokens=length))
        started = time.perf_counter()
        shape.generate(context_tokens=tokens, new_tokens=1)  # its first token comes with the reading
        reading_ms = 1000 * (time.perf_counter() - started)
        runs.hole_ms.setdefault("transformers", []).append(max(0.0, runs.ms["transformers"][-1] - reading_ms))


def _clocked(runs: _Runs, side: str, make: Callable[[], _Made]) -> _Made:
    """What `make` makes, its times kept."""
    started, cpu_started = time.perf_counter(), time.process_time()
    made = make()
    runs.ms.setdefault(side, []).append(1000 * (time.perf_counter() - started))
    runs.cpu_ms.setdefault(side, []).append(1000 * (time.process_time() - cpu_started))
    return made


def _timed(runs: _Runs, side: str, filler: Filler, request: FillRequest, case: Case, *, judged: bool = True) -> str:
    """The text of one fill, its figures kept."""
    fill = _clocked(runs, side, lambda: filler.fill(request))
    runs.passes.setdefault(side, []).append(fill.forward_passes)
    runs.hole_ms.setdefault(side, []).append(fill.denoise_ms)
    if judged:
        runs.exact.setdefault(side, []).append(_right(_text(fill), case))
    return _text(fill)


def _text(fill: Fill) -> str:
    return fill.candidates[0].texts[0] if fill.candidates else ""


def _right(text: str, case: Case) -> bool:
    return text.strip() == case.middle.strip()


def warm_up(sides: Sides, case: Case) -> None:
    """One fill by each side, not counted."""
    length = _length(sides.tokenizer, case)
    makers: list[Callable[[], object]] = [
        lambda: sides.engine.fill(request_of(case, length_tokens=length)),
        lambda: sides.denoising.fill(request_of(case, length_tokens=length, sampler="threshold")),
        lambda: sides.rivals.left_to_right.fill(request_of(case, length_tokens=length)),
        lambda: sides.rivals.naive.fill(request_of(case, length_tokens=length, sampler="low_confidence", steps=1)),
    ]
    if (on_torch := sides.rivals.engine_on_torch) is not None:
        makers.append(lambda: on_torch.fill(request_of(case, length_tokens=length)))
    if sides.same_shape is not None:
        shape = sides.same_shape
        makers.append(lambda: shape.generate(context_tokens=64, new_tokens=2))
    for make in makers:
        make()
