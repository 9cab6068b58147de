"""A text that stands in a hole, in tokens and in bytes, and what another word in it changes."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.infill.encoding import Codec, EncodedPrompt
from model.types import Doubt

Ids = NDArray[np.int64]
_OF_A_WORD = re.compile(rb"[\w\x80-\xff]")
_REST_OF_WORD = re.compile(rb"[\w\x80-\xff]*")


@dataclass(frozen=True, kw_only=True, eq=False)
class StandingText:
    """`data`: the bytes that the hole says, `lead` bytes of which belong to what stands before it (token healing).

    ids: int64 [n]. starts: int64 [n + 1], the byte where each token begins, and the end.
    """

    data: bytes
    lead: int
    ids: Ids
    starts: NDArray[np.int64]
    line_start: bool

    @classmethod
    def of(cls, encoded: EncodedPrompt, codec: Codec, text: str) -> StandingText:
        """The text of the one hole."""
        ids = encoded.encode(codec, 0, text)
        lengths = [len(codec.token_bytes(token)) for token in ids.tolist()]
        return cls(
            data=(encoded.partials[0] + text).encode(),
            lead=len(encoded.partials[0].encode()),
            ids=ids,
            starts=np.cumsum([0, *lengths], dtype=np.int64),
            line_start=encoded.line_starts[0],
        )

    def bytes_of(self, characters: tuple[int, int]) -> tuple[int, int]:
        """Where characters of the text (without the lead) stand in `data`."""
        text = self.data[self.lead :].decode()
        start, end = (self.lead + len(text[:at].encode()) for at in characters)
        return start, end

    def token_at(self, byte: int) -> int:
        """The token that holds the byte."""
        return int(np.searchsorted(self.starts, byte, side="right")) - 1

    def unit_end(self, token: int) -> int:
        """Where the word ends that the token ends in; the token's own end if it ends in none."""
        end = int(self.starts[token + 1])
        return self._word_end(end) if ends_in_word(self.data[:end]) else end

    def replaced(self, token: int, new: bytes, *, until: int) -> bytes:
        """The text up to byte `until` with `new` in place of the token and what of its word stands behind it."""
        return self.data[: self.starts[token]] + new + self.data[self.unit_end(token) : until]

    def doubt(self, new: bytes, *, until: int, probability: float, nats: float) -> Doubt | None:
        """The whole words in which `new` differs from the text up to byte `until`; None if in nothing but space."""
        old = self.data[:until]
        start = _common(old, new)
        end = _common(old[start:][::-1], new[start:][::-1])
        while start and _inside_word(old, start):
            start -= 1
        while end and (_inside_word(old, len(old) - end) or _inside_word(new, len(new) - end)):
            end -= 1
        said, instead = old[start : len(old) - end], new[start : len(new) - end]
        if b"".join(said.split()) == b"".join(instead.split()) or start < self.lead:
            return None
        try:
            first, text = len(old[self.lead : start].decode()), instead.decode()
            last = first + len(said.decode())
        except UnicodeDecodeError:  # a token of half a character
            return None
        return Doubt(start=first, end=last, instead=text, probability=probability, nats=nats)

    def _word_end(self, at: int) -> int:
        found = _REST_OF_WORD.match(self.data, at)
        assert found is not None, "the expression matches nothing, too"
        return found.end()


def ends_in_word(data: bytes) -> bool:
    """Whether the last byte belongs to a word."""
    return _OF_A_WORD.match(data[-1:]) is not None


def starts_in_word(data: bytes) -> bool:
    """Whether the first byte belongs to a word."""
    return _OF_A_WORD.match(data) is not None


def _inside_word(data: bytes, at: int) -> bool:
    return 0 < at < len(data) and ends_in_word(data[:at]) and starts_in_word(data[at : at + 1])


def _common(a: bytes, b: bytes) -> int:
    """Length of the common beginning."""
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
