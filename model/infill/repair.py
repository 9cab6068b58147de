"""Repair: of a fill that is not accepted, the offending part is denoised anew, in a few ways at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.backend import ModelSpec
from model.canvas import Canvas, Decision
from model.errors import BadRequest
from model.infill.brackets import NEAR_CHARACTERS, unmatched
from model.infill.encoding import Codec, EncodedPrompt
from model.infill.holes.ties import Ties
from model.infill.hypothesis import Hypothesis, acceptable, merged
from model.pairs import CLOSER_OF
from model.types import TEMPERATURE, Accepts, Hole, Span

Order: TypeAlias = Callable[[Sequence[Hypothesis]], list[int]]
"""Indices of hypotheses, best first."""
Again: TypeAlias = Callable[[Hypothesis, Sequence[Span], int], list[Hypothesis]]
Close: TypeAlias = Callable[[Hypothesis], Hypothesis | None]
MOST_JUDGED, MOST_CLOSED = 24, 8
ROUNDS = 2
"""How often at most the best fill is repaired; then the next candidate has to do."""
WAYS = ((0, False, 0.0), (1, False, 0.0), (0, True, 0.0), (0, True, TEMPERATURE))
"""Places added to the span; whether all that follows is decided anew too; temperature."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Rework:
    """Rows to denoise: the canvas, bool [B, H] which holes' ends are given, float32 [B] the rows' temperatures."""

    canvas: Canvas
    ended: NDArray[np.bool_]
    temperature: NDArray[np.float32]


def judge(holes: Sequence[Hole], accepts: Accepts | None) -> Accepts | None:
    """What `accepts` says, asked once per text and only of texts that match what the holes demand; None: no demands.

    Raises BadRequest for a `must_match` that is no regular expression.
    """
    try:
        patterns = [re.compile(hole.must_match) if hole.must_match else None for hole in holes]
    except re.error as error:
        raise BadRequest(f"must_match is no regular expression: {error}") from error
    if accepts is None and not any(patterns):
        return None

    @cache
    def judged(texts: tuple[str, ...]) -> tuple[Span, ...] | None:
        bad = [h for h, found in enumerate(patterns) if found and not found.fullmatch(texts[h])]
        wrong = tuple(Span(hole=h, start=0, end=len(texts[h])) for h in bad)
        return wrong or (accepts(texts) if accepts else None)

    return judged


def fitting(hypotheses: Sequence[Hypothesis], holes: Sequence[Hole]) -> list[Hypothesis]:
    """The texts that match what the holes demand."""
    wanted = [(h, hole.must_match) for h, hole in enumerate(holes) if hole.must_match]
    return [a for a in hypotheses if all(re.fullmatch(pattern, a.texts[h]) for h, pattern in wanted)]


def mended(
    hypotheses: list[Hypothesis],
    judged: Accepts,
    *,
    order: Order,
    again: Again,
    score: Callable[[list[Hypothesis]], list[Hypothesis]],
    close: Close,
) -> list[Hypothesis]:
    """The hypotheses, and if none of the best `MOST_JUDGED` is accepted what can be done about it.

    To take the next candidate costs no forward pass, so it comes before any repair. Then come the brackets that are
    missing at the end (`close`, `score`), then what becomes of the best one when it is denoised `again`, `ROUNDS` times.
    again: hypotheses made of one whose spans are to be decided anew, in the n-th round; none when there is no time.
    """
    for round_ in range(ROUNDS):
        best = [hypotheses[i] for i in order(hypotheses)[:MOST_JUDGED]]
        if not best or any(judged(hypothesis.texts) is None for hypothesis in best):
            break
        closed = [c for c in map(close, best[:MOST_CLOSED]) if c is not None and judged(c.texts) is None]
        if closed:
            return merged([*hypotheses, *score(closed)])
        everything = tuple(Span(hole=h, start=0, end=len(text)) for h, text in enumerate(best[0].texts))
        made = again(best[0], judged(best[0].texts) or everything, round_)
        if not made:
            break
        hypotheses = acceptable(merged([*hypotheses, *made]))
    return hypotheses


def closed(hypothesis: Hypothesis, encoded: EncodedPrompt, codec: Codec, spec: ModelSpec) -> Hypothesis | None:
    """The hypothesis, unscored, with the brackets behind it that text and surroundings leave open; None if there are none."""
    if encoded.holes != 1:
        return None
    before, after = encoded.pieces
    text = hypothesis.texts[0].rstrip()
    _, opened = unmatched(before[-NEAR_CHARACTERS:] + text)
    missing = opened[len(unmatched(after[:NEAR_CHARACTERS])[0]) :]
    if not missing or not text:
        return None
    text += "".join(CLOSER_OF[opening] for opening in reversed(missing))
    final = [] if spec.end_of_hole_id is None else [spec.end_of_hole_id]
    ids = np.append(encoded.encode(codec, 0, text), np.array(final, dtype=np.int64))
    if len(ids) > spec.canvas_tokens:
        return None
    nats = np.full(len(ids), hypothesis.log_probs[0].mean(), dtype=np.float32)
    return replace(
        hypothesis, ids=(ids,), texts=(text,), log_probs=(nats,), kept=min(hypothesis.kept, 0.5), scored=False
    )


def rework(
    hypothesis: Hypothesis,
    spans: Sequence[Span],
    encoded: EncodedPrompt,
    codec: Codec,
    spec: ModelSpec,
    *,
    sizes: Sequence[int],
    ties: Ties = (),
) -> Rework:
    """The ways to decide `spans` of the hypothesis anew: they alone, with one place more, or with all that follows them.

    sizes: how many positions a hole gets when it is decided from the span on. A checkpoint that cannot change the
    length draws instead.
    """
    spans = _with_fellows(spans, ties)
    bounds = [
        _tokens(ids, [s for s in spans if s.hole == h], encoded, codec, h) for h, ids in enumerate(hypothesis.ids)
    ]
    rows: list[list[_Part]] = []
    temperatures = []
    for more, tail, temperature in WAYS:
        if spec.end_of_hole_id is None:
            row = [_part(ids, *bound, spec) for ids, bound in zip(hypothesis.ids, bounds, strict=True)]
            temperature = 0 if not rows else TEMPERATURE  # noqa: PLW2901
        else:
            row = [
                _part(ids, *bound, spec, more=more, size=size if tail else None)
                for ids, bound, size in zip(hypothesis.ids, bounds, sizes, strict=True)
            ]
        if sum(len(part.ids) for part in row) <= spec.canvas_tokens:
            rows.append(row)
            temperatures.append(temperature)
    canvas = Canvas.decided([[part.ids for part in row] for row in rows], mask_id=spec.mask_id)
    reopen = np.zeros_like(canvas.open)
    for b, row in enumerate(rows):
        for h, part in enumerate(row):
            reopen[b, np.flatnonzero(canvas.hole[b] == h)[part.start : part.end]] = True
    nothing = Decision.nothing(canvas)
    return Rework(
        canvas=canvas.apply(replace(nothing, reopen=reopen)),
        ended=np.array([[part.ended for part in row] for row in rows], dtype=bool),
        temperature=np.array(temperatures, dtype=np.float32),
    )


@dataclass(frozen=True, eq=False)
class _Part:
    """A hole's ids, of which `start` to `end` are to be open; whether its end is given."""

    ids: NDArray[np.int64]
    start: int
    end: int
    ended: bool


def _part(
    ids: NDArray[np.int64], start: int, end: int, spec: ModelSpec, *, more: int = 0, size: int | None = None
) -> _Part:
    """The hole with `more` places more in `start:end`, or with `size` places in all, everything from `start` on open."""
    if start == end:
        return _Part(ids, 0, 0, True)
    if size is None:
        masks = np.full(end - start + more, spec.mask_id, dtype=np.int64)
        return _Part(np.concatenate([ids[:start], masks, ids[end:]]), start, start + len(masks), True)
    masks = np.full(max(size - start, end - start + 1), spec.mask_id, dtype=np.int64)
    return _Part(np.concatenate([ids[:start], masks]), start, start + len(masks), False)


def _with_fellows(spans: Sequence[Span], ties: Ties) -> list[Span]:
    """The spans, and the same ones in the holes that are tied to theirs."""
    fellows = {h: group for group in ties for h in group}
    return [replace(span, hole=h) for span in spans for h in fellows.get(span.hole, (span.hole,))]


def _tokens(
    ids: NDArray[np.int64], spans: Sequence[Span], encoded: EncodedPrompt, codec: Codec, hole: int
) -> tuple[int, int]:
    """First and last + 1 of the tokens (not the final slot) that hold characters of `spans`; equal if there are none."""
    content = ids[:-1] if len(ids) and not codec.decode(ids[-1:]) else ids
    if not spans or not len(content):
        return 0, 0
    skipped = len(encoded.partials[hole])
    at = [len(codec.decode(content[:k])) - skipped for k in range(len(content) + 1)]
    first, last = min(s.start for s in spans), max(s.end for s in spans)
    start = max(k for k in range(len(at)) if at[k] <= max(first, at[0]))
    end = min((k for k in range(len(at)) if at[k] >= last), default=len(content))
    start = min(start, len(content) - 1)
    return start, max(end, start + 1)
