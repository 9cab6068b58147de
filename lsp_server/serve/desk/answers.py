"""Answers that were given lately, for clients that ask the same again; bounded in number and bytes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TypeAlias

from lsp_server.serve.ask import Answer

Key: TypeAlias = tuple[str, bytes]
_MOST_ENTRIES, _MOST_BYTES = 1024, 4 << 20


class Answers:
    """By user and digest of the ask. No text of a request is held, answers are."""

    def __init__(self, *, most_entries: int = _MOST_ENTRIES, most_bytes: int = _MOST_BYTES) -> None:
        self._made: OrderedDict[Key, Answer] = OrderedDict()
        self._bytes, self._most_entries, self._most_bytes = 0, most_entries, most_bytes

    def __len__(self) -> int:
        return len(self._made)

    @property
    def size_bytes(self) -> int:
        return self._bytes

    def find(self, key: Key) -> Answer | None:
        """The answer, marked as one that was at hand."""
        answer = self._made.get(key)
        if answer is None:
            return None
        self._made.move_to_end(key)
        return replace(answer, cached=True, queue_ms=0.0, cut_ms=0.0, prefill_ms=0.0, denoise_ms=0.0, total_ms=0.0)

    def put(self, key: Key, answer: Answer) -> None:
        """Remember an answer; the least recently used is forgotten when it gets too much."""
        self._forget(key)
        self._made[key] = answer
        self._bytes += _size(answer)
        while len(self._made) > self._most_entries or self._bytes > self._most_bytes:
            self._forget(next(iter(self._made)))

    def _forget(self, key: Key) -> None:
        answer = self._made.pop(key, None)
        if answer is not None:
            self._bytes -= _size(answer)


def _size(answer: Answer) -> int:
    return 500 + sum(200 + sum(len(text.encode("utf-8", "replace")) for text in c.texts) for c in answer.candidates)
