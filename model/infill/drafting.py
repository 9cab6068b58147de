"""Copied drafts as rows of a canvas: scored in one pass, and what the model agrees with kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.backend import CachedContext, ModelSpec, Prediction
from model.canvas import Canvas, Decision
from model.infill.decoding.beam_texts import BeamHypothesis
from model.infill.drafts.matches import Draft, drafts_for, drafts_from
from model.infill.encoding import Codec, EncodedPrompt
from model.infill.hypothesis import Hypothesis, log_probs, said_in
from model.types import Template

AGREED_PROBABILITY = 0.5
MOST_DOUBTED = 0.5
"""A draft of which the model doubts a larger share is no start: filling the hole anew costs as much."""
REPAIRED = 1
"""Drafts whose doubted tokens are denoised. Each costs as much per step as the model's own fill; with four of
them, a repaired draft was the only right candidate in 1 of 150 holes."""
RENAMINGS = 4
"""Drafts in the names of their new place, at most, beside the copies: half a one per hole on average. They are right
where no copy is in 2.5 % of lines and 5 % of rests of a line (800 and 480 holes of eight packages)."""
ELSEWHERE, RENAMINGS_ELSEWHERE = 4, 2
"""Copies from other files, and those of them in the names of their new place. With 6 and 3 a further right one was
among the candidates of one hole in two hundred, and none was chosen."""
SURE_MEAN_LOG_PROB = -0.35
SURE_MATCH_CHARS = 20
RULED_OUT_LOG_PROB = -6.0
"""A draft whose first token is less likely than this is not scored where a row more costs time."""
SCORED_BY_NEED = 4
"""Drafts scored beside the best one where a row more costs time. Of 129 holes, whatever was written, 72 were right with those
that are matched long, 70 without any, and 72 with all, which took a third more time in passes."""
LIKELIER_THAN_ALL = 0.5
"""A written text of a higher probability is likelier than all others together: no copy changes the choice."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DraftRow:
    """One row: a draft per hole, or None where nothing was found. `ids[h]` with the final slot."""

    drafts: tuple[Draft | None, ...]
    ids: tuple[NDArray[np.int64], ...]

    @property
    def complete(self) -> bool:
        return None not in self.drafts


@dataclass(frozen=True, kw_only=True, eq=False)
class Drafted:
    """What the one scoring pass over all drafts found.

    hypotheses: the complete drafts as they were copied. repaired: a canvas whose rows are drafts with the
    tokens open that the model disagrees with (None: it agrees with all). `origins[r]`: the drafts in its row r.
    sure: the best draft is long matched and the model would have written every token of it.
    """

    hypotheses: tuple[Hypothesis, ...] = ()
    repaired: Canvas | None = None
    origins: tuple[tuple[Draft, ...], ...] = ()
    sure: bool = False


def draft_rows(
    template: Template,
    encoded: EncodedPrompt,
    codec: Codec,
    spec: ModelSpec,
    *,
    extra_context: Sequence[str],
    other_files: Sequence[str],
    lengths: Sequence[int],
    limit: int,
) -> list[DraftRow]:
    """Rows that combine the d-th best draft of every hole; a hole without drafts gets masks (`lengths`)."""
    final = [spec.end_of_hole_id] if spec.end_of_hole_id is not None else []
    found: list[list[tuple[Draft, NDArray[np.int64]]]] = []
    for h, hole in enumerate(template.holes):
        options = []
        own = drafts_for(encoded.pieces, h, extra_context, limit, max_lines=hole.max_lines, renamings=RENAMINGS)
        for draft in with_others(own, _elsewhere(encoded, h, other_files if limit else (), max_lines=hole.max_lines)):
            ids = np.concatenate([encoded.encode(codec, h, draft.text), np.array(final, dtype=np.int64)])
            wanted = hole.length_tokens
            if wanted is None or len(ids) == wanted + len(final):
                options.append((draft, ids.astype(np.int64)))
        found.append(options)
    rows = []
    for d in range(max(len(options) for options in found)):
        drafts: list[Draft | None] = []
        parts = []
        for options, length in zip(found, lengths, strict=True):
            chosen = options[min(d, len(options) - 1)] if options else None
            drafts.append(chosen[0] if chosen else None)
            parts.append(chosen[1] if chosen else _masks(length, spec))
        if sum(len(part) for part in parts) <= spec.canvas_tokens:
            rows.append(DraftRow(drafts=tuple(drafts), ids=tuple(parts)))
    return rows


def _elsewhere(encoded: EncodedPrompt, hole: int, other_files: Sequence[str], *, max_lines: int | None) -> list[Draft]:
    if not other_files:
        return []
    return drafts_from(other_files, encoded.pieces, hole, ELSEWHERE, max_lines=max_lines, renamings=RENAMINGS_ELSEWHERE)


def with_others(own: Sequence[Draft], others: Sequence[Draft]) -> list[Draft]:
    """The drafts of the own file, then those of others; where both say the same, the own one counts their sources."""
    said = {draft.text: draft.sources for draft in others}
    known = {draft.text for draft in own}
    together = [replace(draft, sources=draft.sources + said.get(draft.text, 0)) for draft in own]
    return together + [draft for draft in others if draft.text not in known]


def judged(
    rows: Sequence[DraftRow],
    cached: CachedContext,
    encoded: EncodedPrompt,
    codec: Codec,
    spec: ModelSpec,
    *,
    repairs: bool = True,
) -> Drafted:
    """The drafts after one left-to-right scoring pass over all of them; what is to be repaired only where it `repairs`."""
    canvas = Canvas.decided([row.ids for row in rows], mask_id=spec.mask_id)
    if not all(row.complete for row in rows):
        canvas = canvas.apply(_reopening(canvas, _unfilled(rows, canvas)))
    prediction = cached.score(canvas)
    hypotheses = []
    for r, row in enumerate(rows):
        said = said_in(canvas, r, encoded, codec) if row.complete else None
        if said is not None:
            drafts = tuple(draft for draft in row.drafts if draft is not None)
            hypotheses.append(
                Hypothesis(
                    ids=said[0],
                    texts=said[1],
                    log_probs=log_probs(canvas, prediction, r, holes=encoded.holes),
                    origin="draft",
                    drafts=drafts,
                    draft_rank=max(draft.rank for draft in drafts),
                    kept=1.0,
                    sources=min(draft.sources for draft in drafts),
                    scored=True,
                )
            )
    doubted = _doubted(canvas, prediction)
    sure = rows[0].complete and not doubted[0].any() and _is_sure(rows[0], canvas, prediction)
    if not repairs:
        return Drafted(hypotheses=tuple(hypotheses), sure=sure)
    worth = doubted.sum(axis=1) <= MOST_DOUBTED * canvas.used.sum(axis=1)
    repairable = np.flatnonzero((doubted | canvas.open).any(axis=1) & worth)[:REPAIRED]
    return Drafted(
        hypotheses=tuple(hypotheses),
        repaired=canvas.apply(_reopening(canvas, doubted)).select(repairable) if len(repairable) else None,
        origins=tuple(tuple(d for d in rows[int(r)].drafts if d is not None) for r in repairable),
        sure=sure,
    )


def worth_scoring(
    rows: Sequence[DraftRow], written: Sequence[BeamHypothesis], cached: CachedContext, *, mask_id: int
) -> list[DraftRow]:
    """The `rows`, of one hole, whose score can change the choice: what the network has `written` as well, which takes no
    pass that was not made; and unless a written text is likelier than all others together, what is matched as long as a
    sure copy and not ruled out by its first token, up to `SCORED_BY_NEED`.
    """
    known = {text.ids.tobytes() for text in written}
    same = [row for row in rows if row.ids[0].tobytes() in known]
    others = [row for row in rows if row.ids[0].tobytes() not in known and _matched(row) >= SURE_MATCH_CHARS]
    if not others or max((text.nats for text in written), default=-np.inf) > np.log(LIKELIER_THAN_ALL):
        return same
    canvas = Canvas.decided([[row.ids[0][:1]] for row in others], mask_id=mask_id)
    first = cached.score(canvas, wanted=canvas.used).current[:, 0]
    ruled_in = [row for row, nats in zip(others, first, strict=True) if nats > RULED_OUT_LOG_PROB]
    return [*same, *ruled_in[:SCORED_BY_NEED]]


def _matched(row: DraftRow) -> int:
    """Characters around its holes that stand around its sources too; of the hole with fewest."""
    return min(d.left_match_chars + d.right_match_chars for d in row.drafts if d is not None)


def _unfilled(rows: Sequence[DraftRow], canvas: Canvas) -> NDArray[np.bool_]:
    """Bool [B, L]: positions of holes for which no draft was found, but for their final slots."""
    unfilled = np.zeros(canvas.ids.shape, dtype=bool)
    for r, row in enumerate(rows):
        for h, draft in enumerate(row.drafts):
            if draft is None:
                unfilled[r] |= canvas.hole[r] == h
    return np.asarray(unfilled & ~canvas.last)


def _doubted(canvas: Canvas, prediction: Prediction) -> NDArray[np.bool_]:
    """Bool [B, L]: given tokens that the model would neither choose nor find likely; final slots stay."""
    likely = (prediction.ids[:, :, 0] == canvas.ids) | (np.exp(prediction.current) > AGREED_PROBABILITY)
    return np.asarray(canvas.used & ~canvas.open & ~canvas.last & ~likely)


def _is_sure(row: DraftRow, canvas: Canvas, prediction: Prediction) -> bool:
    """Whether the first row, complete and undoubted, needs no denoising at all."""
    mean = float(prediction.current[0, : canvas.ids.shape[1]][canvas.used[0]].mean())
    return _matched(row) >= SURE_MATCH_CHARS and mean > SURE_MEAN_LOG_PROB


def _reopening(canvas: Canvas, where: NDArray[np.bool_]) -> Decision:
    nothing = Decision.nothing(canvas)
    return replace(nothing, reopen=where)


def _masks(length: int, spec: ModelSpec) -> NDArray[np.int64]:
    ids = np.full(length, spec.mask_id, dtype=np.int64)
    if spec.end_of_hole_id is not None:
        ids[-1] = spec.end_of_hole_id
    return ids
