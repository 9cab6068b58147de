"""Token healing: which tokens may come next while the text must still begin with given bytes.

A prompt that ends in the middle of what would be one token (`x = self.val`) makes the next token improbable. So the
prompt ends before the last word, and the hole must begin with it: by one token that begins with the word, or by several
that spell it. (Guidance's token healing, without its limit to one token.)
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


class Vocabulary(Protocol):
    """What healing asks of a tokenizer."""

    def token_bytes(self, token: int) -> bytes: ...

    def tokens_starting_with(self, start: bytes) -> Ids: ...

    def tokens_spelling_start_of(self, text: bytes) -> Ids: ...


class Healing:
    """The constraint that a hole's text begins with `start`."""

    def __init__(self, start: bytes, vocabulary: Vocabulary) -> None:
        self._start, self._vocabulary = start, vocabulary
        self._allowed = lru_cache(maxsize=64)(self._allowed_after)

    def allowed(self, written: Ids) -> Ids | None:
        """Ids that may follow the tokens `written`; None if any may, empty if `written` begins otherwise."""
        if not self._start:
            return None
        text = b"".join(self._vocabulary.token_bytes(int(token)) for token in written[: len(self._start)])
        if text.startswith(self._start):
            return None
        if not self._start.startswith(text):
            return np.empty(0, dtype=np.int64)
        return self._allowed(self._start[len(text) :])

    def _allowed_after(self, rest: bytes) -> Ids:
        longer = self._vocabulary.tokens_starting_with(rest)
        return np.union1d(longer, self._vocabulary.tokens_spelling_start_of(rest))
