"""Left-to-right beam search over a hole: the n-best texts by the network's exact left-to-right score.

It reads the same network through `CachedContext.score`, so it sees both sides of the hole. It proposes candidates
as `drafting` does; deciding a canvas in any order is `engine.denoise`. (Beam search with length normalisation:
Wu et al. 2016, arXiv 1609.08144, section 7.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from model.backend import CachedContext, ModelSpec, Prediction
from model.canvas import Canvas
from model.infill.budget import BudgetMeter, Stopped
from model.infill.decoding.demands import Demand
from model.infill.decoding.no_text import chance_of_no_text
from model.infill.encoding import TokenTable
from model.types import Cancelled, Hole

LENGTH_POWER = 0.7
"""A text of n tokens is compared by its nats / n ** LENGTH_POWER."""
LONGEST_LINE, LONGEST_LINES = 64, 160
"""Tokens of one line, and of several."""
PATIENCE = 3
"""Stop hypotheses longer than `PATIENCE` × the best finished one + `SHORT_LINE` tokens: a text that repeats itself gets
more certain with every token, and would go on to the longest length."""
SHORT_LINE = 16
LEAST_PROBABILITY = 1e-6
OnBeam = Callable[[int, "Beam"], None]
Kind = Callable[[NDArray[np.int64]], Hashable]
WIDTH_BY_KIND, OF_A_KIND, LOOKED_AT = 24, 2, 300
"""Rows of a search by kinds, in all and of one kind; continuations that are looked at for it."""
LIKELY_END, JUDGED_OF_A_KIND = 0.001, 6
"""Such a search asks of texts that end with this probability whether they fit, and of so many of one kind."""
STEPS_BEHIND = 3
"""Search on for this many steps after the first text that fits, so that the ranking has a choice."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BeamHypothesis:
    """One finished text: ids int64 [n + 1] with the end of hole, log_probs float32 [n + 1], in nats."""

    ids: NDArray[np.int64]
    log_probs: NDArray[np.float32]

    @cached_property
    def nats(self) -> float:
        """The log-probability of the whole text."""
        return float(self.log_probs.sum())

    @cached_property
    def value(self) -> float:
        """What texts of different lengths are compared by."""
        return float(self.nats / len(self.ids) ** LENGTH_POWER)


@dataclass(frozen=True, kw_only=True, eq=False)
class Beam:
    """What is being written, best first. ids int64 [W, n], log_probs float32 [W, n], blank bool [W]: nothing but space."""

    ids: NDArray[np.int64]
    log_probs: NDArray[np.float32]
    blank: NDArray[np.bool_]

    @classmethod
    def start(cls) -> Beam:
        return cls(
            ids=np.empty((1, 0), dtype=np.int64), log_probs=np.empty((1, 0), dtype=np.float32), blank=np.ones(1, bool)
        )

    @property
    def width(self) -> int:
        return len(self.ids)

    @property
    def value(self) -> float:
        """Of the best, were it to end for nothing; -inf if there is none."""
        if not self.width:
            return -np.inf
        return float(self.log_probs.sum(axis=1).max() / (self.ids.shape[1] + 1) ** LENGTH_POWER)

    def canvas(self, mask_id: int) -> Canvas:
        """Every row followed by the one position that comes next."""
        shape = (self.width, self.ids.shape[1] + 1)
        following = np.zeros(shape, dtype=bool)
        following[:, -1] = True
        return Canvas(
            ids=np.concatenate([self.ids, np.full((self.width, 1), mask_id, dtype=np.int64)], axis=1),
            open=following,
            hole=np.zeros(shape, dtype=np.int64),
            confidence=np.ones(shape, dtype=np.float32),  # nobody reads it: no sampler ever sees this canvas
            mask_id=mask_id,
        )

    def within(self, margin_nats: float, *, best: float) -> Beam:
        """Without rows more than `margin_nats` less likely than the likeliest row, or than a text of `best` nats."""
        nats = self.log_probs.sum(axis=1, dtype=np.float64)
        keep = nats >= max(float(nats.max(initial=-np.inf)), best) - margin_nats
        if keep.all():
            return self
        return Beam(ids=self.ids[keep], log_probs=self.log_probs[keep], blank=self.blank[keep])

    def extended(self, rows: NDArray[np.int64], ids: NDArray[np.int64], nats: NDArray[np.float32]) -> Beam:
        """`rows[i]` continued by `ids[i]` at `nats[i]`."""
        return Beam(
            ids=np.concatenate([self.ids[rows], ids[:, None]], axis=1),
            log_probs=np.concatenate([self.log_probs[rows], nats[:, None].astype(np.float32)], axis=1),
            blank=self.blank[rows],
        )


class Search:
    """A beam search over the one hole of a request. It can be taken up again when nothing that it found will do.

    `start`: what the hole's text must begin with, since it stands before the hole already (token healing).
    `tokens`: written in all rows. `nothing`: how likely the hole is to stay empty, as far as the search has looked; None
    before the first pass.
    """

    def __init__(
        self,
        cached: CachedContext,
        hole: Hole,
        *,
        spec: ModelSpec,
        table: TokenTable,
        width: int,
        meter: BudgetMeter,
        cancelled: Cancelled,
        margin_nats: float = float("inf"),
        on_beam: OnBeam | None = None,
        demand: Demand | None = None,
        start: bytes = b"",
    ) -> None:
        assert spec.end_of_hole_id is not None, "a network that cannot end a hole cannot search for its length"
        self._cached, self._hole, self._table = cached, hole, table
        self._mask_id, self._end, self._width = spec.mask_id, spec.end_of_hole_id, width
        self._meter, self._cancelled, self._on_beam = meter, cancelled, on_beam
        self._margin_nats, self._demand, self._start = margin_nats, demand, start
        self._longest = min(LONGEST_LINE if hole.max_lines == 1 else LONGEST_LINES, spec.canvas_tokens)
        if hole.length_tokens is not None:
            self._longest = hole.length_tokens + 1
        self.tokens = 0
        self.nothing: float | None = None

    def run(self) -> tuple[list[BeamHypothesis], Stopped]:
        """(texts for the hole, best first; why it stopped).

        It ends when `width` texts are finished and none that is being written is better than the best of them, or all are
        `PATIENCE` times as long as the likeliest, or at the longest length. When the budget is spent, what is being
        written is handed back as it stands.
        """
        beam, done = Beam.start(), list[BeamHypothesis]()
        for step in range(self._longest):
            if self._cancelled():
                return [], "cancelled"
            beam, finished = self._advanced(beam, step)
            done = _kept([*done, *finished], self._width)
            likeliest = max(done, key=lambda text: text.nats, default=None)
            beam = beam.within(self._margin_nats, best=likeliest.nats if likeliest else -np.inf)
            enough = likeliest is not None and step + 1 >= PATIENCE * len(likeliest.ids) + SHORT_LINE
            if not beam.width or (len(done) >= self._width and (enough or done[0].value > beam.value)):
                break
            if self._meter.spent:
                unfinished = _fitting(_as_it_stands(beam, self._end), self._demand)[
                    : max(2 * self._width - len(done), 0)
                ]
                return [*done, *unfinished], self._meter.spent
        return done or _fitting(_as_it_stands(beam, self._end), self._demand), "done"

    def until(
        self, fits: Callable[[BeamHypothesis], bool], *, kind: Kind, passes: int, judged: int
    ) -> list[BeamHypothesis]:
        """Texts that fit, best first, by a second search that keeps the best of every kind; none in so many passes.

        The best six by likelihood are often alike: all lack the same bracket. So here beginnings compete with those
        of their own kind alone. `fits` is asked of at most `judged` texts. Nothing comes when there is no time left.
        """
        beam, found, last = Beam.start(), list[BeamHypothesis](), min(passes, self._longest)
        refused = Counter[Hashable]()
        for step in range(last):
            if not beam.width or self._meter.spent or self._cancelled():
                break
            beam, finished = self._advanced(beam, step, kind=kind)
            for text in sorted(finished, key=lambda text: -text.value):
                of = kind(text.ids[:-1])
                if text.log_probs[-1] > np.log(LIKELY_END) and judged and refused[of] < JUDGED_OF_A_KIND:
                    judged -= 1
                    refused[of] += 1
                    if fits(text):
                        found.append(text)
                        last = min(last, step + STEPS_BEHIND)
            if step >= last or not judged:
                break
        return sorted(found, key=lambda text: -text.value)

    def _advanced(self, beam: Beam, step: int, *, kind: Kind | None = None) -> tuple[Beam, list[BeamHypothesis]]:
        """One forward pass: the best continuations, and the texts that end where the rows stood."""
        canvas = beam.canvas(self._mask_id)
        prediction = self._cached.score(canvas, wanted=canvas.open)
        if prediction.passes:
            self._meter.count_pass()
        if kind is None and step <= len(self._start):
            ends = chance_of_no_text(
                beam.ids, beam.log_probs, prediction, self._start, end=self._end, table=self._table
            )
            self.nothing = (self.nothing or 0.0) + ends
        longer, finished = _advanced(
            beam, prediction, self._hole, end=self._end, table=self._table, width=self._width,
            last=step == self._longest - 1, kind=kind, demand=self._demand,
        )  # fmt: skip
        finished = _fitting(finished, self._demand)
        self.tokens += longer.width
        if self._on_beam is not None and kind is None:
            self._on_beam(step, longer)
        return longer, finished


def _advanced(
    beam: Beam, prediction: Prediction, hole: Hole, *, end: int, table: TokenTable, width: int, last: bool,
    kind: Kind | None, demand: Demand | None,
) -> tuple[Beam, list[BeamHypothesis]]:  # fmt: skip
    """The best `width` continuations (given `kind`: the best ones of every kind), and the texts that end here."""
    ids, probs = prediction.ids[:, -1], prediction.probs[:, -1].astype(np.float64)
    ends = ids == end
    closes = np.zeros_like(ends)
    if hole.max_lines is not None:
        lines = table.breaks[beam.ids].sum(axis=1) + 1
        last_break = table.newline[ids] & (lines >= hole.max_lines)[:, None]
        closes = last_break & table.ends_line[ids]
        ends |= last_break & ~closes
    fixed = hole.length_tokens is not None
    may_end = ~beam.blank if not fixed else np.full(beam.width, last)
    ending = np.where(ends, probs, 0).sum(axis=1)
    finished = [
        _finished(beam, int(row), float(np.log(max(ending[row], LEAST_PROBABILITY))), end)
        for row in np.flatnonzero(may_end & ((ending > LEAST_PROBABILITY) | (fixed and last)))
    ]
    nats = np.where(ends | (probs <= LEAST_PROBABILITY), -np.inf, np.log(np.maximum(probs, LEAST_PROBABILITY)))
    for row, column in np.argwhere(closes & (probs > LIKELY_END)) if not fixed else ():
        finished.append(_finished_by(beam, int(row), int(ids[row, column]), float(nats[row, column]), end))
    nats[closes] = -np.inf
    total = beam.log_probs.sum(axis=1, dtype=np.float64)[:, None] + nats
    order = np.argsort(-total, axis=None, kind="stable")
    order = order[np.isfinite(total.ravel()[order])]
    if last and fixed:
        order = order[:0]
    if demand is not None:
        order = _able(beam, ids, order, demand, most=width if kind is None else LOOKED_AT)
    order = order[:width] if kind is None else order[_best_of_kinds(beam, ids, order[:LOOKED_AT], kind)]
    rows, columns = np.divmod(order, ids.shape[1])
    chosen = ids[rows, columns]
    longer = beam.extended(rows, chosen, nats[rows, columns].astype(np.float32))
    return Beam(ids=longer.ids, log_probs=longer.log_probs, blank=longer.blank & table.blank[chosen]), finished


def _able(
    beam: Beam, ids: NDArray[np.int64], order: NDArray[np.int64], demand: Demand, *, most: int
) -> NDArray[np.int64]:
    """The first `most` continuations in `order` that may still become what the hole demands."""
    kept = list[int]()
    for at in order.tolist():
        row, column = divmod(at, ids.shape[1])
        if demand.may(np.append(beam.ids[row], ids[row, column])):
            kept.append(at)
            if len(kept) == most:
                break
    return np.array(kept, dtype=np.int64)


def _fitting(texts: list[BeamHypothesis], demand: Demand | None) -> list[BeamHypothesis]:
    return texts if demand is None else [text for text in texts if demand.fits(text.ids[:-1])]


def _best_of_kinds(beam: Beam, ids: NDArray[np.int64], order: NDArray[np.int64], kind: Kind) -> list[int]:
    """Which of the continuations in `order` to keep: `OF_A_KIND` of every kind, as many as there is room for."""
    seen, kept = Counter[Hashable](), list[int]()
    for place, at in enumerate(order.tolist()):
        row, column = divmod(at, ids.shape[1])
        of = kind(np.append(beam.ids[row], ids[row, column]))
        seen[of] += 1
        if seen[of] <= OF_A_KIND:
            kept.append(place)
        if len(kept) == WIDTH_BY_KIND:
            break
    return kept


def _kept(texts: Sequence[BeamHypothesis], width: int) -> list[BeamHypothesis]:
    """The best 2 * `width` of the finished texts, and of the others those among the `width` likeliest; best first.

    What is compared by its length alone loses the short ones: a likely one goes under behind all that rambles on.
    """
    ordered = sorted(texts, key=lambda text: -text.value)
    likeliest = sorted(texts, key=lambda text: -text.nats)[:width] if len(texts) > 2 * width else []
    return ordered[: 2 * width] + [text for text in ordered[2 * width :] if text in likeliest]


def _finished(beam: Beam, row: int, end_nats: float, end_of_hole_id: int) -> BeamHypothesis:
    return BeamHypothesis(
        ids=np.append(beam.ids[row], end_of_hole_id).astype(np.int64),
        log_probs=np.append(beam.log_probs[row], np.float32(end_nats)).astype(np.float32),
    )


def _finished_by(beam: Beam, row: int, token: int, nats: float, end_of_hole_id: int) -> BeamHypothesis:
    """The row ended by a token that holds the last of the text and the line break behind it, as `):` and a break."""
    longer = Beam(
        ids=np.append(beam.ids[row], token)[None],
        log_probs=np.append(beam.log_probs[row], np.float32(nats))[None],
        blank=np.zeros(1, dtype=bool),
    )
    return _finished(longer, 0, 0.0, end_of_hole_id)


def _as_it_stands(beam: Beam, end_of_hole_id: int) -> list[BeamHypothesis]:
    return [
        BeamHypothesis(
            ids=np.append(ids, end_of_hole_id).astype(np.int64),
            log_probs=np.append(nats, np.float32(np.log(LEAST_PROBABILITY))).astype(np.float32),
        )
        for ids, nats in zip(beam.ids, beam.log_probs, strict=True)
        if len(ids)
    ]
