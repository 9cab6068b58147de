"""The measures of one network: a step, reading the context, a whole fill, the same left to right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from model.backend import Context, ModelSpec
from model.backends.published.bidirectional import SequenceBackend
from model.backends.published.networks.decoder import Decoder, Memory
from model.backends.published.passes.runner import Replayed, Runner
from model.canvas import Canvas
from model.infill.budget import BudgetMeter
from model.infill.decoding.constraints import Constraints, HoleConstraints
from model.infill.decoding.diffusion import Draws, denoise
from model.infill.decoding.samplers import sampler
from model.lab.bench.gpu.floors import Rates, median_ms, prefill_floor_ms, step_floor_ms, waits
from model.lab.bench.gpu.left_to_right import Continuation
from model.measuring import percentile, timed_ms
from model.types import Budget

NEVER = 1_000_000
FILLS = 5


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Tokens of the context and of the hole, and how many are decided in a pass."""

    context: int
    hole: int
    at_once: int


class Bench:
    """One network on its device; everything runs without gradients."""

    def __init__(self, network: Decoder, spec: ModelSpec, runner: Runner, sizes: Sizes, rates: Rates) -> None:
        self._network, self._spec, self._runner, self._sizes, self._rates = network, spec, runner, sizes, rates
        self._wait = waits(network.device)
        self._backend = SequenceBackend(network, spec, refresh=NEVER, runner=runner)
        ids = np.random.default_rng(0).integers(0, spec.mask_id, sizes.context)
        before = sizes.context * 6 // 10
        self._context = Context(pieces=(ids[:before], ids[before:]), starts_with=(b"",))
        self._prompt = torch.from_numpy(ids[None]).to(network.device)
        nothing = np.zeros(spec.vocab_size, dtype=bool)
        self._constraints = Constraints(
            holes=(HoleConstraints(fixed_length=True),), end_of_hole_id=None, newline=nothing, blank=nothing
        )

    def step(self) -> dict[str, float]:
        """A step as the engine asks for it, over a context that has been read; and what of it the device takes."""
        cached = self._backend.prefill(self._context)
        canvas = Canvas.masked([self._sizes.hole], mask_id=self._spec.mask_id)
        cached.denoise(canvas)
        took = {"step_ms": median_ms(lambda: cached.denoise(canvas), wait=self._wait, repeats=31)}
        if isinstance(self._runner, Replayed) and self._runner.captured:
            took["step_on_device_ms"] = median_ms(self._runner.again, wait=self._wait, repeats=31)
        floor = step_floor_ms(self._network, self._rates)
        return took | {"step_floor_ms": floor, "step_over_floor": took["step_ms"] / floor}

    @torch.no_grad()
    def prefill(self) -> dict[str, float]:
        """The context alone, all of it seeing all of it, its keys and values kept."""
        took = median_ms(lambda: self._network.states(self._prompt, memory=Memory()), wait=self._wait)
        floor = prefill_floor_ms(self._network, self._rates, tokens=self._sizes.context)
        return {"prefill_ms": took, "prefill_floor_ms": floor, "prefill_over_floor": took / floor}

    @torch.no_grad()
    def fills(self, prefill_ms: float) -> dict[str, float]:
        """A whole fill and the same number of tokens left to right, in turns; with and without reading the context."""
        count = self._sizes.hole
        ways: dict[str, Callable[[], object]] = {"fill": self._fill}
        for name, masked in (("left_to_right", True), ("left_to_right_unmasked", False)):
            writer = Continuation(
                self._network, self._runner, prompt_tokens=len(self._prompt[0]), count=count, masked=masked
            )
            ways[name] = lambda writer=writer: writer.write(self._prompt)  # type: ignore[misc]
        times: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(FILLS + 2):
            for name, work in ways.items():
                took_ms = timed_ms(work, wait=self._wait)
                if turn >= 2:
                    times[name].append(took_ms)
        took = {f"{name}_ms": percentile(values, 0.5) for name, values in times.items()}
        read = median_ms(lambda: self._network.states(self._prompt, memory=Memory(), causal=True), wait=self._wait)
        hole = max(took["fill_ms"] - prefill_ms, 1e-6)
        fastest = min(took["left_to_right_ms"], took["left_to_right_unmasked_ms"])
        return took | {
            "hole_tokens_per_s": 1000 * count / hole,
            "over_left_to_right_in_the_hole": (fastest - read) / hole,
            "over_left_to_right": fastest / took["fill_ms"],
        }

    def _fill(self) -> None:
        sizes = self._sizes
        denoise(
            self._backend.prefill(self._context),
            Canvas.masked([sizes.hole], mask_id=self._spec.mask_id),
            sampler=sampler("low_confidence", steps=-(-sizes.hole // sizes.at_once)),
            constraints=self._constraints,
            canvas_tokens=sizes.hole,
            ended=np.ones((1, 1), dtype=bool),
            draws=Draws(temperature=np.zeros(1, dtype=np.float32), seed=0),
            meter=BudgetMeter(budget=Budget()),
            cancelled=lambda: False,
        )
