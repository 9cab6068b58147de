"""Which texts of other files drafts are looked for in: those most like what stands around the holes, within a budget."""

from __future__ import annotations

import math
import re
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from itertools import chain

_WORD = re.compile(r"[^\W\d]\w{2,}")
NEAR_BEFORE_CHARS, NEAR_AFTER_CHARS = 1500, 1000
MOST_FILES = 8
MOST_CHARS = 200_000
"""In all. Twice as much found one more right draft in two hundred holes, and searching takes 6 ms per 100,000."""
KEPT_CHARS = 4_000_000
"""Of texts whose words are remembered."""


class OtherFiles:
    """Chooses among texts of other files, and remembers the words of those that it has seen lately."""

    def __init__(self) -> None:
        self._words: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._chars = 0

    def most_similar(self, texts: Iterable[str], pieces: Sequence[str]) -> tuple[str, ...]:
        """Up to `MOST_FILES` of `texts` that share most rare words with what stands near the holes between `pieces`.

        A word counts by how few of the texts have it (inverse document frequency); long texts, which have more of
        any words, count a little less. Of equals the first comes first.
        """
        words = {text: self._words_of(text) for text in texts if len(text) <= MOST_CHARS}
        near = _near(pieces)
        shared = {text: near & found for text, found in words.items()}
        holders = Counter(chain.from_iterable(shared.values()))
        rarity = {word: math.log1p(len(words) / count) for word, count in holders.items()}

        def value(text: str) -> float:
            length = 1 + 0.15 * math.log(max(1.0, len(words[text]) / 100))
            return math.fsum(map(rarity.__getitem__, shared[text])) / length

        chosen: list[str] = []
        chars = 0
        for text in sorted(words, key=value, reverse=True):
            if len(chosen) < MOST_FILES and chars + len(text) <= MOST_CHARS and shared[text]:
                chosen.append(text)
                chars += len(text)
        return tuple(chosen)

    def _words_of(self, text: str) -> frozenset[str]:
        known = self._words.get(text)
        if known is None:
            known = self._words[text] = frozenset(_WORD.findall(text))
            self._chars += len(text)
            while self._chars > KEPT_CHARS and len(self._words) > 1:
                self._chars -= len(self._words.popitem(last=False)[0])
        else:
            self._words.move_to_end(text)
        return known


def _near(pieces: Sequence[str]) -> set[str]:
    """The words that stand close before or after a hole."""
    before = (piece[-NEAR_BEFORE_CHARS:] for piece in pieces[:-1])
    after = (piece[:NEAR_AFTER_CHARS] for piece in pieces[1:])
    return {word for text in (*before, *after) for word in _WORD.findall(text)}
