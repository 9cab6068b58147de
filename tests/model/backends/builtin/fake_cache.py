"""A KV cache over a made-up language model: what follows depends on every token that is seen, and on nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from model.backends.builtin.runtime.rows import Outputs, Rows

Ids = NDArray[np.int64]


def log_probs(seen: tuple[int, ...], vocab: int) -> NDArray[np.float32]:
    """float32 [V]: peaked, and different for every text."""
    drawn = np.random.default_rng([7, *seen]).normal(size=vocab) * 3
    return np.asarray(drawn - np.logaddexp.reduce(drawn), dtype=np.float32)


class FakeCache:
    """Holds tokens where the real one holds keys and values."""

    def __init__(self, *, vocab: int, scratch_tokens: int = 64) -> None:
        self.vocab, self.scratch_tokens = vocab, scratch_tokens
        self.ids: Ids = np.empty(0, dtype=np.int64)
        self._slots: dict[int, tuple[int, int]] = {}
        self.passes: list[Rows] = []
        self.adapted: list[bool] = []

    def read(self, ids: Ids, *, stop: Callable[[], bool]) -> bool:
        while len(self.ids) < len(ids) or not np.array_equal(self.ids, ids):
            if stop():
                return False
            same = int(np.cumprod(self.ids[: len(ids)] == ids[: len(self.ids)]).sum())
            self.ids = ids[: same + 4]
        return True

    def forward(self, rows: Rows, *, adapter: bool = False) -> Outputs:
        self.passes.append(rows)
        self.adapted.append(adapter)
        for token, slot, position in zip(rows.ids, rows.slots, rows.positions, strict=True):
            self._slots[int(slot)] = (int(position), int(token))
        said = [log_probs(self._seen(rows, int(r)), self.vocab) for r in rows.wanted]
        full = np.array(said, dtype=np.float32).reshape(len(rows.wanted), self.vocab)
        best = np.argsort(-full, axis=1, kind="stable")[:, : rows.top]
        return Outputs(
            ids=best,
            log_probs=np.take_along_axis(full, best, axis=1),
            targets=np.take_along_axis(full, rows.targets, axis=1),
            entropy=-(full * np.exp(full)).sum(axis=1),
            full=full if rows.full else None,
        )

    def _seen(self, rows: Rows, r: int) -> tuple[int, ...]:
        slots = rows.sees[rows.starts[r] : rows.starts[r + 1]].tolist()
        own = sorted(self._slots[slot] for slot in slots)
        context = int(rows.context[r])
        assert [p for p, _ in own] == list(range(context, context + len(own))), "positions go on behind the context"
        assert own[-1][1] == rows.ids[r], "a row sees itself last"
        return (*self.ids[:context].tolist(), *(token for _, token in own))
