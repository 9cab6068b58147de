"""A context as the two streams read it: pieces joined by gap tokens, and what each hole sees of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.denoiser import Context, Spec
from model.tokenizer import END_ID, END_OF_HOLE_ID, GAP_ID, MASK_ID, START_ID

CONTEXT_TOKENS, CANVAS_TOKENS, TOP_K = 1024, 256, 8
BEAM = 6
Ids = NDArray[np.int64]


def spec_of(vocab_size: int) -> Spec:
    """What the engine must know of a network that reads so."""
    return Spec(
        mask_id=MASK_ID,
        end_of_hole_id=END_OF_HOLE_ID,
        vocab_size=vocab_size,
        context_tokens=CONTEXT_TOKENS,
        canvas_tokens=CANVAS_TOKENS,
        top_k=TOP_K,
        beam=BEAM,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """ahead_ids, back_ids: int64 [P], [S], in text order.

    left[h]: number of `ahead` tokens before hole h; right[h]: index of the first `back` token after it.
    """

    ahead_ids: Ids
    back_ids: Ids
    left: tuple[int, ...]
    right: tuple[int, ...]


def reading_of(context: Context) -> Reading:
    """All pieces but the last, left to right; all but the first, right to left; never nothing on either side."""
    ahead, starts = _join(context.pieces[:-1])
    left = [s + len(p) for s, p in zip(starts, context.pieces[:-1], strict=True)]
    back, right = _join(context.pieces[1:])
    if not left[0]:  # a canvas begins with the token before it, so there has to be one
        ahead, left = np.append(np.asarray([START_ID], dtype=np.int64), ahead), [n + 1 for n in left]
    if len(back) == 0 or right[-1] == len(back):
        back = np.append(back, np.asarray([END_ID], dtype=np.int64))
    return Reading(ahead_ids=ahead, back_ids=back, left=tuple(left), right=tuple(right))


def _join(pieces: tuple[Ids, ...]) -> tuple[Ids, list[int]]:
    """Pieces with gap tokens between them, and where each piece starts."""
    parts: list[Ids] = []
    starts, length = [], 0
    for n, piece in enumerate(pieces):
        if n:
            parts.append(np.asarray([GAP_ID], dtype=np.int64))
            length += 1
        starts.append(length)
        parts.append(piece)
        length += len(piece)
    return np.concatenate(parts), starts


def common_length(a: Ids, b: Ids) -> int:
    """Length of the common start."""
    n = min(len(a), len(b))
    differs = np.flatnonzero(a[:n] != b[:n])
    return int(differs[0]) if len(differs) else n
