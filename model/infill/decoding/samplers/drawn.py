"""Temperature and nucleus sampling (Holtzman et al., arXiv 1904.09751) around any sampler."""

from __future__ import annotations

from dataclasses import dataclass, field

from model.canvas import Canvas, Decision
from model.infill.decoding.constraints import Proposal
from model.infill.decoding.samplers.base import Sampler, Step
from model.infill.decoding.samplers.threshold import Threshold
from model.types import TEMPERATURE


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Every row draws its tokens, at `temperature`, among the most probable that reach `top_p` together.

    The engine draws before `inner` decides. Draws are among the K best tokens that a network reports.
    """

    inner: Sampler = field(default_factory=Threshold)
    temperature: float = TEMPERATURE
    top_p: float = 1.0

    def decide(self, canvas: Canvas, proposal: Proposal, *, step: Step) -> Decision:
        return self.inner.decide(canvas, proposal, step=step)
