"""Pinned text: a hole in which spans of its old text stay becomes several holes with that text between them.

So what is between two pins finds its own length, and to the network a pin is context like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from model.errors import BadRequest
from model.types import (
    Accepts,
    Candidate,
    DraftToken,
    Fill,
    FillEvent,
    FillRequest,
    Hole,
    OnEvent,
    Parses,
    Span,
    Template,
)


@dataclass(frozen=True, kw_only=True)
class Split:
    """A request without pins. `parts[h]`: what hole h of the original consists of, pinned text or number of a hole."""

    request: FillRequest
    parts: tuple[tuple[str | int, ...], ...]

    def texts(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """One text per original hole."""
        return tuple("".join(p if isinstance(p, str) else texts[p] for p in parts) for parts in self.parts)

    def fill(self, fill: Fill) -> Fill:
        return replace(fill, candidates=tuple(map(self._candidate, fill.candidates)))

    def on_event(self, on_event: OnEvent | None) -> OnEvent | None:
        """A listener for the split request that tells `on_event` of the original holes."""
        if on_event is None:
            return None

        def tokens(event: FillEvent, parts: tuple[str | int, ...]) -> Iterator[DraftToken]:
            for part in parts:
                if isinstance(part, str):
                    yield DraftToken(text=part, confidence=1.0, open=False)
                else:
                    yield from event.holes[part]

        return lambda event: on_event(replace(event, holes=tuple(tuple(tokens(event, p)) for p in self.parts)))

    def _candidate(self, candidate: Candidate) -> Candidate:
        def least(parts: tuple[str | int, ...]) -> float:
            return min((candidate.confidences[p] for p in parts if isinstance(p, int)), default=1.0)

        confidences = tuple(map(least, self.parts))
        return replace(candidate, texts=self.texts(candidate.texts), confidences=confidences)

    def _parses(self, parses: Parses) -> Parses:
        return lambda texts: parses(self.texts(texts))

    def _accepts(self, accepts: Accepts) -> Accepts:
        def judged(texts: tuple[str, ...]) -> tuple[Span, ...] | None:
            spans = accepts(self.texts(texts))
            return None if spans is None else tuple(part for span in spans for part in self._within(span, texts))

        return judged

    def _within(self, span: Span, texts: tuple[str, ...]) -> Iterator[Span]:
        """The parts of a span of the original hole's text that lie in what was filled."""
        at = 0
        for part in self.parts[span.hole]:
            length = len(part if isinstance(part, str) else texts[part])
            start, end = max(span.start - at, 0), min(span.end - at, length)
            if isinstance(part, int) and start < end:
                yield Span(hole=part, start=start, end=end)
            at += length

    @classmethod
    def of(cls, request: FillRequest) -> Split:
        """Raises BadRequest for pins that are no spans of the old text, or leave nothing to fill."""
        pieces, holes = [request.template.pieces[0]], list[Hole]()
        parts: list[tuple[str | int, ...]] = []
        for hole, following in zip(request.template.holes, request.template.pieces[1:], strict=True):
            own: list[str | int] = []
            for part in _parts(hole):
                if isinstance(part, str):
                    pieces[-1] += part
                    own.append(part)
                else:
                    own.append(len(holes))
                    holes.append(part)
                    pieces.append("")
            pieces[-1] += following
            parts.append(tuple(own))
        split = cls(
            request=replace(request, template=Template(pieces=tuple(pieces), holes=tuple(holes))), parts=tuple(parts)
        )
        wrapped = replace(
            split.request,
            parses=split._parses(request.parses) if request.parses else None,
            accepts=split._accepts(request.accepts) if request.accepts else None,
        )
        return replace(split, request=wrapped)


def _parts(hole: Hole) -> Iterator[str | Hole]:
    """Pinned texts, and holes without pins for what is between them."""
    if not hole.pinned:
        yield hole
        return
    if hole.length_tokens is not None or hole.must_match:
        raise BadRequest("a hole with pinned text has several parts: leave out its length and must_match")
    at, number, text = 0, 0, hole.old_text
    for start, end in (*hole.pinned, (len(text), len(text))):
        if not at <= start <= end <= len(text):
            raise BadRequest(f"pinned span {start}:{end} is not one of the {len(text)} characters from {at} on")
        if start > at:
            last = end == start == len(text)
            tie = f"{hole.tie}/{number}" if hole.tie else ""
            stop = hole.stop if last else ""
            yield replace(hole, old_text=text[at:start], pinned=(), tie=tie, stop=stop)
            number += 1
        if end > start:
            yield text[start:end]
        at = end
    if not number:
        raise BadRequest("all of a hole's text is pinned: leave something to fill")
