"""Doubts of a network that denoises: tokens are masked in folds, and each is predicted from both sides at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from model.backend import CachedContext, ModelSpec
from model.canvas import Canvas
from model.infill.decoding.rescoring import rescore
from model.infill.doubts.text import StandingText
from model.infill.doubts.weighing import Thresholds, apart
from model.infill.encoding import Codec
from model.types import Doubt

FOLDS = 8
"""Each token is predicted from all but an eighth of its fellows."""


def left_out(
    text: StandingText,
    cached: CachedContext,
    codec: Codec,
    spec: ModelSpec,
    *,
    wanted: Sequence[tuple[int, int]],
    thresholds: Thresholds,
) -> tuple[Doubt, ...]:
    """What the network doubts of the `wanted` bytes of the text: tokens for which it would put another, by the margin."""
    final = [] if spec.end_of_hole_id is None else [spec.end_of_hole_id]
    canvas = Canvas.decided([[np.append(text.ids, np.array(final, dtype=np.int64))]], mask_id=spec.mask_id)
    asked = np.zeros(canvas.ids.shape, dtype=bool)
    for i in range(len(text.ids)):
        asked[0, i] = any(a < text.starts[i + 1] and text.starts[i] < b for a, b in wanted)
    if not asked.any():
        return ()
    judged = rescore(cached, canvas, asked, folds=FOLDS)
    own, best = judged.probability[0], judged.best_other[0]
    found = list[Doubt]()
    for i in np.flatnonzero(asked[0] & (own < thresholds.probability) & (best >= thresholds.other)).tolist():
        nats = math.log(float(best[i])) - math.log(max(float(own[i]), 1e-9))
        new = text.data[: text.starts[i]] + codec.token_bytes(int(judged.other[0, i])) + text.data[text.starts[i + 1] :]
        doubt = text.doubt(new, until=len(text.data), probability=float(own[i]), nats=nats)
        if doubt is not None and nats >= thresholds.margin_nats:
            found.append(doubt)
    return apart(found)
