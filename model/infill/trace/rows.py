"""A row of a forward pass as cells: what stood at each position, and what the step made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from model.infill.trace.events import token_texts
from model.types import TraceToken

if TYPE_CHECKING:
    from model.backend import Prediction
    from model.canvas import Canvas, Decision
    from model.infill.decoding.constraints import Proposal
    from model.infill.encoding import Codec, EncodedPrompt

GUESSES, LEAST_GUESS = 3, 0.02

State = Literal["kept", "committed", "open", "reopened", "deleted", "inserted"]
Cells = tuple[tuple[TraceToken, ...], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class DecidedStep:
    """One denoise step as the engine reports it, and the prediction (of the rows with something open) behind it."""

    canvas: Canvas
    proposal: Proposal
    decision: Decision
    prediction: Prediction


def cells_of(step: DecidedStep, row: int, encoded: EncodedPrompt, codec: Codec, *, following: Canvas | None) -> Cells:
    """Per hole the positions as the step left them; `following` is the canvas of the step after, if there is one."""
    canvas, proposal, decision = step.canvas, step.proposal, step.decision
    fresh = canvas.open[row]
    ids = np.where(fresh, np.where(decision.commit[row], decision.ids[row], proposal.ids[row]), canvas.ids[row])
    sure = np.where(fresh, proposal.confidence[row], canvas.confidence[row])
    confidence = np.where(decision.commit[row], decision.confidence[row], sure)
    states = _states(canvas, decision, row)
    holes = []
    for h in range(encoded.holes):
        here = np.flatnonzero(canvas.hole[row] == h)
        cells: list[TraceToken] = []
        for i, text in zip(here, token_texts(ids[here], codec, skip=len(encoded.partials[h])), strict=True):
            cells += [_inserted(canvas.mask_id)] * int(decision.insert[row, i])
            guesses = _guesses(step, row, int(i), codec) if fresh[i] else ()
            cells.append(
                TraceToken(id=int(ids[i]), text=text, confidence=float(confidence[i]), state=states[i], guesses=guesses)
            )
        holes.append(tuple(cells if following is None else _with_growth(cells, following, row, h)))
    return tuple(holes)


def asked_cells(
    canvas: Canvas, prediction: Prediction, row: int, encoded: EncodedPrompt, codec: Codec, *, scored: bool
) -> Cells:
    """Per hole what stands in a canvas that was looked at only; open positions with the network's guesses.

    `scored`: the standing tokens with the left-to-right probabilities of the prediction.
    """
    fresh = canvas.open[row]
    ids: NDArray[np.int64] = canvas.ids[row]
    confidence = canvas.confidence[row]
    if scored:
        confidence = np.exp(prediction.current[row, : len(ids)])
    else:
        ids = np.where(fresh, prediction.ids[row, : len(ids), 0], ids)
        confidence = np.where(fresh, prediction.probs[row, : len(ids), 0], confidence)
    holes = []
    for h in range(encoded.holes):
        here = np.flatnonzero(canvas.hole[row] == h)
        texts = token_texts(ids[here], codec, skip=len(encoded.partials[h]))
        holes.append(
            tuple(
                TraceToken(
                    id=int(ids[i]),
                    text="" if fresh[i] and scored else text,
                    confidence=0.0 if fresh[i] and scored else float(confidence[i]),
                    state="open" if fresh[i] else "kept",
                )
                for i, text in zip(here, texts, strict=True)
            )
        )
    return tuple(holes)


def _states(canvas: Canvas, decision: Decision, row: int) -> list[State]:
    states: list[State] = ["open" if is_open else "kept" for is_open in canvas.open[row]]
    named: tuple[tuple[State, NDArray[np.bool_]], ...] = (
        ("committed", decision.commit[row]),
        ("reopened", decision.reopen[row]),
        ("deleted", decision.delete[row]),
    )
    for name, where in named:
        for i in np.flatnonzero(where):
            states[i] = name
    return states


def _inserted(mask_id: int) -> TraceToken:
    return TraceToken(id=mask_id, text="", confidence=0.0, state="inserted")


def _guesses(step: DecidedStep, row: int, position: int, codec: Codec) -> tuple[tuple[str, float], ...]:
    """The likeliest tokens there; the engine has only rows with something open predicted, in order."""
    live = np.flatnonzero(step.canvas.open.any(axis=1))
    at = row if step.prediction.ids.shape[0] == step.canvas.rows else int(np.searchsorted(live, row))
    if position >= step.prediction.ids.shape[1]:
        return ()
    best = zip(step.prediction.ids[at, position], step.prediction.probs[at, position], strict=True)
    return tuple((codec.decode(np.asarray([token])), float(p)) for token, p in list(best)[:GUESSES] if p >= LEAST_GUESS)


def _with_growth(cells: list[TraceToken], following: Canvas, row: int, hole: int) -> list[TraceToken]:
    """The cells with what happened between this step and the next one.

    A hole that filled up grows before its end, doubtful tokens are opened again, a hopeless row is given up.
    """
    there = np.flatnonzero(following.hole[row] == hole)
    standing = [n for n, cell in enumerate(cells) if cell.state != "deleted"]
    if not len(there):
        return [replace(cell, state="deleted") for cell in cells]
    more = len(there) - len(standing)
    if more < 0 or not standing:
        return cells
    opened = following.open[row, [*there[: len(standing) - 1], there[-1]]]
    for n, is_open in zip(standing, opened, strict=True):
        if is_open and cells[n].state in {"kept", "committed"}:
            cells[n] = replace(cells[n], state="reopened")
    return [*cells[: standing[-1]], *[_inserted(following.mask_id)] * more, *cells[standing[-1] :]]
