"""How a pass of fixed shapes is run: as it stands, or captured once and replayed.

A pass of a small network over a few tokens takes a GPU less time than Python needs to ask for it. A captured one is
asked for as a whole; so it must read nothing but its inputs and what stays at its place, and wait for nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

Inputs: TypeAlias = Mapping[str, Tensor]
Compute: TypeAlias = Callable[[Inputs], Tensor]
Replay: TypeAlias = Callable[[], object]
Capture: TypeAlias = Callable[[Callable[[], Tensor]], tuple[Replay, Tensor]]

MOST_KEPT = 64
"""Captured passes; each takes a few megabytes beside what all share."""
MOST_MET = 1024


class Runner(Protocol):
    """`padded`: whether shapes should be few, because each is prepared at some cost."""

    padded: bool

    def run(self, key: Hashable, compute: Compute, inputs: Inputs) -> Tensor:
        """What `compute` makes of `inputs`, moved to the device. Equal keys promise equal shapes and work.

        The result is overwritten by the next run of the same key.
        """
        ...


class Eager:
    """Runs every pass as it stands, on `device`."""

    padded = False

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def run(self, key: Hashable, compute: Compute, inputs: Inputs) -> Tensor:  # noqa: ARG002
        """See `Runner.run`."""
        return compute({name: value.to(self._device) for name, value in inputs.items()})


@dataclass(frozen=True, kw_only=True)
class _Recording:
    inputs: Inputs
    replay: Replay
    output: Tensor


class Replayed:
    """Captures a pass when it is run for the second time, and replays it from then on.

    Capturing takes as long as several plain runs: what comes but once is not worth it.

    `refused` says of what could not be captured why (it is run as it stands): nothing is lost but time.
    """

    padded = True

    def __init__(self, device: torch.device, capture: Capture) -> None:
        self._device, self._capture, self._eager = device, capture, Eager(device)
        self._known = OrderedDict[Hashable, _Recording]()
        self._met = OrderedDict[Hashable, None]()
        self.refused: dict[Hashable, str] = {}

    @property
    def captured(self) -> int:
        """How many passes are kept."""
        return len(self._known)

    def run(self, key: Hashable, compute: Compute, inputs: Inputs) -> Tensor:
        """See `Runner.run`."""
        known = self._known.get(key)
        if key in self.refused or (known is None and not self._meets_again(key)):
            return self._eager.run(key, compute, inputs)
        if known is None:
            try:
                known = self._recorded(compute, inputs)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                self.refused[key] = " ".join(str(error).split())[:200]
                return self._eager.run(key, compute, inputs)
            self._known[key] = known
            if len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        for name, value in inputs.items():
            known.inputs[name].copy_(value, non_blocking=True)
        known.replay()
        return known.output

    def _meets_again(self, key: Hashable) -> bool:
        """Whether the pass has been run before; from now on it has."""
        if key in self._met:
            return True
        self._met[key] = None
        if len(self._met) > MOST_MET:
            self._met.popitem(last=False)
        return False

    def _recorded(self, compute: Compute, inputs: Inputs) -> _Recording:
        held = {name: value.to(self._device, copy=True) for name, value in inputs.items()}
        replay, output = self._capture(lambda: compute(held))
        return _Recording(inputs=held, replay=replay, output=output)

    def again(self) -> None:
        """Replay the pass that ran last, over the same inputs: to measure what the device alone takes."""
        next(reversed(self._known.values())).replay()

    def forget(self, unwanted: Callable[[Hashable], bool]) -> None:
        """Drop the passes whose keys are `unwanted`: what they read is no longer there."""
        for key in [key for key in self._known if unwanted(key)]:
            del self._known[key]


class CudaGraphs:
    """A `Capture` on CUDA. All graphs share one pool: they never run at the same time, nor read each other's results."""

    def __init__(self) -> None:
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, compute: Callable[[], Tensor]) -> tuple[Replay, Tensor]:
        """(replay, its output). `compute` runs once before, as CUDA's libraries ask for."""
        here, aside = torch.cuda.current_stream(), torch.cuda.Stream()
        aside.wait_stream(here)
        with torch.cuda.stream(aside):
            compute()
        here.wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                output = compute()
        finally:
            torch.cuda.set_stream(here)  # a capture that fails does not come back to it by itself
        return graph.replay, output


def runner_for(device: torch.device) -> Runner:
    """Replaying on CUDA; elsewhere nothing can be captured."""
    return Replayed(device, CudaGraphs()) if device.type == "cuda" else Eager(device)
