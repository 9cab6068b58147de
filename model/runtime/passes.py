"""What a pass over the network takes and gives, whoever computes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.networks.reading import TOP_K
from model.runtime.state import StreamState
from model.tokenizer import END_OF_HOLE_ID, RESERVED_TOKENS

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]
_Each: TypeAlias = Ids | int | np.int64
PREDICTED_FIRST = RESERVED_TOKENS
"""Predicted are the end of a hole and every token from this on, numbered from 0 in this order."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tokens:
    """What a canvas pass reads.

    numbers: int64 [5, N] (in one array, whose address is asked for once): ids, their position from the left and, seen
    from the right, back_position; ahead_seen and back_seen, how many tokens of each stream a token sees. own_seen: bool
    [N, W + N], which of the W tokens that were written into the canvas before and which of this pass it sees.
    """

    numbers: Ids
    own_seen: NDArray[np.bool_]

    @staticmethod
    def of(ids: Ids, position: Ids, back_position: _Each, ahead_seen: _Each, back_seen: _Each,
           own_seen: NDArray[np.bool_]) -> Tokens:  # fmt: skip
        """Those; int64 [N], or one number for all."""
        numbers = np.empty((5, len(ids)), dtype=np.int64)
        for row, part in zip(numbers, (ids, position, back_position, ahead_seen, back_seen), strict=True):
            row[:] = part
        return Tokens(numbers=numbers, own_seen=own_seen)

    def _row(self, number: int) -> Ids:
        return np.asarray(self.numbers[number])

    @property
    def ids(self) -> Ids:
        return self._row(0)

    @property
    def position(self) -> Ids:
        return self._row(1)

    @property
    def back_position(self) -> Ids:
        return self._row(2)

    @property
    def ahead_seen(self) -> Ids:
        return self._row(3)

    @property
    def back_seen(self) -> Ids:
        return self._row(4)


@dataclass(frozen=True, kw_only=True, eq=False)
class Wanted:
    """What to predict: rows int64 [R], after which tokens; standing int64 [Q, 2]: after which of these (of R) how likely
    which id is; whole: int64 [F], which of the R distributions to hand out as they are; entropies: also `plogp`.
    """

    rows: Ids
    standing: Ids
    whole: Ids
    entropies: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class Said:
    """top, top_ids [R, TOP_K], likeliest first; total, plogp [R]: sums of p and p log p; current [Q]; distributions
    [F, 1 + text tokens]: not normalised, divide by total. Over the end of a hole (0) and text tokens (from 1) alone.
    All floats lie in one array.
    """

    floats: Floats
    top: Floats
    top_ids: Ids
    total: Floats
    plogp: Floats
    current: Floats
    distributions: Floats

    @staticmethod
    def empty(wanted: Wanted, *, vocab_size: int) -> Said:
        """Room for what is wanted."""
        rows, standing, whole, end = (
            len(wanted.rows), len(wanted.standing), len(wanted.whole), vocab_size - PREDICTED_FIRST + 1
        )  # fmt: skip
        floats = np.empty(rows * (TOP_K + 2) + standing + whole * end, dtype=np.float32)
        tops, totals, plogps = rows * TOP_K, rows * (TOP_K + 1), rows * (TOP_K + 2)
        return Said(
            floats=floats,
            top=floats[:tops].reshape(rows, TOP_K),
            top_ids=np.empty((rows, TOP_K), dtype=np.int64),
            total=floats[tops:totals],
            plogp=floats[totals:plogps],
            current=floats[plogps : plogps + standing],
            distributions=floats[plogps + standing :].reshape(whole, end),
        )


class Rotation:
    """Rotary tables: cos, sin float32 [positions, head_width / 2], longer when asked for more."""

    def __init__(self, head_width: int, theta: float) -> None:
        self._frequencies = theta ** (-np.arange(0, head_width, 2, dtype=np.float32) / head_width)
        self.cos = self.sin = np.empty((0, head_width // 2), dtype=np.float32)

    def reach(self, position: int) -> None:
        """From now on the tables hold `position`, too."""
        if position >= len(self.cos):
            angles = np.arange(position + 513, dtype=np.float32)[:, None] * self._frequencies
            self.cos, self.sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


class Passes(Protocol):
    """The network of a model directory, ready to run. One pass at a time; a caller from another thread waits."""

    name: str
    """What computes, for people to read."""
    kept: type[Any]
    """NumPy's type of the keys and values that it reads and writes."""

    def read(self, state: StreamState, ids: Ids, before: Ids, *, side: int) -> None:
        """Write what `ids` int64 [n] leave into the stream, behind what it has (it has the room); the caller counts them.

        before: int64 [n], the token left of each in the text. side: 0 left to right, 1 the other way.
        """
        ...

    def predict(
        self, ahead: StreamState, back: StreamState, own: StreamState | None, tokens: Tokens, wanted: Wanted
    ) -> Said:
        """A pass of a canvas over both streams. What it leaves is written into `own`, if given, behind what that has."""
        ...


assert END_OF_HOLE_ID < PREDICTED_FIRST
