"""Which texts of a hole will do, and where they end."""

from __future__ import annotations

import re
from dataclasses import dataclass

from model.errors import BadRequest
from model.infill.brackets import balanced_end
from model.text import PlainText
from model.types import Candidate, FillRequest, Hole

_LINE_TOKENS = 48
_LEAST_TOKENS, _MOST_TOKENS = 96, 1024
UNKNOWN_CONFIDENCE = 0.5
"""Of back ends that do not say how sure they are."""


@dataclass(frozen=True)
class ModelAnswer:
    """The text of one hole: where it ends, and whether it is what was asked for."""

    hole: Hole

    @property
    def max_tokens(self) -> int:
        """How many tokens to allow for it."""
        if self.hole.length_tokens is not None:
            return self.hole.length_tokens
        lines = self.hole.max_lines
        return _MOST_TOKENS // 2 if lines is None else min(_MOST_TOKENS, max(_LEAST_TOKENS, lines * _LINE_TOKENS))

    @property
    def stop(self) -> tuple[str, ...]:
        return ("\n",) if self.hole.max_lines == 1 else ()

    def is_complete(self, text: str) -> bool:
        """Whether nothing that comes behind `text` would be kept."""
        enough = self.hole.max_lines is not None and text.count("\n") >= self.hole.max_lines
        return enough or (self.hole.stop == "balanced" and balanced_end(text) is not None)

    def trimmed(self, text: str) -> str:
        """`text` up to where it ends."""
        text = PlainText(text)
        if self.hole.stop == "balanced":
            text = text[: balanced_end(text)]
        return text if self.hole.max_lines is None else "\n".join(text.split("\n")[: self.hole.max_lines])

    def fits(self, text: str) -> bool:
        return not self.hole.must_match or re.fullmatch(self.hole.must_match, text) is not None


def check(request: FillRequest, *, name: str, rewrites: bool) -> None:
    """Raises BadRequest for what a model that writes text alone cannot do."""
    if request.sampler != "auto" or request.steps is not None:
        raise BadRequest(f"{name} chooses its own steps: leave out --sampler and --steps")
    for hole in request.template.holes:
        if hole.strength < 1 and not rewrites:
            raise BadRequest(f"{name} cannot keep a share of the old text: use a strength of 1")
        try:
            re.compile(hole.must_match)
        except re.error as error:
            raise BadRequest(f"the pattern {hole.must_match!r} makes no sense ({error}): correct it") from None


def ranked(request: FillRequest, ways: list[tuple[str, ...]]) -> tuple[Candidate, ...]:
    """The different ways to fill the holes, the likeliest first as given; what parses and is accepted before what is not."""
    candidates = []
    holes = request.template.holes
    for texts in dict.fromkeys(ways):
        if not all(ModelAnswer(hole).fits(text) for hole, text in zip(holes, texts, strict=True)):
            continue
        parses = request.parses(texts) if request.parses else None
        wrong = request.accepts is not None and request.accepts(texts) is not None
        candidate = Candidate(
            texts=texts,
            confidences=(UNKNOWN_CONFIDENCE,) * len(texts),
            confidence=UNKNOWN_CONFIDENCE,
            parses=parses,
        )
        candidates.append(((parses is False) + wrong, candidate))
    return tuple(candidate for _, candidate in sorted(candidates, key=lambda pair: pair[0]))
