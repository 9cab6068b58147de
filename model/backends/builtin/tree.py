"""What is written into a hole, as a tree: one row of the network per beginning, with its keys, values and prediction.

A token's state depends on the context and on what stands left of it in the hole. So each beginning is computed once,
however many hypotheses share it, and its prediction is remembered: who asks again costs no forward pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.backends.builtin.runtime.rows import Outputs, Rows

Ids = NDArray[np.int64]
ROOT = 0
AHEAD_TOKENS = 12
"""Compute at most this many tokens of guesses in a pass beside the rows that are asked for: a row more costs about a tenth of a pass."""


class TokenCache(Protocol):
    """What the tree asks of a `KVCache`."""

    @property
    def scratch_tokens(self) -> int: ...

    def forward(self, rows: Rows, *, adapter: bool = False) -> Outputs: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Said:
    """The prediction of what follows one beginning.

    ids: int64 [K], log_probs: float32 [K], best first; `known` log-probabilities of further ids; full: float32 [V] where
    it was asked for.
    """

    ids: Ids
    log_probs: NDArray[np.float32]
    entropy: float
    known: dict[int, float] = field(default_factory=dict)
    full: NDArray[np.float32] | None = None

    def of(self, token: int) -> float | None:
        """The log-probability of `token`, in nats, if it is known."""
        if self.full is not None:
            return float(self.full[token])
        if token in self.known:
            return self.known[token]
        at = np.flatnonzero(self.ids == token)
        return float(self.log_probs[at[0]]) if len(at) else None


@dataclass(frozen=True, kw_only=True)
class TreeQuery:
    """Wanted: the prediction behind node `node`. `target`: an id whose log-probability is wanted, or None; full: all of them."""

    node: int
    target: int | None = None
    full: bool = False


class Tree:
    """Beginnings of one hole behind the last token of a context.

    anchor: that token, which is the root; context: how many tokens stand before it. `always`: ids whose log-probability
    is wanted of every prediction. adapter: whether the rows carry it.
    """

    def __init__(
        self, cache: TokenCache, *, anchor: int, context: int, always: Sequence[int], top: int, adapter: bool = False
    ) -> None:
        self._cache, self._context, self._top, self._adapter = cache, context, top, adapter
        self._always = np.asarray(always, dtype=np.int64)
        self._anchor = anchor
        self.passes = 0
        self._guesses: list[Ids] = []
        self._clear()

    def _clear(self) -> None:
        self._tokens, self._paths = [self._anchor], [np.zeros(1, dtype=np.int64)]
        self._children = dict[tuple[int, int], int]()
        self._computed = [False]
        self._said = dict[int, Said]()

    @property
    def room(self) -> int:
        """Nodes that still fit."""
        return self._cache.scratch_tokens - len(self._tokens)

    def guess(self, texts: Iterable[Ids]) -> None:
        """Likely texts, best first: passes look ahead along them."""
        self._guesses = [text for text in texts if len(text)]

    def reserve(self, texts: Sequence[Ids]) -> None:
        """Make room for the nodes behind `texts`; forget everything if there is too little. Raises MemoryError if there never is."""
        if self.room > sum(map(len, texts)) or self.room > self._missing(texts):
            return
        self._clear()
        if (tokens := self._missing(texts)) >= self.room:
            raise MemoryError(f"{tokens} tokens in one pass: at most {self.room - 1} fit")

    def _missing(self, texts: Sequence[Ids]) -> int:
        """How many nodes of `texts` there are not: beginnings that several share count once."""
        new = set[bytes]()
        for text in texts:
            at: int | None = ROOT
            for n, token in enumerate(text.tolist(), 1):
                at = self._children.get((at, token)) if at is not None else None
                if at is None:
                    new.add(text[:n].tobytes())
        return len(new)

    def node(self, text: Ids) -> int:
        """The node that stands behind `text`; call `reserve` before a group of these."""
        at = ROOT
        for token in text.tolist():
            at = self._child(at, token)
        return at

    def _child(self, parent: int, token: int) -> int:
        found = self._children.get((parent, token))
        if found is None:
            found = self._children[parent, token] = len(self._tokens)
            self._tokens.append(token)
            self._paths.append(np.append(self._paths[parent], found))
            self._computed.append(False)
        return found

    def said(self, asks: Sequence[TreeQuery]) -> list[Said]:
        """The predictions that are asked for, in at most one forward pass."""
        missing = [ask for ask in asks if not self._answers(ask)]
        if missing:
            self._forward(missing, [ask.node for ask in asks])
        return [self._said[ask.node] for ask in asks]

    def _answers(self, ask: TreeQuery) -> bool:
        said = self._said.get(ask.node)
        if said is None or (ask.full and said.full is None):
            return False
        return ask.target is None or said.of(ask.target) is not None

    def _forward(self, asks: Sequence[TreeQuery], live: Sequence[int]) -> None:
        targets = dict[int, list[int]]()
        for ask in asks:
            targets.setdefault(ask.node, []).extend([] if ask.target is None else [ask.target])
        ahead = self._looked_ahead(live)
        nodes = set(targets) | set(ahead)
        nodes.update(int(n) for node in list(nodes) for n in self._paths[node] if not self._computed[n])
        rows = np.array(sorted(nodes), dtype=np.int64)
        wanted = [*targets, *(node for node in ahead if node not in targets and node not in self._said)]
        outputs = self._cache.forward(
            Rows(
                ids=np.array([self._tokens[n] for n in rows], dtype=np.int64),
                positions=np.array([self._context + len(self._paths[n]) - 1 for n in rows], dtype=np.int64),
                slots=rows,
                context=np.full(len(rows), self._context, dtype=np.int64),
                sees=np.concatenate([self._paths[n] for n in rows]),
                starts=np.cumsum([0, *(len(self._paths[n]) for n in rows)], dtype=np.int64),
                wanted=np.searchsorted(rows, np.array(wanted, dtype=np.int64)),
                targets=self._targets([targets.get(node, []) for node in wanted]),
                top=self._top,
                full=any(ask.full for ask in asks),
            ),
            adapter=self._adapter,
        )
        self.passes += 1
        for n in rows:
            self._computed[n] = True
        full = {ask.node for ask in asks if ask.full}
        for w, node in enumerate(wanted):
            self._remember(node, outputs, w, targets.get(node, []), full=node in full)

    def _targets(self, of: Sequence[Sequence[int]]) -> Ids:
        """int64 [W, T]: the ids that are wanted always, then those of each row, the first one repeated to fill up."""
        width = max(map(len, of))
        own = np.zeros((len(of), width), dtype=np.int64)
        for w, ids in enumerate(of):
            own[w, : len(ids)] = ids
        return np.concatenate([np.tile(self._always, (len(of), 1)), own], axis=1)

    def _remember(self, node: int, outputs: Outputs, w: int, targets: Sequence[int], *, full: bool) -> None:
        before = self._said.get(node)
        known = dict(before.known) if before else {}
        ids = [*self._always.tolist(), *targets]
        known.update(zip(ids, outputs.targets[w].tolist(), strict=False))
        whole = outputs.full[w].copy() if full and outputs.full is not None else None
        self._said[node] = Said(
            ids=outputs.ids[w],
            log_probs=outputs.log_probs[w],
            entropy=float(outputs.entropy[w]),
            known=known,
            full=whole if whole is not None or before is None else before.full,
        )

    def _looked_ahead(self, live: Sequence[int]) -> list[int]:
        """Nodes along the guesses that go on from the live rows, best row first."""
        found = list[int]()
        if not self._guesses:
            return found
        for node in dict.fromkeys(live):
            path = [self._tokens[n] for n in self._paths[node][1:]]
            for guess in self._guesses:
                if len(guess) > len(path) and guess[: len(path)].tolist() == path:
                    at = node
                    for token in guess[len(path) :].tolist():
                        if len(found) >= AHEAD_TOKENS or self.room <= 0:
                            return found
                        at = self._child(at, token)
                        if at not in self._said:
                            found.append(at)
        return found
