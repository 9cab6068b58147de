"""One context that has been read, with one hole behind it; see `CachedContext`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from model.backend import CachedContext, Prediction
from model.backends.builtin.healing import Healing
from model.backends.builtin.tree import Said, Tree, TreeQuery
from model.canvas import Canvas

Ids = NDArray[np.int64]
FLOOR = -27.0
"""Nats: the log-probability of what healing forbids."""


class CausalContext(CachedContext):
    """Left-to-right predictions over a context.

    specials: ids of special tokens. Any of them ends a fill, so their probabilities add up to that of `end_id`, and none
    is ever predicted as text.
    """

    def __init__(self, tree: Tree, healing: Healing, *, specials: Sequence[int], end_id: int, top: int) -> None:
        self._tree, self._healing, self._end_id, self._top = tree, healing, end_id, top
        self._specials = np.asarray(specials, dtype=np.int64)

    @property
    def passes(self) -> int:
        """Forward passes so far."""
        return self._tree.passes

    def guess(self, texts: Iterable[Ids]) -> None:
        """Likely texts of the hole, best first: passes look ahead along them."""
        self._tree.guess(texts)

    def denoise(self, canvas: Canvas) -> Prediction:
        """Never asked: `ModelSpec.denoises` is False."""
        raise NotImplementedError("this network predicts from left to right only")

    def score(self, canvas: Canvas, *, wanted: NDArray[np.bool_] | None = None) -> Prediction:
        """See `CachedContext.score`."""
        places = canvas.used if wanted is None else wanted
        shape = canvas.ids.shape
        prediction = Prediction(
            ids=np.zeros((*shape, self._top), dtype=np.int64),
            probs=np.zeros((*shape, self._top), dtype=np.float32),
            entropy=np.zeros(shape, dtype=np.float32),
            current=np.zeros(shape, dtype=np.float32),
        )
        before = self._tree.passes
        row, column = np.nonzero(places)
        longest = np.zeros(canvas.rows, dtype=np.int64)
        np.maximum.at(longest, row, column)
        self._tree.reserve([canvas.ids[r, : longest[r]] for r in range(canvas.rows)])
        allowed, asks = list[Ids | None](), list[TreeQuery]()
        for r, c in zip(row.tolist(), column.tolist(), strict=True):
            text = canvas.ids[r, :c]
            allowed.append(self._healing.allowed(text))
            target = None if canvas.open[r, c] or canvas.ids[r, c] == self._end_id else int(canvas.ids[r, c])
            asks.append(TreeQuery(node=self._tree.node(text), target=target, full=allowed[-1] is not None))
        for r, c, said, only in zip(row.tolist(), column.tolist(), self._tree.said(asks), allowed, strict=True):
            ids, log_probs = self._top_of(said, only)
            prediction.ids[r, c, : len(ids)] = ids
            prediction.probs[r, c, : len(ids)] = np.exp(log_probs)
            prediction.entropy[r, c] = said.entropy
            if not canvas.open[r, c]:
                prediction.current[r, c] = self._current(said, int(canvas.ids[r, c]), only)
        return replace(prediction, passes=self._tree.passes - before)

    def _end(self, said: Said) -> float:
        """The log-probability that the text ends."""
        nats = [said.of(token) for token in self._specials.tolist()]
        return float(np.logaddexp.reduce([n for n in nats if n is not None]))

    def _top_of(self, said: Said, only: Ids | None) -> tuple[Ids, NDArray[np.float32]]:
        """The likeliest ids, best first, and their log-probabilities; given `only`, among these."""
        if only is not None:
            assert said.full is not None
            nats = _normalised(said.full[only])
            best = np.argsort(-nats, kind="stable")[: self._top]
            return only[best], nats[best].astype(np.float32)
        text = ~np.isin(said.ids, self._specials)
        ids = np.append(said.ids[text], self._end_id)
        log_probs = np.append(said.log_probs[text], np.float32(self._end(said)))
        best = np.argsort(-log_probs, kind="stable")[: self._top]
        return ids[best], log_probs[best]

    def _current(self, said: Said, token: int, only: Ids | None) -> float:
        if only is not None:
            assert said.full is not None
            at = np.flatnonzero(only == token)
            return float(_normalised(said.full[only])[at[0]]) if len(at) else FLOOR
        if token == self._end_id:
            return self._end(said)
        known = said.of(token)
        return FLOOR if known is None else known


def _normalised(log_probs: NDArray[np.float32]) -> NDArray[np.float32]:
    """The log-probabilities among themselves."""
    if not len(log_probs):
        return log_probs
    return np.asarray(log_probs - np.logaddexp.reduce(log_probs.astype(np.float64)), dtype=np.float32)
