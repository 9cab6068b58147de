"""The plug between the engine and a network: context in, per-position predictions out.

The engine and the samplers see small NumPy arrays only; logits, tensors and devices stay behind
`Backend`. So the same loop drives torch on a GPU, a CPU runtime, and hand-written tables in tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from model.canvas import Canvas


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a model can do, and what pays with it: the decoder is chosen by this.

    `scores`: `CachedContext.score` is the exact left-to-right score; otherwise it is an approximation.
    `denoises`: False for a network that only writes from left to right; it fills several holes one after the other.
    `beam`: how many rows its left-to-right search keeps for a single hole (0: it denoises only; what pays is measured for
    each model); hypotheses more than `margin_nats` below the best one leave the search.
    `sampler`: what `auto` means for it. `keeps_up`: on this machine it is fast enough for who just types.
    """

    scores: bool = True
    denoises: bool = True
    beam: int = 0
    margin_nats: float = float("inf")
    sampler: str = "auto"
    keeps_up: bool = True


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """Sizes and tokens of a checkpoint. Token ids come from here, never from a constant.

    `canvas_tokens`: the most tokens that all holes of one request may take together.
    `end_of_hole_id` is None for checkpoints that cannot choose a length by ending a hole.
    `expand_id`, `delete_id`: a position that takes the one becomes two masks, the other removes it (DreamOn); they
    stand for no text; `delete_spreads`: a deletion takes along what is open right of it in its hole.
    `shift`: the network's output at a position predicts the next one (what `Prediction` holds is aligned already).
    `block_tokens`: attention is causal from block to block of so many tokens (None: everything sees everything);
    such a network fills one hole, at the end of its text. `start_ids`, `end_ids`: what its text begins and ends with.
    """

    mask_id: int
    end_of_hole_id: int | None
    vocab_size: int
    context_tokens: int
    canvas_tokens: int
    top_k: int = 8
    expand_id: int | None = None
    delete_id: int | None = None
    shift: bool = False
    block_tokens: int | None = None
    start_ids: tuple[int, ...] = ()
    end_ids: tuple[int, ...] = ()
    delete_spreads: bool = True
    capabilities: Capabilities = Capabilities()


@dataclass(frozen=True, kw_only=True)
class Context:
    """Token ids around the holes: `pieces[h]` stands before hole h, `pieces[-1]` after the last.

    `starts_with[h]`: bytes that the text of hole h must begin with (token healing: the part of an
    identifier that the tokenizer would have joined with what follows; it is not in `pieces[h]`).
    """

    pieces: tuple[NDArray[np.int64], ...]
    starts_with: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the network says of a canvas, for every position (rows and columns as in the canvas).

    ids: int64 [B, L, K], the K most probable tokens, best first; never the mask token.
    probs: float32 [B, L, K], their probabilities.
    entropy: float32 [B, L], nats, of the full distribution.
    current: float32 [B, L], log-probability of the id that stands in the canvas (0 where it is the mask).
    passes: forward passes that this took; 0 where everything was remembered.
    """

    ids: NDArray[np.int64]
    probs: NDArray[np.float32]
    entropy: NDArray[np.float32]
    current: NDArray[np.float32]
    passes: int = 1


class CachedContext(Protocol):
    """The context's keys and values, held by one request; exact for the built-in model.

    Any number of canvases, of any batch size, may be denoised over one of these.
    """

    def denoise(self, canvas: Canvas) -> Prediction:
        """One forward pass in which every hole position sees the context and all hole positions of its row.

        Only positions in `canvas.open` need a prediction; others may be left 0.
        """
        ...

    def score(self, canvas: Canvas, *, wanted: NDArray[np.bool_] | None = None) -> Prediction:
        """One forward pass in which a hole position sees the context and the positions left of it only.

        So `current` is the log-probability of each standing token given the context and what stands
        left of it: an exact left-to-right score of a draft, all positions at once. Where `Capabilities.scores` is
        False, `current` is only an approximation that may take several passes, and the engine does not ask for it.
        `wanted` bool [B, L]: every other position of the prediction may be left 0 (None: all are predicted). So may
        `entropy`, which nobody asks of a text that stands.
        """
        ...


@runtime_checkable
class LooksAhead(Protocol):
    """A `CachedContext` that computes along likely texts before anybody asks."""

    def guess(self, texts: Sequence[NDArray[np.int64]]) -> None:
        """Likely texts of the hole, best first: passes look ahead along them, so that who agrees waits for none."""
        ...


@runtime_checkable
class ReadsAhead(Protocol):
    """A `Backend` whose contexts stay read from one request to the next, and may be read before a request needs them."""

    def read(self, context: Context, *, stop: Callable[[], bool]) -> bool:
        """Read the context until `stop` says so; what was read stays. True when all of it has been read."""
        ...

    def unread_s(self, context: Context) -> float:
        """How many seconds reading what is unread of the context is going to take, by how long it took so far."""
        ...


@runtime_checkable
class KeepsContexts(Protocol):
    """A `Backend` that keeps `contexts` of them read; the one that was used longest ago makes room."""

    contexts: int


class Backend(Protocol):
    """A network with its weights on a device."""

    @property
    def spec(self) -> ModelSpec: ...

    def prefill(self, context: Context, *, reuse: CachedContext | None = None) -> CachedContext:
        """Compute the context's keys and values.

        `reuse` is an earlier result whose equal parts are kept; it may be overwritten, so it is not to be used again.
        """
        ...
