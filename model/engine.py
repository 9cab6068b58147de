"""THE denoising loop: predict, narrow by the rules, let the sampler decide, apply; until nothing is open.

Samplers, networks and lengths plug into it; there is no second loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.canvas import Canvas, Decision
from model.denoiser import Prediction, Prefilled
from model.proposal import Proposal, Rules, propose
from model.samplers import Sampler
from model.samplers.length import committing_all, grown, settled
from model.types import Budget, Cancelled

Clock: TypeAlias = Callable[[], float]
OnStep: TypeAlias = Callable[[int, Canvas, Proposal, Decision], None]
Stopped: TypeAlias = Literal["done", "cancelled", "time", "steps"]


@dataclass(kw_only=True)
class Meter:
    """Counts what a request has used of its budget; `passes` counts forward passes over a canvas."""

    budget: Budget
    clock: Clock = time.monotonic
    passes: int = 0

    def __post_init__(self) -> None:
        self._started = self._last = self.clock()
        self._longest_pass_s = 0.0

    def count_pass(self) -> None:
        now = self.clock()
        if self.passes:
            self._longest_pass_s = max(self._longest_pass_s, now - self._last)
        self._last = now
        self.passes += 1

    @property
    def spent(self) -> Literal["time", "steps"] | None:
        """What leaves no room for another forward pass, if anything does."""
        limit = self.budget
        if limit.max_forward_passes is not None and self.passes >= limit.max_forward_passes:
            return "steps"
        elapsed = self.clock() - self._started
        if limit.max_time_s is not None and elapsed + self._longest_pass_s >= limit.max_time_s:
            return "time"
        return None


@dataclass(frozen=True, kw_only=True, eq=False)
class Draws:
    """Randomness of the rows. temperature: float32 [B], 0 for the greedy row; `seed` makes it repeatable."""

    temperature: NDArray[np.float32]
    seed: int

    def noise(self, step: int, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
        """float64 uniform (0, 1) of `shape`; None if every row is greedy."""
        if not (self.temperature > 0).any():
            return None
        return np.random.default_rng([self.seed, step]).random(shape)


@dataclass(frozen=True, kw_only=True, eq=False)
class Denoised:
    """The canvas with nothing open (unless cancelled), and the number of tokens committed in all rows."""

    canvas: Canvas
    tokens: int
    stopped: Stopped


def denoise(
    prefilled: Prefilled,
    canvas: Canvas,
    *,
    sampler: Sampler,
    rules: Rules,
    canvas_tokens: int,
    ended: NDArray[np.bool_],
    draws: Draws,
    meter: Meter,
    cancelled: Cancelled,
    on_step: OnStep | None = None,
) -> Denoised:
    """Decide every open position of `canvas`, all rows at once.

    ended: bool [B, H], holes whose end is given; the others grow when they fill up. `cancelled` is asked
    before every pass. The pass that spends the budget commits all that is left as it stands.
    """
    tokens, step = 0, 0
    while canvas.open.any():
        if cancelled():
            return Denoised(canvas=canvas, tokens=tokens, stopped="cancelled")
        prediction = _predicted(prefilled, canvas)
        meter.count_pass()
        noise = draws.noise(step, prediction.probs.shape)
        proposal = propose(canvas, prediction, rules, temperature=draws.temperature, noise=noise)
        spent = meter.spent
        decision = committing_all(canvas, proposal) if spent else sampler.decide(canvas, proposal, step=step)
        decision, ends = settled(canvas, decision, rules)
        assert (decision.changes | ~canvas.open.any(axis=1)).all(), f"{type(sampler).__name__} left a row as it was"
        ended = ended | ends
        tokens += int(decision.commit.sum())
        if on_step is not None:
            on_step(step, canvas, proposal, decision)
        canvas = canvas.apply(decision)
        step += 1
        if spent:
            return Denoised(canvas=canvas, tokens=tokens, stopped=spent)
        growth = grown(canvas, ended, rules, canvas_tokens=canvas_tokens)
        if growth is not None:
            canvas = canvas.apply(growth)
    return Denoised(canvas=canvas, tokens=tokens, stopped="done")


def _predicted(prefilled: Prefilled, canvas: Canvas) -> Prediction:
    """The prediction for the whole canvas; only rows with something open are computed, the others are 0."""
    live = np.flatnonzero(canvas.open.any(axis=1))
    part = prefilled.denoise(canvas.select(live))
    if part.entropy.shape == canvas.ids.shape:
        return part

    def spread(values: NDArray[np.generic]) -> NDArray[np.generic]:
        whole = np.zeros((*canvas.ids.shape, *values.shape[2:]), dtype=values.dtype)
        whole[live, : values.shape[1]] = values
        return whole

    return Prediction(
        ids=spread(part.ids).astype(np.int64),
        probs=spread(part.probs).astype(np.float32),
        entropy=spread(part.entropy).astype(np.float32),
        current=spread(part.current).astype(np.float32),
    )
