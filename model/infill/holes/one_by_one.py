"""Several holes, and holes that keep part of their text, for a network that writes one hole from left to right.

Holes are filled in the order of the file, earlier fills standing in their places. Tied holes take the text of the first
of them. A rewriting is compared with the text that stood there, and keeps it unless something else is likelier.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Protocol

from model.types import (
    Budget,
    Cancelled,
    Candidate,
    DraftToken,
    Fill,
    FillEvent,
    FillRequest,
    Hole,
    OnEvent,
    Span,
    Template,
)

SPARE_CANDIDATES = 4
"""A rewriting asks for this many candidates beyond those that it needs: some change too much."""


class FillOne(Protocol):
    """Fills a request with one plain hole."""

    def __call__(self, request: FillRequest, *, cancelled: Cancelled, on_event: OnEvent | None) -> Fill: ...


def needs_one_by_one(request: FillRequest) -> bool:
    """Whether the request is more than one hole to be filled anew."""
    return len(request.template.holes) > 1 or _rewrites(request.template.holes[0])


def alone(template: Template, hole: int, *, texts: Sequence[str]) -> Template:
    """Hole number `hole` as the only one, the others filled with `texts`."""
    before = "".join(piece + text for piece, text in zip(template.pieces[:hole], texts, strict=False))
    after = "".join(t + p for t, p in zip(texts[hole + 1 :], template.pieces[hole + 2 :], strict=True))
    pieces = (before + template.pieces[hole], template.pieces[hole + 1] + after)
    return Template(pieces=pieces, holes=(template.holes[hole],))


def one_by_one(
    request: FillRequest,
    fill_one: FillOne,
    *,
    clock: Callable[[], float],
    cancelled: Cancelled,
    on_event: OnEvent | None,
) -> Fill:
    """Fill the holes of `request` in order; candidates differ in the first hole that has several."""
    started = clock()
    ways = [_Way(texts=_standing(request.template.holes))]
    spent = _Spent()
    for h, hole in enumerate(request.template.holes):
        first = next(e for e, other in enumerate(request.template.holes) if e == h or _tied(other, hole))
        if first < h:
            ways = [way.filled(h, way.texts[first], way.confidences[first]) for way in ways]
            continue
        longer = list[_Way]()
        for way in ways:
            wanted = max(1, request.candidates - len(ways) + 1) if way is ways[0] else 1
            budget = _left(request.budget, spent.passes, clock() - started)
            asked = replace(_asked(request, h, way, wanted=wanted), budget=budget)
            seen = on_event if way is ways[0] else None  # a viewer follows one candidate, the leading one
            telling = _telling(seen, request.template.holes, way, h)
            fill = fill_one(asked, cancelled=cancelled, on_event=telling)
            spent.add(fill)
            if fill.stopped == "cancelled":
                return spent.fill((), stopped="cancelled")
            longer += [way.filled(h, c.texts[0], c.confidence) for c in _rewritten(hole, fill.candidates)[:wanted]]
        if not longer:
            return spent.fill((), stopped=spent.stopped)
        ways = longer[: request.candidates]
    candidates = _in_order(request, [way.candidate(request) for way in ways])
    return spent.fill(candidates, stopped=spent.stopped)


@dataclass(frozen=True, kw_only=True)
class _Way:
    """The texts of all holes as far as they are known, and how likely those are."""

    texts: tuple[str, ...]
    confidences: tuple[float, ...] = ()

    def filled(self, hole: int, text: str, confidence: float) -> _Way:
        texts = (*self.texts[:hole], text, *self.texts[hole + 1 :])
        return _Way(texts=texts, confidences=(*self.confidences, confidence))

    def candidate(self, request: FillRequest) -> Candidate:
        return Candidate(
            texts=self.texts,
            confidences=self.confidences,
            confidence=math.prod(self.confidences),
            parses=request.parses(self.texts) if request.parses else None,
        )


@dataclass(kw_only=True)
class _Spent:
    """What the fills of single holes took together."""

    passes: int = 0
    tokens: int = 0
    prefill_ms: float = 0.0
    denoise_ms: float = 0.0
    stopped: str = "done"

    def add(self, fill: Fill) -> None:
        self.passes += fill.forward_passes
        self.tokens += fill.tokens
        self.prefill_ms += fill.prefill_ms
        self.denoise_ms += fill.denoise_ms
        if fill.stopped != "done":
            self.stopped = fill.stopped

    def fill(self, candidates: tuple[Candidate, ...], *, stopped: str) -> Fill:
        return Fill(
            candidates=candidates,
            forward_passes=self.passes,
            tokens=self.tokens,
            prefill_ms=self.prefill_ms,
            denoise_ms=self.denoise_ms,
            stopped=stopped,  # type: ignore[arg-type]  # one of those that a Fill had
        )


def _rewrites(hole: Hole) -> bool:
    return hole.strength < 1 and bool(hole.old_text.strip())


def _tied(other: Hole, hole: Hole) -> bool:
    return bool(hole.tie) and other.tie == hole.tie


def _standing(holes: Sequence[Hole]) -> tuple[str, ...]:
    """What stands in the holes until they are filled: the old text where it is rewritten, else nothing."""
    return tuple(hole.old_text if _rewrites(hole) else "" for hole in holes)


def _asked(request: FillRequest, h: int, way: _Way, *, wanted: int) -> FillRequest:
    hole = request.template.holes[h]
    rewrites = _rewrites(hole)
    plain = replace(hole, tie="", strength=1.0, max_lines=_lines(hole) if rewrites else hole.max_lines)
    template = alone(request.template, h, texts=way.texts)
    accepts, parses = request.accepts, request.parses

    def whole(texts: tuple[str, ...]) -> tuple[str, ...]:
        return (*way.texts[:h], texts[0], *way.texts[h + 1 :])

    def accepted(texts: tuple[str, ...]) -> tuple[Span, ...] | None:
        assert accepts is not None
        spans = accepts(whole(texts))
        return None if spans is None else tuple(replace(span, hole=0) for span in spans if span.hole == h)

    return replace(
        request,
        template=replace(template, holes=(plain,)),
        candidates=wanted + (SPARE_CANDIDATES if rewrites else 0),
        accepts=accepted if accepts else None,
        parses=(lambda texts: parses(whole(texts))) if parses else None,
        trace=False,
    )


def _lines(hole: Hole) -> int | None:
    """A rewriting has as many lines as the old text has."""
    return hole.max_lines or hole.old_text.count("\n") + 1


def _rewritten(hole: Hole, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates; of a rewriting those that keep enough of the old text, and that text before what is less likely."""
    if not _rewrites(hole):
        return list(candidates)
    old = next((c for c in candidates if c.texts[0].strip() == hole.old_text.strip()), None)
    known = old.confidence if old else 0.0
    kept = [c for c in candidates if c is not old and c.confidence > known and _changed(hole, c) <= hole.strength]
    stays = Candidate(texts=(hole.old_text,), confidences=(known,), confidence=known, parses=None)
    return [*kept, stays]


def _changed(hole: Hole, candidate: Candidate) -> float:
    """The share of the old text that the candidate does not keep, in [0, 1]."""
    matcher = SequenceMatcher(None, hole.old_text, candidate.texts[0], autojunk=False)
    same = sum(block.size for block in matcher.get_matching_blocks())
    return 1 - same / max(len(hole.old_text), 1)


def _left(budget: Budget, passes: int, seconds: float) -> Budget:
    """What is left of the budget; a little at least, so that every hole gets something."""
    time_left = None if budget.max_time_s is None else max(budget.max_time_s - seconds, 0.01)
    passes_left = None if budget.max_forward_passes is None else max(budget.max_forward_passes - passes, 1)
    return Budget(max_time_s=time_left, max_forward_passes=passes_left)


def _telling(on_event: OnEvent | None, holes: Sequence[Hole], way: _Way, h: int) -> OnEvent | None:
    """Tell of hole h's fill as of one of several: those before it are decided, those behind it masked."""
    if on_event is None:
        return None
    before = tuple(
        (DraftToken(text=text, confidence=confidence, open=False),) if text else ()
        for text, confidence in zip(way.texts, way.confidences, strict=False)
    )
    behind = tuple(hole.masked for hole in holes[h + 1 :])

    def told(event: FillEvent) -> None:
        on_event(replace(event, holes=(*before, event.holes[0], *behind)))

    return told


def _in_order(request: FillRequest, candidates: list[Candidate]) -> tuple[Candidate, ...]:
    """Accepted candidates first."""
    accepts = request.accepts
    if accepts is None:
        return tuple(candidates)
    return tuple(sorted(candidates, key=lambda c: accepts(c.texts) is not None))
