"""What has been written into a hole, left to right: keys and values of each token, found by what stands before it.

A search writes many texts a token at a time. A token's state depends on the context and on what stands left of it in
the hole, so each beginning is computed once, however many texts share it and however often they are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model.runtime.state import StreamState

MOST_TOKENS = 512
"""Beyond so many, everything is forgotten and what is still needed read anew."""
Ids = NDArray[np.int64]
Node = tuple[int, ...]


@dataclass(eq=False)
class Plan:
    """The tokens of one pass.

    ids, depth: each token and how many stand left of it. seen: the columns it sees, of what was written before (from
    0) and of this pass (from `room`). fresh: which of them are new.
    """

    room: int
    known: dict[Node, int]
    ids: list[int] = field(default_factory=list)
    depth: list[int] = field(default_factory=list)
    seen: list[list[int]] = field(default_factory=list)
    fresh: list[int] = field(default_factory=list)
    at: dict[Node, int] = field(default_factory=dict)

    def predicting(self, path: Sequence[int], depth: int) -> int:
        """Which token of this pass predicts what follows the first `depth` + 1 tokens of `path`."""
        seen: list[int] = []
        for n in range(depth + 1):
            node = tuple(path[: n + 1])
            if node not in self.at and (n == depth or node not in self.known):
                self.at[node] = len(self.ids)
                if node not in self.known:
                    self.fresh.append(len(self.ids))
                self.ids.append(path[n])
                self.depth.append(n)
                self.seen.append([*seen, self.room + self.at[node]])
            seen.append(self.known[node] if node in self.known else self.room + self.at[node])
        return self.at[tuple(path[: depth + 1])]


class Written:
    """Columns of `state` by the tokens that lead to them."""

    def __init__(self, state: StreamState) -> None:
        self.state = state
        self._known: dict[Node, int] = {}

    def plan(self) -> Plan:
        """A pass that knows what has been written so far."""
        if self.state.count > MOST_TOKENS:
            self.state.cut(0)
            self._known = {}
        return Plan(room=self.state.capacity, known=self._known)

    def remember(self, plan: Plan, sets: Sequence[NDArray[np.float32]]) -> None:
        """Keep the fresh tokens of a pass; sets: keys and values of all its tokens, float32 [KV, N, D]."""
        if not plan.fresh:
            return
        start = self.state.count
        nodes = {n: node for node, n in plan.at.items()}
        self._known |= {nodes[n]: start + i for i, n in enumerate(plan.fresh)}
        ids = np.asarray([plan.ids[n] for n in plan.fresh], dtype=np.int64)
        self.state.append(ids, None, [part[:, plan.fresh] for part in sets])
