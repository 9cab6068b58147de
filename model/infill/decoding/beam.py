"""Left-to-right beam search over a hole: the n-best texts by the network's exact left-to-right score.

It reads the same network through `CachedContext.score`, so it sees both sides of the hole. It proposes candidates
as `drafting` does; deciding a canvas in any order is `model.infill.decoding.diffusion.denoise`. (Beam search with length normalisation:
Wu et al. 2016, arXiv 1609.08144, section 7.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from model.backend import CachedContext, ModelSpec, Prediction
from model.infill.budget import BudgetMeter, Stopped
from model.infill.decoding.beam_texts import (
    LEAST_PROBABILITY,
    Beam,
    BeamHypothesis,
    as_it_stands,
    cut_at,
    finished_at,
    finished_by,
    kept,
    united,
)
from model.infill.decoding.demands import Demand
from model.infill.decoding.enclosure import Enclosure
from model.infill.decoding.no_text import chance_of_no_text
from model.infill.decoding.repeated_suffix import RepeatedSuffix
from model.infill.encoding import TokenTable
from model.types import Cancelled, Hole

LONGEST_LINE, LONGEST_LINES = 64, 160
"""Tokens of one line, and of several."""
PATIENCE = 3
"""Stop hypotheses longer than `PATIENCE` × the best finished one + `SHORT_LINE` tokens: a text that repeats itself gets
more certain with every token, and would go on to the longest length."""
SHORT_LINE = 16
OnBeam = Callable[[int, "Beam"], None]
Kind = Callable[[NDArray[np.int64]], Hashable]
WIDTH_BY_KIND, OF_A_KIND, LOOKED_AT = 24, 2, 300
"""Rows of a search by kinds, in all and of one kind; continuations that are looked at for it."""
LIKELY_END, JUDGED_OF_A_KIND = 0.001, 6
"""Such a search asks of texts that end with this probability whether they fit, and of so many of one kind."""
STEPS_BEHIND = 3
"""Search on for this many steps after the first text that fits, so that the ranking has a choice."""


class Search:
    """A beam search over the one hole of a request. It can be taken up again when nothing that it found will do.

    `width`: rows that are kept; `wanted`: texts that must be finished before it ends (None: as many).
    `enclosure`: of a hole in brackets, where its texts end; `suffix`: of one of several lines.
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
        wanted: int | None = None,
        meter: BudgetMeter,
        cancelled: Cancelled,
        margin_nats: float = float("inf"),
        on_beam: OnBeam | None = None,
        demand: Demand | None = None,
        enclosure: Enclosure | None = None,
        suffix: RepeatedSuffix | None = None,
        start: bytes = b"",
    ) -> None:
        assert spec.end_of_hole_id is not None, "a network that cannot end a hole cannot search for its length"
        self._cached, self._hole, self._table = cached, hole, table
        self._mask_id, self._end, self._width = spec.mask_id, spec.end_of_hole_id, width
        self._wanted = wanted or width
        self._meter, self._cancelled, self._on_beam = meter, cancelled, on_beam
        self._margin_nats, self._demand, self._start = margin_nats, demand, start
        self._enclosure, self._suffix = (enclosure, suffix) if hole.length_tokens is None else (None, None)
        self._longest = min(LONGEST_LINE if hole.max_lines == 1 else LONGEST_LINES, spec.canvas_tokens)
        if hole.length_tokens is not None:
            self._longest = hole.length_tokens + 1
        self.tokens = 0
        self.nothing: float | None = None

    def run(self) -> tuple[list[BeamHypothesis], Stopped]:
        """(texts for the hole, best first; why it stopped).

        It ends when enough texts are finished, and none that is being written is better than the best of them, or likelier
        than the likeliest (what is written on only gets less likely), or all are `PATIENCE` times as long as the likeliest, or
        at the longest length. (To go on until as many were finished as there are rows took a fifth more passes, and none of
        77 holes was filled better.) When the budget is spent, what is being written is handed back as it stands.
        """
        beam, done = Beam.start(), list[BeamHypothesis]()
        for step in range(self._longest):
            if self._cancelled():
                return [], "cancelled"
            beam, finished = self._advanced(beam, step)
            done = kept([*done, *finished], self._width)
            likeliest = max(done, key=lambda text: text.nats, default=None)
            beam = beam.within(self._margin_nats, best=likeliest.nats if likeliest else -np.inf)
            if not beam.width or (len(done) >= self._wanted and _over(done, likeliest, beam)):
                break
            if self._meter.spent:
                unfinished = _fitting(as_it_stands(beam, self._end), self._demand)[
                    : max(2 * self._width - len(done), 0)
                ]
                return [*done, *unfinished], self._meter.spent
        return done or _fitting(as_it_stands(beam, self._end), self._demand), "done"

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
            last=step == self._longest - 1, kind=kind, demand=self._demand, enclosure=self._enclosure,
        )  # fmt: skip
        if self._suffix is not None:
            longer, complete = self._suffix.cut(longer, self._table, self._end)
            finished = united([*finished, *complete])
        finished = _fitting(finished, self._demand)
        self.tokens += longer.width
        if self._on_beam is not None and kind is None and longer.width:
            self._on_beam(step, longer)
        return longer, finished


def _over(done: Sequence[BeamHypothesis], likeliest: BeamHypothesis | None, beam: Beam) -> bool:
    """Whether nothing better than the finished texts (best first) can be expected of what is being written."""
    if likeliest is None:
        return False
    long = beam.ids.shape[1] >= PATIENCE * len(likeliest.ids) + SHORT_LINE
    return long or done[0].value > beam.value or likeliest.nats > float(beam.log_probs.sum(axis=1).max())


def _advanced(
    beam: Beam, prediction: Prediction, hole: Hole, *, end: int, table: TokenTable, width: int, last: bool,
    kind: Kind | None, demand: Demand | None, enclosure: Enclosure | None,
) -> tuple[Beam, list[BeamHypothesis]]:  # fmt: skip
    """The best `width` continuations (given `kind`: the best ones of every kind), and the texts that end here."""
    ids, probs = prediction.ids[:, -1], prediction.probs[:, -1].astype(np.float64)
    ends = ids == end
    closes = np.zeros_like(ends)
    finished = list[BeamHypothesis]()
    if enclosure is not None:
        finished, probs = _enclosed(beam, ids, probs, enclosure, table=table, end=end)
    if hole.max_lines is not None:
        lines = table.breaks[beam.ids].sum(axis=1) + 1
        last_break = table.newline[ids] & (lines >= hole.max_lines)[:, None]
        closes = last_break & table.ends_line[ids]
        ends |= last_break & ~closes
    fixed = hole.length_tokens is not None
    may_end = ~beam.blank if not fixed else np.full(beam.width, last)
    ending = np.where(ends, probs, 0).sum(axis=1)
    finished += [
        finished_at(beam, int(row), float(np.log(max(ending[row], LEAST_PROBABILITY))), end)
        for row in np.flatnonzero(may_end & ((ending > LEAST_PROBABILITY) | (fixed and last)))
    ]
    nats = np.where(ends | (probs <= LEAST_PROBABILITY), -np.inf, np.log(np.maximum(probs, LEAST_PROBABILITY)))
    for row, column in np.argwhere(closes & (probs > LIKELY_END)) if not fixed else ():
        finished.append(finished_by(beam, int(row), int(ids[row, column]), float(nats[row, column]), end))
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
    blank = longer.blank & table.blank[chosen]
    return Beam(ids=longer.ids, log_probs=longer.log_probs, blank=blank), united(finished)


def _enclosed(
    beam: Beam, ids: NDArray[np.int64], probs: NDArray[np.float64], enclosure: Enclosure, *, table: TokenTable, end: int
) -> tuple[list[BeamHypothesis], NDArray[np.float64]]:
    """(texts that end before they close brackets around the hole; `probs` without the tokens that close any)."""
    finished, probs = list[BeamHypothesis](), probs.copy()
    for row, column in np.argwhere(table.shuts[ids] & (probs > LEAST_PROBABILITY)):
        longer = np.append(beam.ids[row], ids[row, column])
        if enclosure.allows(longer):
            continue
        own = enclosure.own_tokens(longer)
        if own:
            nats = np.append(beam.log_probs[row], np.log(probs[row, column]))
            finished.append(cut_at(longer, nats, own, end))
        probs[row, column] = 0
    return finished, probs


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
