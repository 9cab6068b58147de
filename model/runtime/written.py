"""What has been written into a hole, left to right: keys and values of each token, found by what stands before it.

A search writes many texts a token at a time. A token's state depends on the context and on what stands left of it in
the hole, so each beginning is computed once, however many texts share it and however often they are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.runtime.state import StreamState

MOST_TOKENS = 192
"""From so many on, what no text that goes on begins with is forgotten: every pass looks at all that is there."""
FIRST_TOKENS = 128
"""Room to begin with; it doubles."""
Ids = NDArray[np.int64]
Seen = NDArray[np.bool_]


class Plan:
    """The tokens of one pass behind `room` tokens that were written before: the anchor, and what follows it in texts.

    ids, depth: each token and how many stand left of it.
    """

    def __init__(self, known: dict[bytes, int], *, room: int, anchor: int) -> None:
        """known: columns by what stands in the hole up to a token, itself included."""
        self.room, self._known, self._anchor = room, known, anchor
        self.ids, self.depth = list[int](), list[int]()
        self._parents = list[int]()
        self.planned = dict[bytes, int]()

    def predicting(self, text: Ids, end: int) -> int:
        """Which token of this pass predicts position `end` of `text`."""
        key = text[:end].tobytes()
        if key in self.planned:
            return self.planned[key] - self.room
        start, parent = end, -1
        while start and parent < 0:
            before = text[: start - 1].tobytes()
            parent = self._known.get(before, self.planned.get(before, -1))
            start -= parent < 0
        for n in range(start, end + 1):
            parent = self._added(int(text[n - 1]) if n else self._anchor, n, parent)
            self.planned[text[:n].tobytes()] = parent
        return parent - self.room

    def _added(self, token: int, depth: int, parent: int) -> int:
        self.ids.append(token)
        self.depth.append(depth)
        self._parents.append(parent)
        return self.room + len(self.ids) - 1

    def seen(self, before: Seen) -> Seen:
        """What each token sees, itself included, of what was written before and of this pass: bool [n, room + n].

        before: bool [room, room], the same of those.
        """
        made = np.zeros((len(self.ids), self.room + len(self.ids)), dtype=bool)
        for n, parent in enumerate(self._parents):
            if parent >= self.room:
                made[n] = made[parent - self.room]
            elif parent >= 0:
                made[n, : self.room] = before[parent]
            made[n, self.room + n] = True
        return made


class Written:
    """Columns of `state` by the tokens that lead to them."""

    def __init__(self, state: StreamState) -> None:
        self.state = state
        self._known = dict[bytes, int]()
        self._seen: Seen = np.zeros((0, 0), dtype=bool)
        self._full = MOST_TOKENS

    @property
    def seen(self) -> Seen:
        """What each token that has been written sees: bool [count, count]."""
        return self._seen[: self.state.count, : self.state.count]

    def plan(self, anchor: int, going_on: Sequence[tuple[Ids, int]]) -> Plan:
        """A pass that knows what has been written so far behind `anchor`. `going_on`: texts, and how much of each stands."""
        if self.state.count >= self._full:
            self._forget([text[:end] for text, end in going_on])
        return Plan(self._known, room=self.state.count, anchor=anchor)

    def _forget(self, texts: Sequence[Ids]) -> None:
        needed = np.zeros(self.state.count, dtype=bool)
        for text in texts:
            known = (self._known.get(text[:end].tobytes()) for end in range(len(text), -1, -1))
            last = next((column for column in known if column is not None), None)
            if last is not None:
                needed |= self._seen[last, : len(needed)]
        columns = np.flatnonzero(needed)
        moved = np.cumsum(needed) - 1
        self._known = {key: int(moved[column]) for key, column in self._known.items() if needed[column]}
        self._seen[: len(columns), : len(columns)] = self._seen[np.ix_(columns, columns)]
        self._seen[: len(columns), len(columns) :] = False
        self.state.keep(columns)
        self._full = max(MOST_TOKENS, 2 * len(columns))

    def reserve(self, plan: Plan) -> None:
        """Room in `state` for what the pass will leave."""
        needed = self.state.count + len(plan.ids)
        if needed > len(self._seen):
            larger = np.zeros((max(needed, FIRST_TOKENS, 2 * len(self._seen)),) * 2, dtype=bool)
            larger[: self.state.count, : self.state.count] = self.seen
            self._seen = larger
        self.state.reserve(len(self._seen))

    def remember(self, plan: Plan, seen: Seen) -> None:
        """A pass has put all its tokens behind the others. One that was read again is known where it was read first."""
        self._seen[plan.room : plan.room + len(plan.ids), : seen.shape[1]] = seen
        for key, column in plan.planned.items():
            self._known.setdefault(key, column)
        self.state.took(np.asarray(plan.ids, dtype=np.int64))
