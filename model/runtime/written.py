"""What has been written into a hole, left to right: keys and values of each token, found by what stands before it.

A search writes many texts a token at a time. A token's state depends on the context and on what stands left of it in
the hole, so each beginning is computed once, however many texts share it and however often they are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from model.runtime.state import StreamState

MOST_TOKENS = 512
"""Beyond so many, everything is forgotten and what is still needed read anew."""
Step = tuple[int, int]
"""A token behind what stands left of it: (column of the token before, or NOTHING; its own id)."""
NOTHING = -1


@dataclass(eq=False)
class Plan:
    """The tokens of one pass.

    known: the column of each token that was written before. room: how many columns there are; those of this pass follow.
    ids, depth: each token and how many stand left of it. seen: the columns it sees.
    """

    room: int
    known: dict[Step, int]
    ids: list[int] = field(default_factory=list)
    depth: list[int] = field(default_factory=list)
    seen: list[list[int]] = field(default_factory=list)
    at: dict[Step, int] = field(default_factory=dict)

    def predicting(self, path: Sequence[int], ends: set[int]) -> list[int]:
        """Which tokens of this pass predict what follows `path` up to each of `ends` (from 0), in their order."""
        seen: list[int] = []
        column, found = NOTHING, []
        for n, token in enumerate(path):
            step = (column, token)
            written, planned = self.known.get(step), self.at.get(step)
            if planned is None and (n in ends or written is None):
                planned = self.at[step] = len(self.ids)
                self.ids.append(token)
                self.depth.append(n)
                self.seen.append([*seen, self.room + planned])
            if planned is not None and n in ends:
                found.append(planned)
            column = self.room + planned if written is None and planned is not None else cast("int", written)
            seen.append(column)
        return found


class Written:
    """Columns of `state` by the tokens that lead to them."""

    def __init__(self, state: StreamState) -> None:
        self.state = state
        self._known: dict[Step, int] = {}

    def plan(self) -> Plan:
        """A pass that knows what has been written so far."""
        if self.state.count > MOST_TOKENS:
            self.state.cut(0)
            self._known = {}
        return Plan(room=self.state.count, known=self._known)

    def remember(self, plan: Plan) -> None:
        """A pass has put all its tokens behind the others. One that was read again is known where it was read first."""
        for step, n in plan.at.items():
            self._known.setdefault(step, plan.room + n)
        self.state.took(np.asarray(plan.ids, dtype=np.int64))
