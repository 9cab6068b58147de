"""A published network that sees everything, as a `Backend`: the holes' masks stand between prefix and suffix.

Its context's keys and values depend on the holes, so a cache of them is stale as soon as a token is committed.
Exact mode recomputes everything in every pass; a dual cache (Fast-dLLM, arXiv 2505.22618, section 3.2) recomputes the
canvas alone, and everything every `refresh` passes. How far that drifts is measured by `dlm-fill bench drift`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.backend import CachedContext, Context, ModelSpec, Prediction
from model.backends.published.layout import PADDING, Ids, Laid, lay
from model.backends.published.networks.decoder import Decoder, Memory
from model.backends.published.passes.hole_pass import Asked, HolePass, allowed_table
from model.backends.published.passes.room import sizes_told
from model.backends.published.passes.runner import Runner, runner_for
from model.backends.published.prediction import Starts, Wanted, healed_tokens, predict, together
from model.canvas import Canvas

SCORE_FOLDS = 2


@dataclass(kw_only=True)
class _Snapshot:
    """Keys and values of the last full pass over some rows, and how many passes have used them."""

    laid: Laid
    memory: Memory
    age: int = 1


class SequencePrefilled(CachedContext):
    """One context; see `CachedContext`. Nothing is computed before the first canvas is known."""

    def __init__(
        self, step: HolePass, spec: ModelSpec, context: Context, *, codec: Starts | None, refresh: int
    ) -> None:
        self._network, self._step = step.network, step
        self._spec, self._context, self._refresh = spec, context, refresh
        self._healed = healed_tokens(context.starts_with, codec)
        self._allowed = allowed_table(self._healed, spec.vocab_size, step.network.device)
        self._snapshot: _Snapshot | None = None

    @torch.no_grad()
    def denoise(self, canvas: Canvas) -> Prediction:
        """See `CachedContext.denoise`; only open positions are predicted."""
        return self._predict(canvas, canvas.open, laid=lay(self._context.pieces, canvas), recall=True)

    @torch.no_grad()
    def score(self, canvas: Canvas, *, wanted: NDArray[np.bool_] | None = None) -> Prediction:
        """As `CachedContext.score`, but each token is given all others except half of its hole: two exact passes.

        A network that sees everything has no left-to-right score.
        """
        wanted = canvas.used if wanted is None else canvas.used & wanted
        made: Prediction | None = None
        for fold in range(SCORE_FOLDS):
            hidden = wanted & (canvas.left_of(canvas.used) % SCORE_FOLDS == fold)
            shown = replace(canvas, open=canvas.open | hidden)
            part = self._predict(canvas, hidden, laid=lay(self._context.pieces, shown), recall=False)
            made = part if made is None else together(made, part)
        assert made is not None
        return made

    def _predict(self, canvas: Canvas, where: NDArray[np.bool_], *, laid: Laid, recall: bool) -> Prediction:
        rows, tokens = laid.ids.shape
        with sizes_told(self._network.device, rows=rows, tokens=tokens, release=self._release):
            return self._predicted(canvas, where, laid=laid, recall=recall)

    def _release(self) -> None:
        self._snapshot = None
        self._step.release()

    def _predicted(self, canvas: Canvas, where: NDArray[np.bool_], *, laid: Laid, recall: bool) -> Prediction:
        wanted = Wanted.of(canvas, where)
        columns = laid.at[wanted.row, wanted.column]
        if self._spec.shift:
            columns = np.maximum(columns - 1, 0)
        snapshot = self._recalled(laid) if recall else None
        if snapshot is not None:
            return self._partial(laid, snapshot, canvas, wanted, columns)
        states = self._full(laid, remember=recall and self._refresh > 1)
        row, column = torch.from_numpy(np.stack([wanted.row, columns])).to(states.device)
        picked = states[row, column]
        return predict(
            self._network,
            picked,
            wanted,
            mask_id=self._spec.mask_id,
            top_k=self._spec.top_k,
            healed=self._healed,
        )

    def _full(self, laid: Laid, *, remember: bool) -> Tensor:
        """States [B, T, width] of everything; equal rows are computed once."""
        ids, back = np.unique(laid.ids, axis=0, return_inverse=True)
        length = np.zeros(len(ids), dtype=np.int64)
        length[back.ravel()] = laid.length
        memory = Memory() if remember else None
        states = self._network.states(
            self._tokens(ids), sees=self._sees(length, ids.shape[1]) if laid.padded else None, memory=memory
        )
        if len(ids) == len(laid.ids) == 1:
            if memory is not None:
                self._snapshot = _Snapshot(laid=laid, memory=memory)
            return states
        index = torch.from_numpy(back.ravel()).to(states.device)
        if memory is not None:
            self._snapshot = _Snapshot(laid=laid, memory=memory.rows(index))
        return states[index]

    def _recalled(self, laid: Laid) -> _Snapshot | None:
        """The snapshot for these rows, each that of the most similar earlier row; None if a full pass is due."""
        last = self._snapshot
        if self._refresh == 1 or last is None or last.age >= self._refresh:
            return None
        if laid.ids.shape[1] != last.laid.ids.shape[1]:
            return None
        same = (laid.counts[:, None] == last.laid.counts[None]).all(axis=2)
        if not same.any(axis=1).all():
            return None
        differing = (laid.ids[:, None] != last.laid.ids[None]).sum(axis=2)
        row = np.where(same, differing, np.iinfo(np.int64).max).argmin(axis=1)
        if len(row) != len(last.laid.ids) or (row != np.arange(len(row))).any():
            memory = last.memory.rows(torch.from_numpy(row).to(self._network.device))
            last = _Snapshot(laid=laid, memory=memory, age=last.age)
        last.age += 1
        self._snapshot = last
        return last

    def _partial(self, laid: Laid, snapshot: _Snapshot, canvas: Canvas, wanted: Wanted, columns: Ids) -> Prediction:
        """What is wanted, computing the canvas's columns alone (and those that predict its first)."""
        asked = np.zeros(laid.ids.shape, dtype=bool)
        row, column = np.nonzero(canvas.used)
        asked[row, laid.at[row, column]] = True
        if self._spec.shift:  # always, so that what is cached does not depend on what else was asked
            asked[row, np.maximum(laid.at[row, column] - 1, 0)] = True
        width = int(asked.sum(axis=1).max())
        # Rows that ask for fewer columns ask for one of them again: what is written twice is the same.
        order = np.argsort(~asked, axis=1, kind="stable")[:, :width]
        order = np.where(np.take_along_axis(asked, order, axis=1), order, order[:, :1])
        place = np.zeros(laid.ids.shape, dtype=np.int64)
        np.put_along_axis(place, order, np.broadcast_to(np.arange(width), order.shape), axis=1)
        slot = self._step.slot(*laid.ids.shape)
        slot.load(snapshot.memory)
        best = self._step.run(
            slot,
            Asked(
                ids=np.take_along_axis(laid.ids, order, axis=1),
                at=order,
                length=laid.length,
                picked=wanted.row * width + place[wanted.row, columns],
                standing=wanted.standing,
                allowed=self._allowed,
                which=None if self._allowed is None else wanted.which(self._healed),
            ),
        )
        return wanted.prediction(best)

    def _tokens(self, ids: Ids) -> Tensor:
        return torch.from_numpy(np.where(ids == PADDING, 0, ids)).to(self._network.device)

    def _sees(self, length: Ids, width: int) -> Tensor:
        """Bool [B, 1, 1, T]: no position sees the padding."""
        there = np.arange(width) < length[:, None]
        return torch.from_numpy(there).to(self._network.device)[:, None, None]


class SequenceBackend:
    """A bidirectional network with its weights on one device; see `Backend`. `refresh` 1 is exact."""

    def __init__(
        self,
        network: Decoder,
        spec: ModelSpec,
        *,
        codec: Starts | None = None,
        refresh: int = 1,
        runner: Runner | None = None,
    ) -> None:
        self._network, self._codec, self._refresh = network, codec, refresh
        self.spec = spec
        self._step = HolePass(
            network, runner or runner_for(network.device), mask_id=spec.mask_id, top_k=spec.top_k, block_tokens=None
        )

    @property
    def device(self) -> str:
        """Where the weights are, as torch names it."""
        return str(self._network.device.type)

    def prefill(self, context: Context, *, reuse: CachedContext | None = None) -> CachedContext:  # noqa: ARG002
        """See `Backend.prefill`. Nothing can be reused: what the context computes depends on the hole."""
        return SequencePrefilled(self._step, self.spec, context, codec=self._codec, refresh=self._refresh)
