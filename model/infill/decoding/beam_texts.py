"""The texts of a left-to-right search: those that are being written, and those that are finished."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from model.canvas import Canvas

LENGTH_POWER = 0.7
"""A text of n tokens is compared by its nats / n ** LENGTH_POWER."""
LEAST_PROBABILITY = 1e-6


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


def kept(texts: Sequence[BeamHypothesis], width: int) -> list[BeamHypothesis]:
    """The best 2 * `width` of the finished texts, and of the others those among the `width` likeliest; best first.

    What is compared by its length alone loses the short ones: a likely one goes under behind all that rambles on.
    """
    texts = united(texts)
    ordered = sorted(texts, key=lambda text: -text.value)
    likeliest = sorted(texts, key=lambda text: -text.nats)[:width] if len(texts) > 2 * width else []
    return ordered[: 2 * width] + [text for text in ordered[2 * width :] if text in likeliest]


def united(texts: Sequence[BeamHypothesis]) -> list[BeamHypothesis]:
    """The texts without repetitions: one that may end in several ways is as likely to end as all of these together."""
    found: dict[bytes, BeamHypothesis] = {}
    for text in texts:
        same = found.get(text.ids.tobytes())
        ends = text.log_probs[-1] if same is None else np.logaddexp(same.log_probs[-1], text.log_probs[-1])
        log_probs = np.append(text.log_probs[:-1], ends).astype(np.float32)
        found[text.ids.tobytes()] = replace(text, log_probs=log_probs)
    return list(found.values())


def cut_at(ids: NDArray[np.int64], log_probs: NDArray[np.float32], own: int, end_of_hole_id: int) -> BeamHypothesis:
    """The first `own` ids as a text; what was written behind them is how likely it is to end there."""
    return BeamHypothesis(
        ids=np.append(ids[:own], end_of_hole_id).astype(np.int64),
        log_probs=np.append(log_probs[:own], log_probs[own:].sum()).astype(np.float32),
    )


def finished_at(beam: Beam, row: int, end_nats: float, end_of_hole_id: int) -> BeamHypothesis:
    """The row as a text that ends where it stands."""
    return BeamHypothesis(
        ids=np.append(beam.ids[row], end_of_hole_id).astype(np.int64),
        log_probs=np.append(beam.log_probs[row], np.float32(end_nats)).astype(np.float32),
    )


def finished_by(beam: Beam, row: int, token: int, nats: float, end_of_hole_id: int) -> BeamHypothesis:
    """The row ended by a token that holds the last of the text and the line break behind it, as `):` and a break."""
    longer = Beam(
        ids=np.append(beam.ids[row], token)[None],
        log_probs=np.append(beam.log_probs[row], np.float32(nats))[None],
        blank=np.zeros(1, dtype=bool),
    )
    return finished_at(longer, 0, 0.0, end_of_hole_id)


def as_it_stands(beam: Beam, end_of_hole_id: int) -> list[BeamHypothesis]:
    """All rows as texts, though none of them need end here."""
    return [
        BeamHypothesis(
            ids=np.append(ids, end_of_hole_id).astype(np.int64),
            log_probs=np.append(nats, np.float32(np.log(LEAST_PROBABILITY))).astype(np.float32),
        )
        for ids, nats in zip(beam.ids, beam.log_probs, strict=True)
        if len(ids)
    ]
