"""What may stand where: the network's prediction, narrowed by the constraints of each hole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.backend import ModelSpec, Prediction
from model.canvas import Canvas
from model.infill.brackets import balanced_end
from model.infill.encoding import Codec, EncodedPrompt, TokenTable
from model.infill.holes.ties import ties_of
from model.types import Template


@dataclass(frozen=True, kw_only=True)
class HoleConstraints:
    """`fixed_length`: the hole may not change its length. `max_lines`: None for any number.

    `complete_after`: how many of the hole's first ids (int64 [n]) already make a complete fill; None if they do not.
    """

    fixed_length: bool = False
    max_lines: int | None = None
    complete_after: Callable[[NDArray[np.int64]], int | None] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Constraints:
    """What the engine knows of tokens and holes beyond the network.

    newline: bool [V], the token is a line break. blank: bool [V], its text is white space or empty.
    ties: groups of holes that get one text. For the ids see `ModelSpec`.
    """

    holes: tuple[HoleConstraints, ...]
    end_of_hole_id: int | None
    newline: NDArray[np.bool_]
    blank: NDArray[np.bool_]
    expand_id: int | None = None
    delete_id: int | None = None
    delete_spreads: bool = True
    ties: tuple[tuple[int, ...], ...] = ()


def constraints_of(
    template: Template, table: TokenTable, spec: ModelSpec, *, encoded: EncodedPrompt, codec: Codec
) -> Constraints:
    """What may stand in the template's holes."""

    def complete_after(hole: int) -> Callable[[NDArray[np.int64]], int | None]:
        skipped = len(encoded.partials[hole])

        def tokens(ids: NDArray[np.int64]) -> int | None:
            end = balanced_end(codec.decode(ids)[skipped:])
            if end is None:
                return None
            return next(k for k in range(len(ids) + 1) if len(codec.decode(ids[:k])) - skipped >= end)

        return tokens

    return Constraints(
        holes=tuple(
            HoleConstraints(
                fixed_length=hole.length_tokens is not None,
                max_lines=hole.max_lines,
                complete_after=complete_after(h) if encoded.balanced[h] else None,
            )
            for h, hole in enumerate(template.holes)
        ),
        end_of_hole_id=spec.end_of_hole_id,
        newline=table.newline,
        blank=table.blank,
        expand_id=spec.expand_id,
        delete_id=spec.delete_id,
        delete_spreads=spec.delete_spreads,
        ties=ties_of(template.holes),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Proposal:
    """One token per position, for a sampler to choose from; arrays are [B, L] as the canvas.

    ids: int64, the proposed token. confidence: float32, its probability (0 where nothing allowed was found).
    entropy: float32, nats, of the full distribution. ends: bool, the proposed token ends its hole.
    margin: float32, how much more probable it is than the best other token that is allowed.
    """

    ids: NDArray[np.int64]
    confidence: NDArray[np.float32]
    entropy: NDArray[np.float32]
    ends: NDArray[np.bool_]
    margin: NDArray[np.float32]


def propose(
    canvas: Canvas,
    prediction: Prediction,
    constraints: Constraints,
    *,
    temperature: NDArray[np.float32] | None = None,
    noise: NDArray[np.float64] | None = None,
    top_p: float = 1.0,
    may_expand: NDArray[np.bool_] | None = None,
) -> Proposal:
    """The best allowed token per position; where `temperature` [B] is above 0, one drawn among the K best.

    `noise`: uniform (0, 1), float64 [B, L, K], read by rows with a temperature (Gumbel-max sampling), which draw
    among the most probable tokens that reach `top_p` together. `may_expand`: bool [B], rows that may still expand.
    """
    ids, probs, barred = _allowed(canvas, prediction, constraints, may_expand)
    best = (np.where(barred, -1, probs) if barred.any() else probs).argmax(
        axis=2
    )  # the first of equals: the network's order decides ties
    if temperature is not None and noise is not None and (temperature > 0).any():
        gumbel = -np.log(-np.log(np.clip(noise, 1e-12, 1 - 1e-12)))
        heat = np.maximum(temperature, 1e-6)[:, None, None]
        kept = _nucleus(probs, top_p) if top_p < 1 else probs
        nats = np.where(barred, -np.inf, np.log(np.maximum(kept, 1e-30)))
        best = np.where(temperature[:, None] > 0, (nats / heat + gumbel).argmax(axis=2), best)
    chosen = np.take_along_axis(ids, best[:, :, None], axis=2)[:, :, 0]
    confidence = np.take_along_axis(probs, best[:, :, None], axis=2)[:, :, 0]
    others = probs.copy()
    np.put_along_axis(others, best[:, :, None], 0, axis=2)
    ends = np.zeros(chosen.shape, dtype=bool)
    if constraints.end_of_hole_id is not None:
        ends = (chosen == constraints.end_of_hole_id) & canvas.open
    return Proposal(
        ids=chosen,
        confidence=np.where(canvas.open, confidence, 0).astype(np.float32),
        entropy=prediction.entropy.astype(np.float32),
        ends=ends,
        margin=np.where(canvas.open, confidence - others.max(axis=2), 0).astype(np.float32),
    )


def _nucleus(probs: NDArray[np.float32], top_p: float) -> NDArray[np.float32]:
    """Float32 [B, L, K]: 0 for all but the most probable tokens that reach `top_p` together (nucleus sampling)."""
    order = np.argsort(-probs, axis=2, kind="stable")
    ordered = np.take_along_axis(probs, order, axis=2)
    inside = np.cumsum(ordered, axis=2) - ordered < top_p
    kept = np.zeros_like(probs)
    np.put_along_axis(kept, order, np.where(inside, ordered, 0), axis=2)
    return kept


def _allowed(
    canvas: Canvas, prediction: Prediction, constraints: Constraints, may_expand: NDArray[np.bool_] | None
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]:
    """(ids, probs, barred), all [B, L, K]: line breaks that end a hole count as its end.

    What is forbidden has probability 0. Where every one of the K tokens is forbidden all but the `barred` stay as
    they are: an empty fill is then the only thing possible. What changes the length against the constraints stays barred.
    """
    end = constraints.end_of_hole_id
    ids, probs = prediction.ids, prediction.probs.astype(np.float32)
    fixed = np.array([h.fixed_length for h in constraints.holes])[canvas.hole] & canvas.used
    barred = np.zeros(ids.shape, dtype=bool)
    if constraints.expand_id is not None:
        spent = fixed if may_expand is None else fixed | ~may_expand[:, None]
        barred |= (ids == constraints.expand_id) & spent[:, :, None]
    if constraints.delete_id is not None:
        barred |= (ids == constraints.delete_id) & (fixed | _all_there_is(canvas, constraints))[:, :, None]
    probs = np.where(barred, np.float32(0), probs) if barred.any() else probs
    single = np.array([h.max_lines == 1 for h in constraints.holes])[canvas.hole] & canvas.used
    if end is None:
        if single.any():
            empty = constraints.newline[ids] & (single & _blank_so_far(canvas, constraints))[:, :, None]
            narrowed = np.where(empty, np.float32(0), probs)
            probs = np.where(narrowed.max(axis=2, keepdims=True) <= 0, probs, narrowed)
        return ids, probs, barred
    ending = ids == end
    if single.any():
        ending |= constraints.newline[ids] & single[:, :, None]
    # The first ending column carries the probability of them all.
    total = np.where(ending, probs, 0).sum(axis=2)
    first = ending & (np.cumsum(ending, axis=2) == 1)
    ids = np.where(first, end, ids)
    probs = np.where(first, total[:, :, None], np.where(ending, 0, probs)).astype(np.float32)
    forbidden = first & (fixed | _blank_so_far(canvas, constraints) | _content_follows(canvas))[:, :, None]
    narrowed = np.where(forbidden, np.float32(0), probs)
    hopeless = narrowed.max(axis=2, keepdims=True) <= 0
    narrowed = np.where(hopeless, probs, narrowed)
    # A canvas is always longer than its content: nothing but an end can stand in a final slot.
    last = canvas.last & canvas.open
    ids[last, 0] = end
    narrowed[last, 0], narrowed[last, 1:] = total[last], 0
    return ids, narrowed, barred


def _content_follows(canvas: Canvas) -> NDArray[np.bool_]:
    """Bool [B, L]: something right of the position in its hole, other than the final slot, is decided already."""
    content = canvas.used & ~canvas.open & ~canvas.last
    total = _in_hole(canvas, content)
    return np.asarray(canvas.used & (total - canvas.left_of(content) - content > 0))


def _blank_so_far(canvas: Canvas, constraints: Constraints) -> NDArray[np.bool_]:
    """Bool [B, L]: everything left of the position in its hole is decided and blank, so ending here leaves nothing."""
    filled = canvas.used & (canvas.open | ~constraints.blank[canvas.ids])
    return np.asarray(canvas.used & (canvas.left_of(filled) == 0))


def _all_there_is(canvas: Canvas, constraints: Constraints) -> NDArray[np.bool_]:
    """Bool [B, L]: nothing else in the position's hole is open or holds text, so deleting it would leave nothing."""
    filled = canvas.used & (canvas.open | ~constraints.blank[canvas.ids])
    return np.asarray(canvas.used & (_in_hole(canvas, filled) - filled <= 0))


def _in_hole(canvas: Canvas, marked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """int64 [B, L]: how many `marked` positions the whole hole of each position has."""
    holes = int(canvas.hole.max(initial=0)) + 1
    total = canvas.per_hole(marked, holes)
    return np.asarray(np.take_along_axis(total, np.maximum(canvas.hole, 0), axis=1))
