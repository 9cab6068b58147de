"""How likely it is that nothing belongs in a hole, while its text is written from left to right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.backend import Prediction
from model.infill.encoding import TokenTable


def chance_of_no_text(
    written: NDArray[np.int64],
    log_probs: NDArray[np.float32],
    prediction: Prediction,
    start: bytes,
    *,
    end: int,
    table: TokenTable,
) -> float:
    """How likely it is that one of the rows is `start`, and then the text or the line ends.

    written: int64 [W, n], what stands in each row; log_probs: float32 [W, n], in nats; prediction: of what comes next.
    start: the text of a healed hole begins with what stands before it already, so "nothing" is that and no more.
    """
    found = 0.0
    for row, ids in enumerate(written):
        text = b"".join(table.texts[token] for token in ids)
        if not start.startswith(text):
            continue
        left = start[len(text) :]
        likely = zip(prediction.ids[row, -1].tolist(), prediction.probs[row, -1].tolist(), strict=True)
        ends = (prob for token, prob in likely if _is_end(table.texts[token], left) or (token == end and not left))
        found += float(np.exp(log_probs[row].sum())) * sum(ends)
    return found


def _is_end(token: bytes, left: bytes) -> bool:
    """Whether the token says what is `left` and ends the line."""
    behind = token[len(left) :]
    return token.startswith(left) and not behind.strip() and (b"\n" in behind or b"\r" in behind)
