"""What a pass over the network takes and gives, whoever computes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from model.reading import TOP_K
from model.runtime.state import StreamState
from model.tokenizer import END_OF_HOLE_ID, RESERVED_TOKENS

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]
PREDICTED_FIRST = RESERVED_TOKENS
"""Predicted are the end of a hole and every token from this on, numbered from 0 in this order."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tokens:
    """What a canvas pass reads, int64 [N]: ids, their position from the left and, seen from the right, back_position.

    ahead_seen, back_seen: int64 [N], how many tokens of each stream a token sees. own_seen: bool [N, W + N], which of
    the W tokens that were written into the canvas before and which of this pass it sees.
    """

    ids: Ids
    position: Ids
    back_position: Ids
    ahead_seen: Ids
    back_seen: Ids
    own_seen: NDArray[np.bool_]


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
    """

    top: Floats
    top_ids: Ids
    total: Floats
    plogp: Floats
    current: Floats
    distributions: Floats

    @staticmethod
    def empty(wanted: Wanted, *, vocab_size: int) -> Said:
        """Room for what is wanted."""
        rows, end = len(wanted.rows), vocab_size - PREDICTED_FIRST + 1
        return Said(
            top=np.empty((rows, TOP_K), dtype=np.float32),
            top_ids=np.empty((rows, TOP_K), dtype=np.int64),
            total=np.empty(rows, dtype=np.float32),
            plogp=np.zeros(rows, dtype=np.float32),
            current=np.empty(len(wanted.standing), dtype=np.float32),
            distributions=np.empty((len(wanted.whole), end), dtype=np.float32),
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
