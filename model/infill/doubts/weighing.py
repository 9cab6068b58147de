"""Doubts of a model that writes from left to right: leave a word out, and compare the whole text with another in its place.

One context cache serves all of it. First every token of the text is scored; where one is improbable and another likely,
that one is spelled to the end of its word, and the text behind is scored anew. By Bayes' rule the difference is that of the
word's probability given both sides: log p(word | left) + log p(right | left, word), up to a constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.backend import CachedContext
from model.canvas import Canvas
from model.infill.doubts.text import StandingText, ends_in_word, starts_in_word
from model.infill.encoding import Codec
from model.types import Cancelled, Doubt

Ids = NDArray[np.int64]
SLICE = 32
"""Positions scored in one pass: whoever waits for the model waits for no more than this."""
HORIZON = 48
"""Tokens behind the word that judge it, too."""
ALTERNATIVES, SUSPECTS = 3, 16
"""Compared of each suspect, and suspects of a text: the most suspicious ones."""
LONGEST_WORD = 6
"""Tokens of an alternative."""


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """A token below `probability` is a suspect if another has `other`, or a lesser one of these `also`.

    It is a doubt if the text is likelier by `margin_nats` with the other.
    """

    probability: float = 0.05
    other: float = 0.3
    also: float = 0.1
    margin_nats: float = 4.0


@dataclass(frozen=True, kw_only=True, eq=False)
class _Suspect:
    """The token at `at`, and what may stand there: `path` int64 [k], the tokens of the alternative so far."""

    at: int
    probability: float
    path: Ids
    complete: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class _Scores:
    """nats: float32 [n], the log-probability of each token; ids, probs [n, K]: what the model expected there."""

    nats: NDArray[np.float32]
    ids: Ids
    probs: NDArray[np.float32]


class Weighing:
    """The doubts of one text over one context that has been read."""

    def __init__(
        self,
        text: StandingText,
        cached: CachedContext,
        codec: Codec,
        *,
        mask_id: int,
        thresholds: Thresholds,
        cancelled: Cancelled,
    ) -> None:
        self._text, self._cached, self._codec = text, cached, codec
        self._mask_id, self._thresholds, self._cancelled = mask_id, thresholds, cancelled

    def doubts(self, wanted: Sequence[tuple[int, int]]) -> tuple[Doubt, ...] | None:
        """What is doubted of the `wanted` bytes of the text, in its order; None if cancelled meanwhile."""
        scores = self._scores()
        if scores is None:
            return None
        found = list[Doubt]()
        for suspect in self._spelled(self._suspects(scores, wanted)):
            if self._cancelled():
                return None
            doubt = self._weighed(suspect, scores)
            if doubt is not None and any(start <= doubt_at < end for start, end in wanted
                                         for doubt_at in [self._text.bytes_of((doubt.start, doubt.end))[0]]):  # fmt: skip
                found.append(doubt)
        return None if self._cancelled() else apart(found)

    def _scores(self) -> _Scores | None:
        """Of every token, given what stands left of it; None if cancelled."""
        canvas = Canvas.decided([[self._text.ids]], mask_id=self._mask_id)
        parts = []
        for start in range(0, len(self._text.ids), SLICE):
            if self._cancelled():
                return None
            here = np.zeros(canvas.ids.shape, dtype=bool)
            here[0, start : start + SLICE] = True
            said = self._cached.score(canvas, wanted=here)
            part = here[0]
            parts.append((said.current[0][part], said.ids[0][part], said.probs[0][part]))
        nats, ids, probs = (np.concatenate(column) for column in zip(*parts, strict=True))
        return _Scores(nats=nats, ids=ids, probs=probs)

    def _suspects(self, scores: _Scores, wanted: Sequence[tuple[int, int]]) -> list[_Suspect]:
        """The most suspicious tokens, each with all that may stand in its place."""
        limits, text = self._thresholds, self._text
        others = np.where(scores.ids == text.ids[:, None], 0, scores.probs)
        best, own = others.max(axis=1), np.exp(scores.nats)
        asked = np.array(
            [any(a < text.starts[i + 1] and text.starts[i] < b for a, b in wanted) for i in range(len(text.ids))], bool
        )
        odd = np.flatnonzero(asked & (own < limits.probability) & (best >= limits.other))
        ordered = sorted(odd.tolist(), key=lambda i: float(own[i] / best[i]))[:SUSPECTS]
        return [
            _Suspect(at=i, probability=float(own[i]), path=scores.ids[i, k : k + 1])
            for i in ordered
            for k in np.argsort(-others[i], kind="stable")[:ALTERNATIVES]
            if others[i, k] >= limits.also and self._codec.token_bytes(int(scores.ids[i, k]))
        ]

    def _spelled(self, suspects: list[_Suspect]) -> list[_Suspect]:
        """The suspects whose alternatives are whole words; what gets too long is left out."""
        for _ in range(LONGEST_WORD):
            open_ = [n for n, s in enumerate(suspects) if not s.complete and ends_in_word(self._said(s))]
            for n in set(range(len(suspects))) - set(open_):
                suspects[n] = replace(suspects[n], complete=True)
            if not open_ or self._cancelled():
                break
            for part in (open_[k : k + SLICE // 2] for k in range(0, len(open_), SLICE // 2)):
                for n, token in zip(part, self._next([suspects[n] for n in part]), strict=True):
                    goes_on = starts_in_word(self._codec.token_bytes(token))
                    one = suspects[n]
                    suspects[n] = replace(
                        one, complete=not goes_on, path=np.append(one.path, token) if goes_on else one.path
                    )
        return [s for s in suspects if s.complete]

    def _said(self, suspect: _Suspect) -> bytes:
        return b"".join(self._codec.token_bytes(token) for token in suspect.path.tolist())

    def _next(self, suspects: Sequence[_Suspect]) -> list[int]:
        """The likeliest token behind each alternative."""
        rows = [np.concatenate([self._text.ids[: s.at], s.path, [self._mask_id]]) for s in suspects]
        canvas = Canvas.decided([[row] for row in rows], mask_id=self._mask_id)
        last = np.zeros(canvas.ids.shape, dtype=bool)
        for r, row in enumerate(rows):
            last[r, len(row) - 1] = True
        said = self._cached.score(replace(canvas, open=last), wanted=last)
        return [int(said.ids[r, len(row) - 1, 0]) for r, row in enumerate(rows)]

    def _weighed(self, suspect: _Suspect, scores: _Scores) -> Doubt | None:
        """The suspect as a doubt, if the text up to the horizon is likelier with its alternative by the margin."""
        text = self._text
        last = min(text.token_at(text.unit_end(suspect.at)) + HORIZON, len(text.ids))
        until = int(text.starts[last])
        said = self._said(suspect)
        new = text.replaced(suspect.at, said, until=until)
        try:
            ids = self._codec.encode(new.decode(), at_line_start=text.line_start)
        except UnicodeDecodeError:
            return None
        same = _common(ids, text.ids[:last])
        if same == len(ids):
            return None
        canvas = Canvas.decided([[ids]], mask_id=self._mask_id)
        nats = -float(scores.nats[same:last].sum())
        for start in range(same, len(ids), SLICE):
            if self._cancelled():
                return None
            here = np.zeros(canvas.ids.shape, dtype=bool)
            here[0, start : start + SLICE] = True
            nats += float(self._cached.score(canvas, wanted=here).current[here].sum())
        if nats < self._thresholds.margin_nats:
            return None
        return text.doubt(new, until=until, probability=suspect.probability, nats=nats)


def apart(doubts: Sequence[Doubt]) -> tuple[Doubt, ...]:
    """The doubts in the order of the text; of those that overlap the one with the widest margin."""
    kept = list[Doubt]()
    for doubt in sorted(doubts, key=lambda d: -d.nats):
        if all(doubt.end <= other.start or other.end <= doubt.start for other in kept) and not any(
            doubt.start == other.start for other in kept
        ):
            kept.append(doubt)
    return tuple(sorted(kept, key=lambda d: d.start))


def _common(a: Ids, b: Ids) -> int:
    n = min(len(a), len(b))
    differs = np.flatnonzero(a[:n] != b[:n])
    return int(differs[0]) if len(differs) else n
