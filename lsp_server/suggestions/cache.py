"""Suggestions by the state of the document they were made for, so that typing what they say needs no model.

A state is what stands before the cursor and what stands behind it. It is kept as digests: texts of the user's
documents are not held longer than the documents themselves.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from lsp_server.code.text.closers import CLOSERS, said_again
from lsp_server.suggestions.suggestion import Suggestion

_MOST_ENTRIES = 256
_MOST_BYTES = 1 << 20
_MOST_CLOSERS = 8


@dataclass(frozen=True, kw_only=True)
class State:
    """A cursor at byte `offset` of a document of `length` bytes.

    `before`: digest of what stands before it; `after[j]`: of what stands behind it from the j-th byte on, for
    all j up to the number of closers there that a suggestion may replace.
    """

    offset: int
    length: int
    before: bytes
    after: tuple[bytes, ...]

    @classmethod
    def of(cls, source: bytes, offset: int, closers: str = "") -> State:
        """The state of a cursor in `source`, with `closers` right behind it."""
        view = memoryview(source)
        behind = range(min(len(closers), _MOST_CLOSERS) + 1)
        return cls(
            offset=offset,
            length=len(source),
            before=_digest(view[:offset]),
            after=tuple(_digest(view[offset + j :]) for j in behind),
        )


@dataclass(frozen=True, kw_only=True)
class CachedSuggestions:
    """What was made for a state. `asked`: how many suggestions were asked for; `here`: it is exactly this state's."""

    suggestions: tuple[Suggestion, ...]
    asked: int
    here: bool = True


class Cache:
    """The latest suggestions, of all documents together; bounded in number and in bytes of text."""

    def __init__(self, *, most_entries: int = _MOST_ENTRIES, most_bytes: int = _MOST_BYTES) -> None:
        self._entries: OrderedDict[tuple[str, State], CachedSuggestions] = OrderedDict()
        self._bytes = 0
        self._most_entries, self._most_bytes = most_entries, most_bytes

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, uri: str, state: State, made: CachedSuggestions) -> None:
        """Remember what was made for `state`; the least recently used is forgotten when it gets too much."""
        self._forget((uri, state))
        self._entries[uri, state] = made
        self._bytes += _size(made)
        while len(self._entries) > self._most_entries or self._bytes > self._most_bytes:
            self._forget(next(iter(self._entries)))

    def find(self, uri: str, source: bytes, offset: int, *, asked: int) -> CachedSuggestions | None:
        """What is known for a cursor at `offset` of `source`, if at least `asked` suggestions were asked for then.

        What was made here (possibly nothing); else what remains of suggestions that the user has begun to type.
        """
        here = _Here(source, offset)
        remaining: tuple[tuple[str, State], CachedSuggestions] | None = None
        for key, made in reversed(self._entries.items()):
            if key[0] != uri or made.asked < asked:
                continue
            found = here.remaining(key[1], made)
            if found is not None and (found.here or (found.suggestions and remaining is None)):
                remaining = (key, found)
                if found.here:
                    break
        if remaining is None:
            return None
        self._entries.move_to_end(remaining[0])
        return remaining[1]

    def drop(self, uri: str) -> None:
        """Forget everything of one document."""
        for key in [key for key in self._entries if key[0] == uri]:
            self._forget(key)

    def _forget(self, key: tuple[str, State]) -> None:
        made = self._entries.pop(key, None)
        if made is not None:
            self._bytes -= _size(made)


class _Here:
    """A cursor, compared with the states for which suggestions were made. Digests are made when needed, once."""

    def __init__(self, source: bytes, offset: int) -> None:
        self._source, self._offset = source, offset
        self._digests: dict[tuple[int, int], bytes] = {}

    def remaining(self, state: State, made: CachedSuggestions) -> CachedSuggestions | None:
        """What `made`, for `state`, comes down to here: without what was typed since. None if something else was done."""
        source, offset = self._source, self._offset
        typed = source[state.offset : offset]
        if offset < state.offset:
            return None
        if not typed and state.length == len(source):
            return made if self._is(state, 0) else None
        going_on = [s for s in made.suggestions if s.text.encode().startswith(typed)] if typed else []
        behind, behind_then = len(source) - offset, state.length - state.offset
        if not going_on:
            return None
        if behind <= behind_then:  # perhaps closers were typed over
            over = behind_then - behind
            if over >= len(state.after) or not self._is(state, over):
                return None
            rest = _typed_on(going_on, typed, over)
        else:  # perhaps the editor has put a closer behind what was typed
            added = source[offset : offset + behind - behind_then]
            if len(added) > _MOST_CLOSERS or added.strip(CLOSERS.encode()) or not self._is(state, 0, skip=len(added)):
                return None
            rest = _typed_on(going_on, typed, 0, added=added.decode())
        return replace(made, suggestions=tuple(rest), here=False)

    def _is(self, state: State, over: int, *, skip: int = 0) -> bool:
        after = self._digest(self._offset + skip, len(self._source))
        return after == state.after[over] and self._digest(0, state.offset) == state.before

    def _digest(self, start: int, end: int) -> bytes:
        if (start, end) not in self._digests:
            self._digests[start, end] = _digest(memoryview(self._source)[start:end])
        return self._digests[start, end]


def _typed_on(suggestions: Iterable[Suggestion], typed: bytes, over: int, *, added: str = "") -> Iterable[Suggestion]:
    """What remains to be typed of each; `over` closers were typed over, `added` ones stand behind the cursor anew."""
    for suggestion in suggestions:
        # A suggestion that begins like what was typed is cut where that ends, never inside a character.
        text = suggestion.text.encode()[len(typed) :].decode()
        if not text.strip() or said_again(text, added) != len(added):
            continue
        replaces = max(suggestion.replaces - over, 0) + len(added)
        yield replace(suggestion, text=text, replaces=replaces)


def _digest(part: memoryview) -> bytes:
    return hashlib.blake2b(part, digest_size=16).digest()


def _size(made: CachedSuggestions) -> int:
    return 200 + sum(len(s.text.encode()) + 100 for s in made.suggestions)
