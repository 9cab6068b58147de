"""The canvases that denoising starts from: masks, and for a rewriting the part of the old text that stays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from model.backend import CachedContext, ModelSpec
from model.canvas import Canvas, Decision
from model.errors import BadRequest
from model.infill.decoding.length import closed
from model.infill.decoding.rescoring import rescore
from model.infill.encoding import Codec, EncodedPrompt
from model.types import Hole, Template

FOLDS = 4
"""Old tokens are judged from all but a quarter of their fellows."""


def rewrites(hole: Hole) -> bool:
    """Whether part of the hole's old text stays."""
    return hole.strength < 1 and bool(hole.old_text.strip())


def sized(template: Template, encoded: EncodedPrompt, codec: Codec) -> Template:
    """The template in which holes that keep part of their old text have its length.

    Raises BadRequest for a strength outside (0, 1].
    """
    holes = []
    for h, hole in enumerate(template.holes):
        if not 0 < hole.strength <= 1:
            raise BadRequest(f"a strength of {hole.strength}: give a share of the old text above 0, at most 1")
        length = len(encoded.encode(codec, h, hole.old_text)) if rewrites(hole) else hole.length_tokens
        holes.append(replace(hole, length_tokens=length))
    return replace(template, holes=tuple(holes))


def first_canvas(
    holes: Sequence[Hole],
    lengths: Sequence[int],
    *,
    rows: int,
    encoded: EncodedPrompt,
    codec: Codec,
    spec: ModelSpec,
    cached: CachedContext,
) -> tuple[Canvas, int]:
    """(`rows` equal rows to denoise, forward passes this took): masks, and old text that stays where a hole asks for it."""
    fixed = [h for h, hole in enumerate(holes) if hole.length_tokens is not None]
    canvas = closed(Canvas.masked(lengths, mask_id=spec.mask_id), fixed, spec.end_of_hole_id)
    kept = [h for h, hole in enumerate(holes) if rewrites(hole)]
    if not kept:
        return Canvas.stack([canvas] * rows), 0
    ids = canvas.ids.copy()
    given = canvas.open & np.isin(canvas.hole, kept)
    for h in kept:
        ids[0, given[0] & (canvas.hole[0] == h)] = encoded.encode(codec, h, holes[h].old_text)
    canvas = canvas.apply(Decision.committing(given, ids, given.astype(np.float32)))
    judged = rescore(cached, canvas, given, folds=FOLDS)
    reopen = np.zeros_like(given)
    for h in kept:
        here = np.flatnonzero(given[0] & (canvas.hole[0] == h))
        doubted = np.argsort(judged.probability[0, here], kind="stable")
        reopen[0, here[doubted[: math.ceil(holes[h].strength * len(here))]]] = True
    nothing = Decision.nothing(canvas)
    return Canvas.stack([canvas.apply(replace(nothing, reopen=reopen))] * rows), 1
