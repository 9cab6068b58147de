"""What may stand where: the network's prediction, narrowed by the rules of each hole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model.canvas import Canvas

if TYPE_CHECKING:
    from model.denoiser import Prediction


@dataclass(frozen=True, kw_only=True)
class HoleRules:
    """`fixed_length`: the hole may not end before its final slot. `max_lines`: None for any number."""

    fixed_length: bool = False
    max_lines: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Rules:
    """What the engine knows of tokens and holes beyond the network.

    newline: bool [V], the token is a line break. blank: bool [V], its text is white space or empty.
    """

    holes: tuple[HoleRules, ...]
    end_of_hole_id: int | None
    newline: NDArray[np.bool_]
    blank: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Proposal:
    """One token per position, for a sampler to choose from; arrays are [B, L] as the canvas.

    ids: int64, the proposed token. confidence: float32, its probability (0 where nothing allowed was found).
    entropy: float32, nats, of the full distribution. ends: bool, the proposed token ends its hole.
    """

    ids: NDArray[np.int64]
    confidence: NDArray[np.float32]
    entropy: NDArray[np.float32]
    ends: NDArray[np.bool_]


def propose(
    canvas: Canvas,
    prediction: Prediction,
    rules: Rules,
    *,
    temperature: NDArray[np.float32] | None = None,
    noise: NDArray[np.float64] | None = None,
) -> Proposal:
    """The best allowed token per position; where `temperature` [B] is above 0, one drawn among the K best.

    `noise`: uniform (0, 1), float64 [B, L, K], read by rows with a temperature (Gumbel-max sampling).
    """
    ids, probs = _allowed(canvas, prediction, rules)
    best = probs.argmax(axis=2)  # the first of equals: the network's order decides ties
    if temperature is not None and noise is not None and (temperature > 0).any():
        gumbel = -np.log(-np.log(np.clip(noise, 1e-12, 1 - 1e-12)))
        heat = np.maximum(temperature, 1e-6)[:, None, None]
        with np.errstate(divide="ignore"):
            drawn = (np.log(probs) / heat + gumbel).argmax(axis=2)
        best = np.where(temperature[:, None] > 0, drawn, best)
    chosen = np.take_along_axis(ids, best[:, :, None], axis=2)[:, :, 0]
    confidence = np.take_along_axis(probs, best[:, :, None], axis=2)[:, :, 0]
    ends = np.zeros(chosen.shape, dtype=bool)
    if rules.end_of_hole_id is not None:
        ends = (chosen == rules.end_of_hole_id) & canvas.open
    return Proposal(
        ids=chosen,
        confidence=np.where(canvas.open, confidence, 0).astype(np.float32),
        entropy=prediction.entropy.astype(np.float32),
        ends=ends,
    )


def _allowed(canvas: Canvas, prediction: Prediction, rules: Rules) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """(ids, probs), both [B, L, K]: line breaks that end a hole count as its end; what is forbidden has probability 0.

    Where every one of the K tokens is forbidden all stay as they are: an empty fill is then the only thing possible.
    """
    end = rules.end_of_hole_id
    ids, probs = prediction.ids, prediction.probs.astype(np.float32)
    if end is None:
        return ids, probs
    single = np.array([h.max_lines == 1 for h in rules.holes])[canvas.hole] & canvas.used
    ending = (ids == end) | (rules.newline[ids] & single[:, :, None])
    # The first ending column carries the probability of them all.
    total = np.where(ending, probs, 0).sum(axis=2)
    first = ending & (np.cumsum(ending, axis=2) == 1)
    ids = np.where(first, end, ids)
    probs = np.where(first, total[:, :, None], np.where(ending, 0, probs)).astype(np.float32)
    fixed = np.array([h.fixed_length for h in rules.holes])[canvas.hole] & canvas.used
    barred = first & (fixed | _blank_so_far(canvas, rules) | _content_follows(canvas))[:, :, None]
    narrowed = np.where(barred, 0, probs).astype(np.float32)
    hopeless = narrowed.max(axis=2, keepdims=True) <= 0
    narrowed = np.where(hopeless, probs, narrowed)
    # A canvas is always longer than its content: nothing but an end can stand in a final slot.
    last = canvas.last & canvas.open
    ids[last, 0] = end
    narrowed[last, 0], narrowed[last, 1:] = total[last], 0
    return ids, narrowed


def _content_follows(canvas: Canvas) -> NDArray[np.bool_]:
    """Bool [B, L]: something right of the position in its hole, other than the final slot, is decided already."""
    content = canvas.used & ~canvas.open & ~canvas.last
    remaining: NDArray[np.int64] = (
        np.cumsum(content[:, ::-1], axis=1)[:, ::-1] - content
    )  # strictly to the right, in the row
    beyond = np.minimum.accumulate(np.where(canvas.last, remaining, np.iinfo(np.int64).max)[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(canvas.used & (remaining > beyond))


def _blank_so_far(canvas: Canvas, rules: Rules) -> NDArray[np.bool_]:
    """Bool [B, L]: everything left of the position in its hole is decided and blank, so ending here leaves nothing."""
    filled = canvas.used & (canvas.open | ~rules.blank[canvas.ids])
    count: NDArray[np.int64] = np.cumsum(filled, axis=1) - filled  # filled positions strictly to the left, in the row
    at_start = np.maximum.accumulate(np.where(canvas.first, count, 0), axis=1)
    return np.asarray(canvas.used & (count == at_start))
