"""What a sampler is: it says which open positions to commit. Loop, network and rules are not its concern."""

from __future__ import annotations

from typing import Protocol

from model.canvas import Canvas, Decision
from model.proposal import Proposal


class Sampler(Protocol):
    """A strategy. It keeps no state between calls: all it may read are its arguments."""

    def decide(self, canvas: Canvas, proposal: Proposal, *, step: int) -> Decision:
        """What to change after denoise step `step` (from 0).

        It commits at least one position of every row that has an open one.
        """
        ...
