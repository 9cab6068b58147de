"""What has been written into a hole, left to right: keys and values of each token, found by what stands before it.

A search writes many texts a token at a time. A token's state depends on the context and on what stands left of it in
the hole, so each beginning is computed once, however many texts share it and however often they are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from model.runtime.blocks import Floats
from model.runtime.state import StreamState

MOST_TOKENS = 512
"""Beyond so many, everything is forgotten and what is still needed read anew."""
Ids = NDArray[np.int64]
Step = tuple[int, int]
"""A token behind what stands left of it: (column of the token before, or NOTHING; its own id)."""
NOTHING = -1


@dataclass(eq=False)
class Plan:
    """The tokens of one pass.

    known: the column of each token that was written before. ids, depth: each token and how many stand left of it.
    seen: the columns it sees, of what was written before (from 0) and of this pass (from `room`). fresh: which of them
    are new.
    """

    room: int
    known: dict[Step, int]
    ids: list[int] = field(default_factory=list)
    depth: list[int] = field(default_factory=list)
    seen: list[list[int]] = field(default_factory=list)
    fresh: list[int] = field(default_factory=list)
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
                if written is None:
                    self.fresh.append(planned)
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
        return Plan(room=self.state.capacity, known=self._known)

    def remember(self, plan: Plan, keys: Sequence[Floats], values: Sequence[Floats]) -> None:
        """Keep the fresh tokens of a pass; keys, values: of all its tokens, float32 [KV, N, D] and [KV, D, N]."""
        if not plan.fresh:
            return
        start = self.state.count
        column = {plan.room + n: start + i for i, n in enumerate(plan.fresh)}
        for (before, token), n in plan.at.items():
            if plan.room + n in column:
                self._known[column.get(before, before), token] = column[plan.room + n]
        ids = np.asarray([plan.ids[n] for n in plan.fresh], dtype=np.int64)
        fresh = plan.fresh
        self.state.append(ids, None, [part[:, fresh] for part in keys], [part[:, :, fresh] for part in values])
