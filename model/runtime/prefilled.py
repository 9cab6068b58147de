"""One context, read: predictions of canvases over it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.canvas import Canvas
from model.denoiser import Context, Prediction, Prefilled
from model.networks.reading import TOP_K, Reading
from model.runtime.layout import Pass, groups, next_tokens, view_of, whole_rows
from model.runtime.passes import Wanted
from model.runtime.session import Session
from model.runtime.state import StreamState
from model.runtime.store import Lease
from model.runtime.written import Written
from model.tokenizer import END_OF_HOLE_ID, RESERVED_TOKENS, Tokenizer

Ids = NDArray[np.int64]


class RuntimePrefilled(Prefilled):
    """Two streams that have read one context; see `Prefilled`."""

    def __init__(self, session: Session, tokenizer: Tokenizer, context: Context, reading: Reading, ahead: Lease,
                 back: Lease) -> None:  # fmt: skip
        self._session, self._tokenizer, self._context, self._reading = session, tokenizer, context, reading
        self.ahead, self.back = ahead, back
        self._written, self._view = Written(session.stream()), view_of(reading)

    def denoise(self, canvas: Canvas) -> Prediction:
        """See `Prefilled.denoise`; only open positions are predicted."""
        return self._predict(canvas, canvas.open, causal=False, entropies=True)

    def score(self, canvas: Canvas, *, wanted: NDArray[np.bool_] | None = None) -> Prediction:
        """See `Prefilled.score`. What texts have in common at their beginning is read once.

        Who wants single positions writes on: what is read for that is remembered.
        """
        places = canvas.used if wanted is None else wanted
        if len(self._reading.left) > 1:
            return self._predict(canvas, places, causal=True, entropies=False)
        prediction = _nothing_said(canvas)
        for rows in groups(canvas):
            part = places
            if len(rows) < canvas.rows:
                part = np.zeros_like(places)
                part[rows] = places[rows]
            if not part.any():
                continue
            written = self._written if wanted is not None else None
            passed, plan = next_tokens(canvas, part, self._view, written)
            if written:
                written.reserve(plan)
            self._say(canvas, passed, prediction, own=written.state if written else None)
            if written:
                written.remember(plan, passed.tokens.own_seen)
        return prediction

    def _predict(self, canvas: Canvas, wanted: NDArray[np.bool_], *, causal: bool, entropies: bool) -> Prediction:
        prediction = _nothing_said(canvas)
        for rows in groups(canvas):
            if wanted[rows].any():
                passed = whole_rows(canvas, rows, wanted, self._view, causal=causal)
                self._say(canvas, passed, prediction, entropies=entropies)
        return prediction

    def _say(self, canvas: Canvas, passed: Pass, prediction: Prediction, *, own: StreamState | None = None,
             entropies: bool = False) -> None:  # fmt: skip
        """Run the pass and put what it says into `prediction`."""
        row, column = passed.row, passed.column
        rows, of = _distinct(passed.sources)
        healed = self._healed(canvas, row, column)
        standing = np.empty((len(of), 2), dtype=np.int64)
        standing[:, 0], standing[:, 1] = of, canvas.ids[row, column]
        wanted = Wanted(
            rows=rows,
            standing=standing,
            whole=np.asarray([of[r] for r, _ in healed], dtype=np.int64),
            entropies=entropies,
        )
        said = self._session.passes.predict(self.ahead.state, self.back.state, own, passed.tokens, wanted)
        text_ids = np.where(said.top_ids == 0, END_OF_HOLE_ID, said.top_ids + RESERVED_TOKENS - 1)
        prediction.probs[row, column] = (said.top / said.total[:, None])[of]
        prediction.ids[row, column] = text_ids[of]
        if entropies:
            prediction.entropy[row, column] = (np.log(said.total) - said.plogp / said.total)[of]
        is_open = canvas.open[row, column]
        if not is_open.all():
            known = np.log(np.maximum(said.current / said.total[of], np.float32(1e-12)))
            prediction.current[row, column] = np.where(is_open, np.float32(0), known)
        for (r, allowed), probs in zip(healed, said.distributions, strict=True):
            restricted = probs[allowed - RESERVED_TOKENS + 1] / said.total[of[r]]
            _heal(prediction, canvas, (int(row[r]), int(column[r])), restricted, allowed)

    def _healed(self, canvas: Canvas, row: Ids, column: Ids) -> list[tuple[int, Ids]]:
        """Which predictions are of a first token that healing restricts, and to which ids."""
        found = []
        hole = canvas.hole[row, column]
        for h, start in enumerate(self._context.starts_with):
            if start:
                first = (canvas.hole == h).argmax(axis=1)
                allowed = self._tokenizer.tokens_starting_with(start)
                found += [(int(r), allowed) for r in np.flatnonzero((hole == h) & (column == first[row]))]
        return found


def _distinct(numbers: Ids) -> tuple[Ids, Ids]:
    """(those, each once, ascending; which of them each is)"""
    if (numbers[1:] > numbers[:-1]).all():  # nearly always, and told sooner than sorted
        return numbers, np.arange(len(numbers))
    return np.unique(numbers, return_inverse=True)


def _nothing_said(canvas: Canvas) -> Prediction:
    shape = canvas.ids.shape
    return Prediction(
        ids=np.zeros((*shape, TOP_K), dtype=np.int64),
        probs=np.zeros((*shape, TOP_K), dtype=np.float32),
        entropy=np.zeros(shape, dtype=np.float32),
        current=np.zeros(shape, dtype=np.float32),
    )


def _heal(
    prediction: Prediction, canvas: Canvas, at: tuple[int, int], probs: NDArray[np.float32], allowed: Ids
) -> None:
    """In place: the position `at` holds one of `allowed`, int64 [A], with `probs` before the restriction."""
    kept = (probs + np.float32(1e-9)) / (probs + np.float32(1e-9)).sum()
    best = np.argsort(-kept, kind="stable")[:TOP_K]
    prediction.ids[at], prediction.probs[at] = 0, 0
    prediction.ids[at][: len(best)], prediction.probs[at][: len(best)] = allowed[best], kept[best]
    prediction.entropy[at] = -(kept * np.log(np.maximum(kept, 1e-12))).sum()
    if not canvas.open[at]:
        standing = kept[allowed == canvas.ids[at]]
        prediction.current[at] = np.log(max(float(standing[0]) if len(standing) else 0.0, 1e-12))
