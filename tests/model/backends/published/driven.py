"""The engine over a published checkpoint, without texts or constraints."""

from __future__ import annotations

import numpy as np

from model.backend import CachedContext, ModelSpec
from model.canvas import Canvas, Decision
from model.infill.budget import BudgetMeter
from model.infill.decoding.constraints import Constraints, HoleConstraints, Proposal
from model.infill.decoding.diffusion import Draws, denoise
from model.infill.decoding.samplers import sampler
from model.types import Budget


def committed(
    cached: CachedContext, canvas: Canvas, spec: ModelSpec, name: str = "one_at_a_time"
) -> list[tuple[int, int]]:
    """(canvas position, token) as the engine commits them."""
    order: list[tuple[int, int]] = []

    def told(step: int, canvas: Canvas, proposal: Proposal, decision: Decision) -> None:
        order.extend((int(i), int(decision.ids[0, i])) for i in np.flatnonzero(decision.commit[0]))

    holes = int(canvas.hole.max()) + 1
    nothing = np.zeros(spec.vocab_size, dtype=bool)
    done = denoise(
        cached,
        canvas,
        sampler=sampler(name),
        constraints=Constraints(
            holes=(HoleConstraints(fixed_length=True),) * holes,
            end_of_hole_id=spec.end_of_hole_id,
            newline=nothing,
            blank=nothing,
        ),
        canvas_tokens=canvas.ids.shape[1],
        ended=np.ones((1, holes), dtype=bool),
        draws=Draws(temperature=np.zeros(1, dtype=np.float32), seed=0),
        meter=BudgetMeter(budget=Budget()),
        cancelled=lambda: False,
        on_step=told,
    )
    assert not done.canvas.open.any()
    assert not (done.canvas.ids == spec.mask_id).any()
    return order
