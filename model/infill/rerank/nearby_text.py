"""What the text around a hole says of a candidate for it: known names, repeated neighbours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

NEAR_BEFORE_CHARS, NEAR_AFTER_CHARS = 600, 400
LINES_BEFORE, LINES_AFTER = 12, 8
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class NearbyText:
    """The text near one hole. `words` stand near it; `line_start` stands before it in its line; `lines` are its neighbours, stripped."""

    words: frozenset[str]
    line_start: str
    lines: frozenset[str]

    @classmethod
    def of(cls, before: str, after: str) -> NearbyText:
        """Of the hole between two pieces of text."""
        before, after = before[-4 * NEAR_BEFORE_CHARS :], after[: 4 * NEAR_AFTER_CHARS]
        *above, line_start = before.split("\n")
        below = after.split("\n")[1:]
        lines = [line.strip() for line in (*above[-LINES_BEFORE:], *below[:LINES_AFTER])]
        words = _WORD.findall(before[-NEAR_BEFORE_CHARS:]) + _WORD.findall(after[:NEAR_AFTER_CHARS])
        return cls(words=frozenset(words), line_start=line_start, lines=frozenset(filter(None, lines)))

    def known_words(self, text: str) -> float:
        """Share of the names in `text` that stand near the hole; 0 if it has none."""
        words = [word for word in _WORD.findall(text) if not word.isdigit()]
        return sum(word in self.words for word in words) / len(words) if words else 0.0

    def repeats(self, text: str) -> bool:
        """Whether the line that `text` completes stands near the hole already."""
        first, *more = (self.line_start + text).strip().split("\n")
        return not more and first.strip() in self.lines


def nearby_text(pieces: Sequence[str]) -> tuple[NearbyText, ...]:
    """One for each hole between the pieces."""
    return tuple(NearbyText.of(before, after) for before, after in pairwise(pieces))
