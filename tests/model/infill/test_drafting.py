"""Which copies are scored once the network has written its own texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from model.backend import CachedContext, Prediction
from model.canvas import Canvas
from model.infill.decoding.beam_texts import BeamHypothesis
from model.infill.drafting import RULED_OUT_LOG_PROB, SCORED_BY_NEED, SURE_MATCH_CHARS, DraftRow, worth_scoring
from model.infill.drafts.matches import Draft
from tests.model.scripted import prediction


class FirstTokens(CachedContext):
    """Finds token 9 impossible, and others likely."""

    def score(self, canvas: Canvas, *, wanted: NDArray[np.bool_] | None = None) -> Prediction:
        return prediction(
            canvas, lambda *_: {}, current=np.where(canvas.ids == 9, RULED_OUT_LOG_PROB - 1, -1.0).astype(np.float32)
        )

    def denoise(self, canvas: Canvas) -> Prediction:
        raise AssertionError("copies are scored, nothing is denoised")


def row(*ids: int, matched: int = SURE_MATCH_CHARS) -> DraftRow:
    draft = Draft(text="x", left_match_chars=matched, right_match_chars=0, likeness=0.0, source=0)
    return DraftRow(drafts=(draft,), ids=(np.array(ids, dtype=np.int64),))


def text(*ids: int, nats: float = -3.0) -> BeamHypothesis:
    return BeamHypothesis(ids=np.array(ids, dtype=np.int64), log_probs=np.array([nats], dtype=np.float32))


LONG, SHORT, WRITTEN, RULED_OUT = row(1, 2), row(3, matched=SURE_MATCH_CHARS - 1), row(4, 5), row(9)


@pytest.mark.parametrize(
    ("rows", "written", "scored"),
    [
        ([LONG, SHORT, WRITTEN, RULED_OUT], [text(4, 5)], [WRITTEN, LONG]),
        ([LONG, WRITTEN], [text(4, 5, nats=-0.1)], [WRITTEN]),  # no copy changes the choice
        ([LONG], [], [LONG]),
        ([row(n, 2) for n in range(1, 8)], [text(4, 5)], SCORED_BY_NEED),
        ([], [text(1)], []),
    ],
)
def test_copies_are_scored_that_can_change_the_choice(
    rows: Sequence[DraftRow], written: Sequence[BeamHypothesis], scored: Sequence[DraftRow] | int
) -> None:
    found = worth_scoring(rows, written, FirstTokens(), mask_id=0)
    assert found == scored if isinstance(scored, list) else len(found) == scored
