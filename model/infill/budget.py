"""What a request may use, time and forward passes, and what it has used of that."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from model.types import Budget

Clock: TypeAlias = Callable[[], float]
Stopped: TypeAlias = Literal["done", "cancelled", "time", "steps", "unread"]


@dataclass(kw_only=True)
class BudgetMeter:
    """Counts what a request has used of its budget; `passes` counts forward passes over a canvas."""

    budget: Budget
    clock: Clock = time.monotonic
    passes: int = 0

    def __post_init__(self) -> None:
        self.restart()
        self._longest_pass_s = 0.0

    def restart(self) -> None:
        """The time of the budget begins now."""
        self._started = self._last = self.clock()

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


@dataclass(kw_only=True)
class SubBudget(BudgetMeter):
    """A part of a request with a budget of its own; what it uses counts for the `whole`, too."""

    whole: BudgetMeter

    def count_pass(self) -> None:
        super().count_pass()
        self.whole.count_pass()

    @property
    def spent(self) -> Literal["time", "steps"] | None:
        """What leaves no room for another forward pass, here or in the whole."""
        return super().spent or self.whole.spent
