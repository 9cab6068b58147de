"""THE denoising loop: predict, narrow by the constraints, let the sampler decide, apply; until nothing is open.

Samplers, networks and lengths plug into it; there is no second loop. (`model.infill.decoding.beam` decides nothing on a canvas: it
proposes texts for a single hole, as drafts do.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.backend import CachedContext, Prediction
from model.canvas import Canvas, Decision
from model.infill.budget import BudgetMeter, Stopped
from model.infill.decoding.constraints import Constraints, Proposal, propose
from model.infill.decoding.length import committing_all, grown, resized, settled
from model.infill.decoding.rescoring import rescore
from model.infill.decoding.samplers.base import Sampler, layer_of
from model.infill.decoding.samplers.reopening import Reopening
from model.infill.decoding.ties import agreed, combined, together
from model.types import Cancelled

OnStep: TypeAlias = Callable[[int, Canvas, Proposal, Decision], None]
Hopeless: TypeAlias = Callable[[Canvas], NDArray[np.bool_]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Draws:
    """Randomness of the rows. temperature: float32 [B], 0 for the greedy row; `seed` makes it repeatable.

    `top_p`: drawn are only the most probable tokens that reach it together.
    """

    temperature: NDArray[np.float32]
    seed: int
    top_p: float = 1.0

    def noise(self, step: int, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
        """float64 uniform (0, 1) of `shape`; None if every row is greedy."""
        if not (self.temperature > 0).any():
            return None
        return np.random.default_rng([self.seed, step]).random(shape)


@dataclass(frozen=True, kw_only=True, eq=False)
class Denoised:
    """The canvas with nothing open (unless cancelled), and the number of tokens committed in all rows.

    Rows that were given up have no position left.
    """

    canvas: Canvas
    tokens: int
    stopped: Stopped


def denoise(
    cached: CachedContext,
    canvas: Canvas,
    *,
    sampler: Sampler,
    constraints: Constraints,
    canvas_tokens: int,
    ended: NDArray[np.bool_],
    draws: Draws,
    meter: BudgetMeter,
    cancelled: Cancelled,
    on_step: OnStep | None = None,
    hopeless: Hopeless | None = None,
) -> Denoised:
    """Decide every open position of `canvas`, all rows at once.

    ended: bool [B, H], holes whose end is given; the others grow when they fill up. `cancelled` is asked
    before every pass. The pass that spends the budget commits all that is left as it stands.
    `hopeless` says (bool [B]) which rows to give up, so that they cost no further pass; it is asked after every step.
    """
    tokens, step = 0, 0
    gained = np.zeros(canvas.rows, dtype=np.int64)
    fellows = max(map(len, constraints.ties), default=1)
    while True:
        if not canvas.open.any():
            again = _reviewed(cached, canvas, sampler, constraints, meter, cancelled)
            if again is None:
                return Denoised(canvas=canvas, tokens=tokens, stopped="cancelled" if cancelled() else "done")
            canvas = canvas.apply(again)
        if cancelled():
            return Denoised(canvas=canvas, tokens=tokens, stopped="cancelled")
        prediction = _predicted(cached, canvas, constraints)
        meter.count_pass()
        spent = meter.spent
        room = np.minimum(canvas_tokens - canvas.used.sum(axis=1), canvas_tokens - gained)
        proposal = propose(
            canvas,
            prediction,
            constraints,
            temperature=draws.temperature,
            noise=draws.noise(step, prediction.probs.shape),
            top_p=draws.top_p,
            may_expand=(room >= fellows) & (spent is None),
        )
        if constraints.ties:
            proposal = agreed(canvas, proposal, constraints.ties)
        decision = committing_all(canvas, proposal) if spent else sampler.decide(canvas, proposal, step=step)
        if constraints.ties:
            decision = together(canvas, decision, constraints.ties)
        decision, ends = settled(canvas, resized(canvas, decision, constraints, room), constraints)
        assert (decision.changes | ~canvas.open.any(axis=1)).all(), f"{type(sampler).__name__} left a row as it was"
        ended = ended | ends
        gained = gained + decision.insert.sum(axis=1)
        tokens += int(decision.commit.sum())
        if on_step is not None:
            on_step(step, canvas, proposal, decision)
        canvas = canvas.apply(decision, step=step)
        step += 1
        if spent:
            return Denoised(canvas=canvas, tokens=tokens, stopped=spent)
        growth = grown(canvas, ended, constraints, canvas_tokens=canvas_tokens)
        if growth is not None:
            canvas = canvas.apply(growth)
        if hopeless is not None and canvas.open.any():
            canvas = _without(canvas, hopeless(canvas))


def repeated(canvas: Canvas, *, ended: NDArray[np.bool_], temperature: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Bool [B]: rows without randomness that have become equal to an earlier one, and so will end as it does.

    ended, temperature: as `denoise` was given them.
    """
    seen = set[bytes]()
    again = np.zeros(canvas.rows, dtype=bool)
    for row in np.flatnonzero((temperature == 0) & canvas.open.any(axis=1)):
        key = b"".join(a[row].tobytes() for a in (canvas.ids, canvas.open, canvas.hole, ended))
        again[row] = key in seen
        seen.add(key)
    return again


def _reviewed(
    cached: CachedContext,
    canvas: Canvas,
    sampler: Sampler,
    constraints: Constraints,
    meter: BudgetMeter,
    cancelled: Cancelled,
) -> Decision | None:
    """What a re-opening sampler opens again in a canvas without open positions; None: nothing, or no time for it."""
    reopening = layer_of(sampler, Reopening)
    if reopening is None or meter.spent or cancelled():
        return None
    asked = reopening.reviewed(canvas) & (canvas.ids != constraints.end_of_hole_id)
    if not asked.any():
        return None
    judged = rescore(cached, canvas, asked, folds=reopening.folds)
    meter.count_pass()
    nothing = Decision.nothing(canvas)
    decision = replace(nothing, reopen=reopening.reopened(canvas, judged))
    if constraints.ties:
        decision = together(canvas, decision, constraints.ties)
    return decision if decision.reopen.any() and not meter.spent else None


def _without(canvas: Canvas, given_up: NDArray[np.bool_]) -> Canvas:
    """The canvas with all positions of the rows `given_up` (bool [B]) deleted."""
    if not given_up.any():
        return canvas
    nothing = Decision.nothing(canvas)
    return canvas.apply(replace(nothing, delete=canvas.used & given_up[:, None]))


def _predicted(cached: CachedContext, canvas: Canvas, constraints: Constraints) -> Prediction:
    """The prediction for the whole canvas; only rows with something open are computed, the others are 0."""
    live = np.flatnonzero(canvas.open.any(axis=1))
    part = cached.denoise(canvas.select(live))
    if part.entropy.shape != canvas.ids.shape:

        def spread(values: NDArray[np.generic]) -> NDArray[np.generic]:
            whole = np.zeros((*canvas.ids.shape, *values.shape[2:]), dtype=values.dtype)
            whole[live, : values.shape[1]] = values
            return whole

        part = Prediction(
            ids=spread(part.ids).astype(np.int64),
            probs=spread(part.probs).astype(np.float32),
            entropy=spread(part.entropy).astype(np.float32),
            current=spread(part.current).astype(np.float32),
        )
    return combined(canvas, part, constraints.ties, vocab_size=len(constraints.blank)) if constraints.ties else part
