"""The history of one fill: what each forward pass saw, what came of it, and what was chosen in the end.

The recorder stands between engine and network, so it misses no forward pass, whoever asks for it. While the
fill is made it keeps references only; texts are made of them when it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from model.backend import CachedContext, Prediction
from model.canvas import Canvas, Decision
from model.infill.rerank.nearby_text import NearbyText, nearby_text
from model.infill.rerank.ranking import Ranking, probabilities, signals, utility
from model.infill.trace.rows import DecidedStep, asked_cells, cells_of
from model.types import Candidate, Trace, TraceCandidate, TracePass, TraceRow

if TYPE_CHECKING:
    from model.infill.budget import Clock
    from model.infill.decoding.constraints import Proposal
    from model.infill.encoding import Codec, EncodedPrompt
    from model.infill.hypothesis import Hypothesis


_ASKED: Final = MappingProxyType({"denoise": "review", "write": "text"})


@dataclass(kw_only=True)
class _Pass:
    """A forward pass; `step` is what the engine made of it (None: it only judged what stands)."""

    kind: Literal["denoise", "score", "write"]
    ms: float
    canvas: Canvas
    prediction: Prediction
    label: str
    labels: Sequence[str]
    step: DecidedStep | None = None


class Recorder:
    """Keeps what happens in one request.

    `labels`: what the rows of the canvas are that is denoised next; `drafts`: the copies that were found.
    """

    def __init__(self, clock: Clock) -> None:
        self.labels: Sequence[str] = ()
        self.drafts: Sequence[Hypothesis] = ()
        self._clock = clock
        self._passes: list[_Pass] = []

    def watched(self, cached: CachedContext) -> CachedContext:
        """`cached`, each of whose forward passes is recorded."""
        return _Watched(cached, self)

    def forward(
        self, kind: Literal["denoise", "score", "write"], canvas: Canvas, ask: Callable[[], Prediction]
    ) -> Prediction:
        """The prediction of one forward pass of that kind."""
        started = self._clock()
        prediction = ask()
        ms = 1000 * (self._clock() - started)
        label = "fill" if any(p.kind == "denoise" for p in self._passes) else "draft"
        self._passes.append(
            _Pass(kind=kind, ms=ms, canvas=canvas, prediction=prediction, label=label, labels=self.labels)
        )
        return prediction

    def on_step(self, step: int, canvas: Canvas, proposal: Proposal, decision: Decision) -> None:  # noqa: ARG002
        """What the engine made of the pass before; see `model.infill.decoding.diffusion.OnStep`."""
        done = self._passes[-1]
        done.step = DecidedStep(canvas=canvas, proposal=proposal, decision=decision, prediction=done.prediction)

    def trace(
        self,
        encoded: EncodedPrompt,
        codec: Codec,
        hypotheses: Sequence[Hypothesis],
        candidates: Sequence[Candidate],
        ranking: Ranking | None,
    ) -> Trace:
        """The history; `hypotheses` are what was compared, `candidates` the best of them in order."""
        place = {candidate.texts: n for n, candidate in enumerate(candidates)}
        parses = {candidate.texts: candidate.parses for candidate in candidates}
        around = nearby_text(encoded.pieces)
        sure = {candidate.texts: candidate.confidence for candidate in candidates}
        compared = [
            _compared(a, around, ranking, parses=parses.get(a.texts), sure=sure.get(a.texts)) for a in hypotheses
        ]
        return Trace(
            passes=tuple(
                TracePass(kind=p.kind, ms=p.ms, rows=_rows(self._passes, at, encoded, codec))
                for at, p in enumerate(self._passes)
            ),
            drafts=tuple(_compared(a, around, ranking) for a in self.drafts),
            ranking=tuple(sorted(compared, key=lambda c: (place.get(c.texts, len(place)), -c.score))),
        )


class _Watched:
    """A `CachedContext` that tells the recorder of every pass."""

    def __init__(self, inner: CachedContext, recorder: Recorder) -> None:
        self._inner, self._recorder = inner, recorder

    def denoise(self, canvas: Canvas) -> Prediction:
        return self._recorder.forward("denoise", canvas, lambda: self._inner.denoise(canvas))

    def score(self, canvas: Canvas, *, wanted: NDArray[np.bool_] | None = None) -> Prediction:
        kind: Literal["score", "write"] = "score" if wanted is None else "write"
        return self._recorder.forward(kind, canvas, lambda: self._inner.score(canvas, wanted=wanted))


def _rows(passes: Sequence[_Pass], at: int, encoded: EncodedPrompt, codec: Codec) -> tuple[TraceRow, ...]:
    done = passes[at]
    if done.step is None:
        scored = done.kind == "score"
        label = done.label if scored else _ASKED[done.kind]
        return tuple(
            TraceRow(
                label=f"{label} {row + 1}",
                holes=asked_cells(done.canvas, done.prediction, row, encoded, codec, scored=scored),
            )
            for row in range(done.canvas.rows)
        )
    # The next step of the same canvas, whatever was only looked at in between.
    later = (p.step.canvas for p in passes[at + 1 :] if p.step is not None and p.labels is done.labels)
    following = next(later, None)
    rows = done.step.canvas.rows
    named = zip_longest(done.labels[:rows], range(rows))
    return tuple(
        TraceRow(label=label or f"row {row + 1}", holes=cells_of(done.step, row, encoded, codec, following=following))
        for label, row in named
    )


def _compared(
    hypothesis: Hypothesis,
    around: Sequence[NearbyText],
    ranking: Ranking | None,
    *,
    parses: bool | None = None,
    sure: float | None = None,
) -> TraceCandidate:
    features, ranking = hypothesis.features(parses, around), ranking or Ranking()
    weights = ranking.of(features)
    parts = {name: getattr(weights, name) * value for name, value in signals(features).items()}
    return TraceCandidate(
        texts=hypothesis.texts,
        origin=hypothesis.origin,
        confidence=probabilities([features], ranking)[0] if sure is None else sure,
        score=utility(features, ranking),
        parts=tuple((name, value) for name, value in parts.items() if value),
        left_chars=features.left_chars,
        right_chars=features.right_chars,
        parses=parses,
    )
