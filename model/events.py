"""What a viewer sees while the canvas is being decided."""

from __future__ import annotations

import numpy as np

from model.canvas import Canvas, Decision
from model.framing import Codec, Framed
from model.proposal import Proposal
from model.types import DraftToken, FillEvent


def event_of(
    step: int, canvas: Canvas, proposal: Proposal, decision: Decision, *, framed: Framed, codec: Codec, row: int = 0
) -> FillEvent:
    """The row as it will stand after `decision`: decided tokens, and best guesses where it stays open."""
    stays_open = canvas.open[row] & ~decision.commit[row]
    fresh = canvas.open[row]
    ids = np.where(fresh, proposal.ids[row], canvas.ids[row])
    confidence = np.where(fresh, proposal.confidence[row], canvas.confidence[row])
    final = canvas.last[row]
    holes = []
    for h in range(framed.holes):
        here = np.flatnonzero((canvas.hole[row] == h) & ~decision.delete[row] & ~final)
        tokens, skip = [], len(framed.partials[h])
        for i in here:
            text = codec.decode(ids[i : i + 1])
            # What was taken off the piece before the hole is on the screen already.
            shown, skip = text[skip:], max(0, skip - len(text))
            tokens.append(DraftToken(text=shown, confidence=float(confidence[i]), open=bool(stays_open[i])))
        holes.append(tuple(tokens))
    return FillEvent(step=step, holes=tuple(holes))


def finished_event(texts: tuple[str, ...], *, confidence: float) -> FillEvent:
    """The event of a fill that was decided at once: one decided "token" per hole."""
    return FillEvent(step=0, holes=tuple((DraftToken(text=text, confidence=confidence, open=False),) for text in texts))
