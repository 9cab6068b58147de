"""The built-in model as a `Backend`: prompts, and contexts that stay read from one request to the next."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.backend import CachedContext, Context, ModelSpec
from model.backends.builtin.cached_context import CausalContext
from model.backends.builtin.healing import Healing, Vocabulary
from model.backends.builtin.prompt import FimTokens, prompt
from model.backends.builtin.tree import TokenCache, Tree

Ids = NDArray[np.int64]
CONTEXTS = 3
"""Documents whose context stays read, unless `CausalBackend.contexts` is set; the one that was used longest ago makes room."""
FAMILIAR_SHARE = 0.25
"""A context that shares at least this much of its prompt with a new one is read on; below that the new one gets a cache of its own."""
TOKENS_PER_SECOND = 1000.0
"""How fast a context is taken to be read until that has been measured: a laptop's two cores."""
MEASURED_TOKENS = 32
"""Shorter readings say little of longer ones: their time is not counted."""
TOP = 32
"""Likeliest tokens kept of every prediction."""


class Readable(TokenCache, Protocol):
    """What the back end asks of a `KVCache`."""

    @property
    def ids(self) -> Ids: ...

    def read(self, ids: Ids, *, stop: Callable[[], bool]) -> bool: ...


class CausalBackend:
    """A network that writes from left to right, told of both sides of the hole; see `Backend`.

    cache: makes an empty KV cache. specials: ids of special tokens, all of which end a fill. adapter: every row behind the
    context carries the low-rank adapter, the anchor too, so that what is searched and what is scored agree.
    """

    def __init__(
        self,
        cache: Callable[[], Readable],
        vocabulary: Vocabulary,
        *,
        spec: ModelSpec,
        fim: FimTokens,
        specials: tuple[int, ...],
        adapter: bool = False,
        device: str = "cpu",
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        assert spec.end_of_hole_id is not None
        self.spec, self.device, self._clock = spec, device, clock
        self._token_s = 1 / TOKENS_PER_SECOND
        self._new_cache, self._vocabulary, self._fim, self._specials = cache, vocabulary, fim, specials
        self._end_id = spec.end_of_hole_id
        self._adapter = adapter
        self.contexts = CONTEXTS
        self._caches: list[Readable] = []

    def read(self, context: Context, *, stop: Callable[[], bool]) -> bool:
        """Read the context until `stop` says so; what was read stays. True when all of it has been read."""
        ids = prompt(context, self._fim)
        cache, began = self._cache_for(ids), self._clock()
        before = _common(cache.ids, ids)
        whole = cache.read(ids[:-1], stop=stop)
        tokens = len(cache.ids) - before
        if tokens >= MEASURED_TOKENS:
            self._token_s = (self._clock() - began) / tokens
        return whole

    def prefill(self, context: Context, *, reuse: CachedContext | None = None) -> CausalContext:  # noqa: ARG002
        """See `Backend.prefill`. `reuse` is not needed: caches are found by what they have read."""
        ids = prompt(context, self._fim)
        cache = self._cache_for(ids)
        cache.read(ids[:-1], stop=lambda: False)
        anchor, specials = int(ids[-1]), self._specials
        tree = Tree(cache, anchor=anchor, context=len(ids) - 1, always=specials, top=TOP, adapter=self._adapter)
        healing = Healing(context.starts_with[0], self._vocabulary)
        return CausalContext(tree, healing, specials=self._specials, end_id=self._end_id, top=self.spec.top_k)

    def unread(self, context: Context) -> int:
        """How many tokens of the context have not been read."""
        ids = prompt(context, self._fim)[:-1]
        return len(ids) - max((_common(cache.ids, ids) for cache in self._caches), default=0)

    def unread_s(self, context: Context) -> float:
        """See `ReadsAhead.unread_s`."""
        return self.unread(context) * self._token_s

    def _cache_for(self, ids: Ids) -> Readable:
        """The cache that has read most of `ids`, or one to read them; it becomes the latest used."""
        shared = [_common(cache.ids, ids) for cache in self._caches]
        best = int(np.argmax(shared)) if shared else -1
        if best < 0 or shared[best] < FAMILIAR_SHARE * len(ids):
            cache = self._new_cache() if len(self._caches) < self.contexts else self._caches.pop(0)
        else:
            cache = self._caches.pop(best)
        self._caches.append(cache)
        return cache


def _common(a: Ids, b: Ids) -> int:
    """Length of the common start."""
    n = min(len(a), len(b))
    differs = np.flatnonzero(a[:n] != b[:n])
    return int(differs[0]) if len(differs) else n
