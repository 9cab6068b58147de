"""A pass over the positions of holes, behind keys and values that are kept: the step that a fill takes again and again.

Context and holes stand in a slot, whose sizes are buckets where passes are captured; what pads them is seen by nobody.
A step moves one parcel of numbers to the device and one tensor back, and waits for nothing in between.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.backends.published.networks.decoder import Decoder, Memory
from model.backends.published.passes.buckets import bucket
from model.backends.published.passes.head import Best, best_of, unpacked
from model.backends.published.passes.parcel import Ids, Parcel
from model.backends.published.passes.runner import Inputs, Replayed, Runner

Healed: TypeAlias = Sequence[Ids | None]
"""For each hole the ids, int64 [m], that it may begin with; None: any."""
MOST_SLOTS = 4
"""Kept where passes are captured for them; each takes as much memory as the keys and values of a context."""


@dataclass(kw_only=True)
class Slot:
    """Keys and values at a place that does not change: [rows, KV, tokens, D] per layer."""

    rows: int
    tokens: int
    memory: Memory
    _loaded: Callable[[], Memory | None] = lambda: None  # a weak reference: what is in use elsewhere is kept there

    def load(self, past: Memory) -> None:
        """Copy `past` (of as many rows, or of one for all) to the beginning of the slot, unless it was the last one."""
        if self._loaded() is past:
            return
        for held, given in ((self.memory.keys, past.keys), (self.memory.values, past.values)):
            for to, source in zip(held, given, strict=False):
                to[: len(to) if len(source) == 1 else len(source), :, : source.shape[2]] = source
        self._loaded = weakref.ref(past)


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """What a step computes. ids, at: int64 [B, Q], tokens and their columns. length: int64 [B], columns that are text.

    picked: int64 [n], which of the B·Q are predicted; standing: int64 [n], the ids whose probability is asked.
    which: int64 [n], row of `allowed` (bool [m, V]) that says what may stand there; None: anything may.
    """

    ids: Ids
    at: Ids
    length: Ids
    picked: Ids
    standing: Ids
    allowed: Tensor | None = None
    which: Ids | None = None


class HolePass:
    """The passes of one network. `block_tokens`: columns see their block and those before; None: all there are."""

    def __init__(self, network: Decoder, runner: Runner, *, mask_id: int, top_k: int, block_tokens: int | None) -> None:
        self.network, self.runner = network, runner
        self._mask_id, self._top_k, self._block = mask_id, top_k, block_tokens
        self._slots = OrderedDict[tuple[int, int], Slot]()

    def slot(self, rows: int, tokens: int) -> Slot:
        """A slot for so many rows and columns, to be loaded."""
        if self.runner.padded:
            rows, tokens = bucket(rows, least=1, per_octave=4), bucket(tokens, least=256, per_octave=8)
        slot = self._slots.pop((rows, tokens), None)
        if slot is None:
            while len(self._slots) >= (MOST_SLOTS if self.runner.padded else 1):
                self._drop(next(iter(self._slots)))
            slot = Slot(rows=rows, tokens=tokens, memory=self._empty(rows, tokens))
        self._slots[rows, tokens] = slot
        return slot

    def release(self) -> None:
        """Give up all that is kept: memory is short."""
        for sizes in list(self._slots):
            self._drop(sizes)

    def _drop(self, sizes: tuple[int, int]) -> None:
        del self._slots[sizes]
        if isinstance(self.runner, Replayed):
            self.runner.forget(lambda key: isinstance(key, tuple) and key[:2] == sizes)

    def _empty(self, rows: int, tokens: int) -> Memory:
        c, weight = self.network.config, self.network.embedding.weight
        made, shape = Memory(), (rows, c.kv_heads, tokens, c.head_width)
        # Zeros, not whatever was there: what nobody sees must be a number all the same.
        made.keys = [weight.new_zeros(shape) for _ in range(c.layers)]
        made.values = [weight.new_zeros(shape) for _ in range(c.layers)]
        return made

    def run(self, slot: Slot, asked: Asked) -> Best:
        """The prediction for `asked.picked`, in this order; the slot then holds what the positions computed."""
        count = len(asked.picked)
        if self.runner.padded:
            asked = _padded(asked, rows=slot.rows)
        masked = self._block is not None or bool((asked.length < slot.tokens).any())
        numbers = {name: getattr(asked, name) for name in ("ids", "at", "length", "picked", "standing")}
        if asked.which is not None:
            numbers["which"] = asked.which
        parcel, packed = Parcel.of(numbers)
        inputs = {"numbers": packed}
        if asked.allowed is not None:
            inputs["allowed"] = asked.allowed
        heals = 0 if asked.allowed is None else len(asked.allowed)
        key = (slot.rows, slot.tokens, asked.ids.shape[1], len(asked.picked), masked, heals)
        made = self.runner.run(key, lambda given: self._compute(given, parcel, slot, masked=masked), inputs)
        return unpacked(made, count)

    def _compute(self, inputs: Inputs, parcel: Parcel, slot: Slot, *, masked: bool) -> Tensor:
        """float32 [n, 2 K + 2]. Runs once where passes are captured: nothing here may look at a value."""
        given = parcel.opened(inputs["numbers"])
        at = given["at"]
        sees = self._sees(at, given["length"], slot.tokens) if masked else None
        states = self.network.states(given["ids"], sees=sees, memory=slot.memory, at=at)
        return best_of(
            self.network,
            states.flatten(0, 1).index_select(0, given["picked"]),
            given["standing"],
            mask_id=self._mask_id,
            top_k=self._top_k,
            allowed=inputs.get("allowed"),
            which=given.get("which"),
        )

    def _sees(self, at: Tensor, length: Tensor, tokens: int) -> Tensor:
        """Bool [B, 1, Q or 1, T]: the text's columns; with blocks, those of the own one and of those before."""
        column = torch.arange(tokens, device=at.device)
        there = column < length.view(-1, 1, 1, 1)
        if self._block is None:
            return there
        return there & (at.view(len(at), 1, -1, 1) // self._block >= column // self._block)


def _padded(asked: Asked, *, rows: int) -> Asked:
    """The same in bucket sizes: rows and positions that are there once more (what is written twice is the same)."""
    positions = bucket(asked.ids.shape[1], least=16, per_octave=4)
    picked = bucket(len(asked.picked), least=16, per_octave=1)
    width = asked.ids.shape[1]

    def wide(values: Ids) -> Ids:
        more = np.concatenate([values, np.repeat(values[:, :1], positions - width, axis=1)], axis=1)
        return np.concatenate([more, np.repeat(more[:1], rows - len(more), axis=0)])

    def long(values: Ids) -> Ids:
        return np.concatenate([values, np.zeros(picked - len(values), dtype=np.int64)])

    row, place = np.divmod(asked.picked, width)
    return Asked(
        ids=wide(asked.ids),
        at=wide(asked.at),
        length=np.concatenate([asked.length, np.repeat(asked.length[:1], rows - len(asked.length))]),
        picked=long(row * positions + place),
        standing=long(asked.standing),
        allowed=asked.allowed,
        which=None if asked.which is None else long(asked.which),
    )


def allowed_table(healed: Healed, vocab_size: int, device: torch.device) -> Tensor | None:
    """Bool [1 + holes that heal, V]: row 0 allows everything, each other the tokens of such a hole; None if none heals."""
    sets = [tokens for tokens in healed if tokens is not None]
    if not sets:
        return None
    table = np.zeros((1 + len(sets), vocab_size), dtype=bool)
    table[0] = True
    for row, tokens in enumerate(sets, start=1):
        table[row, tokens] = True
    return torch.from_numpy(table).to(device)


def rows_of_table(healed: Healed) -> NDArray[np.int64]:
    """int64 [H]: the row of `allowed_table` for the first position of each hole."""
    heals = np.array([tokens is not None for tokens in healed], dtype=np.int64)
    return np.where(heals > 0, np.cumsum(heals), 0)
