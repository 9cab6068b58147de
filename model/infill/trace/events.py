"""What a viewer sees while the canvas is being decided."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.canvas import Canvas, Decision
from model.infill.decoding.beam_texts import Beam
from model.infill.decoding.constraints import Proposal
from model.infill.encoding import Codec, EncodedPrompt
from model.types import MASK, DraftToken, FillEvent


def event_of(
    step: int,
    canvas: Canvas,
    proposal: Proposal,
    decision: Decision,
    *,
    encoded: EncodedPrompt,
    codec: Codec,
    row: int = 0,
) -> FillEvent:
    """The row as it will stand after `decision`: decided tokens, and best guesses where it stays open.

    `step`: how many steps there were before this one.
    """
    stays_open = canvas.open[row] & ~decision.commit[row]
    fresh = canvas.open[row]
    ids = np.where(fresh, proposal.ids[row], canvas.ids[row])
    confidence = np.where(fresh, proposal.confidence[row], canvas.confidence[row])
    final = canvas.last[row]
    holes = []
    for h in range(encoded.holes):
        here = np.flatnonzero((canvas.hole[row] == h) & ~decision.delete[row] & ~final)
        texts = token_texts(ids[here], codec, skip=len(encoded.partials[h]))
        holes.append(
            tuple(
                DraftToken(text=text, confidence=float(confidence[i]), open=bool(stays_open[i]))
                for i, text in zip(here, texts, strict=True)
            )
        )
    return FillEvent(step=step + 1, holes=tuple(holes))


def token_texts(ids: NDArray[np.int64], codec: Codec, *, skip: int) -> list[str]:
    """The text of each of a hole's tokens, without the first `skip` characters: what healing took off the piece
    before the hole is on the screen already.
    """
    texts = []
    for i in range(len(ids)):
        text = codec.decode(ids[i : i + 1])
        texts.append(text[skip:])
        skip = max(0, skip - len(text))
    return texts


def beam_event(step: int, beam: Beam, *, encoded: EncodedPrompt, codec: Codec) -> FillEvent:
    """The best of the texts (at least one) that are being written from left to right: how it goes on is a mask.

    `step`: how many steps there were before this one.
    """
    best, nats = beam.ids[:1].ravel(), beam.log_probs[:1].ravel()
    tokens = [
        DraftToken(text=text, confidence=float(np.exp(log_prob)), open=False)
        for text, log_prob in zip(token_texts(best, codec, skip=len(encoded.partials[0])), nats, strict=True)
    ]
    return FillEvent(step=step + 1, holes=((*tokens, MASK),))


def finished_event(texts: tuple[str, ...], *, confidence: float) -> FillEvent:
    """The event of a fill that was decided at once: one decided "token" per hole."""
    return FillEvent(step=1, holes=tuple((DraftToken(text=text, confidence=confidence, open=False),) for text in texts))
