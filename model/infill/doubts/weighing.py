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

from model.backend import CachedContext, ModelSpec, Prediction
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
_LEAST_CHANCE = 0.001
"""That the text goes on counts as at least so likely: below that the model's own numbers are rounded."""


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """A token below `probability` is a suspect if another has `other`, or a lesser one of these `also`.

    It is a doubt if the text is likelier by `margin_nats` with the other: the least with which nothing was told of 19 sound
    functions of packages for fitting; with 10 nats one word was, and one damaged word more was found.
    """

    probability: float = 0.05
    other: float = 0.3
    also: float = 0.1
    margin_nats: float = 15.0


@dataclass(frozen=True, kw_only=True, eq=False)
class _Suspect:
    """The token at `at`, and what may stand there: `path` int64 [k], the tokens of the alternative so far."""

    at: int
    probability: float
    path: Ids
    complete: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class _Scores:
    """nats: float32 [n], the log-probability of each token; ids, probs [n, K]: what the model expected there.

    All given that the text goes on there, as it does: the model may find it likelier that the hole ends with each line.
    """

    nats: NDArray[np.float32]
    ids: Ids
    probs: NDArray[np.float32]

    @classmethod
    def of(cls, said: Prediction, here: NDArray[np.bool_], end_id: int | None) -> _Scores:
        """Of the positions `here` (bool [L]) of the only row."""
        ids, probs = said.ids[0][here], said.probs[0][here]
        ends = np.where(ids == (-1 if end_id is None else end_id), probs, 0).sum(axis=1)
        goes_on = np.maximum(1 - ends, _LEAST_CHANCE)
        likely = np.where(ids == (-1 if end_id is None else end_id), 0, probs) / goes_on[:, None]
        return cls(nats=said.current[0][here] - np.log(goes_on), ids=ids, probs=likely)

    @classmethod
    def joined(cls, parts: Sequence[_Scores]) -> _Scores:
        """All of them, in their order."""
        nats, ids, probs = (np.concatenate([getattr(p, name) for p in parts]) for name in ("nats", "ids", "probs"))
        return cls(nats=nats, ids=ids, probs=probs)


class Weighing:
    """The doubts of one text over one context that has been read."""

    def __init__(
        self,
        text: StandingText,
        cached: CachedContext,
        codec: Codec,
        *,
        spec: ModelSpec,
        thresholds: Thresholds,
        cancelled: Cancelled,
    ) -> None:
        self._text, self._cached, self._codec = text, cached, codec
        self._mask_id, self._end_id = spec.mask_id, spec.end_of_hole_id
        self._thresholds, self._cancelled = thresholds, cancelled

    def doubts(self, wanted: Sequence[tuple[int, int]]) -> tuple[Doubt, ...] | None:
        """What is doubted of the `wanted` bytes of the text, in its order; None if cancelled meanwhile."""
        scores = self._scores(self._text.ids)
        if scores is None:
            return None
        found = list[Doubt]()
        for suspect in self._spelled(self._suspects(scores, wanted)):
            if self._cancelled():
                return None
            doubt = self._weighed(suspect, scores)
            if doubt is not None and self._is_wanted(doubt, wanted):
                found.append(doubt)
        return None if self._cancelled() else apart(found)

    def _is_wanted(self, doubt: Doubt, wanted: Sequence[tuple[int, int]]) -> bool:
        at, _ = self._text.bytes_of((doubt.start, doubt.end))
        return any(start <= at < end for start, end in wanted)

    def _scores(self, ids: Ids, since: int = 0) -> _Scores | None:
        """Of the tokens from number `since` on, each given what stands left of it; None if cancelled."""
        canvas = Canvas.decided([[ids]], mask_id=self._mask_id)
        parts = list[_Scores]()
        for start in range(since, len(ids), SLICE):
            if self._cancelled():
                return None
            here = np.zeros(canvas.ids.shape, dtype=bool)
            here[0, start : start + SLICE] = True
            parts.append(_Scores.of(self._cached.score(canvas, wanted=here), here[0], self._end_id))
        return _Scores.joined(parts)

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
        likely = [said.ids[r, len(row) - 1] for r, row in enumerate(rows)]
        return [int(next(token for token in ids if token != self._end_id)) for ids in likely]

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
        other = self._scores(ids, same)
        if other is None:
            return None
        nats = float(other.nats.sum() - scores.nats[same:last].sum())
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
