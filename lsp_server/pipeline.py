"""The flow, as code: a snapshot with gaps goes in; candidates and the edits of the best one come out.

    snapshot, gaps -> cut -> FillRequest -> Filler -> tidy -> edits

Handlers and the command line call `run`; transforms make the gaps; nothing here knows LSP or a model.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from lsp_server.settings import FillOptions
from lsp_server.source.cut import cut
from lsp_server.source.edits import edit_of, tidy
from lsp_server.source.parse import parses
from lsp_server.types import Edit, Filled, Gap, Snapshot
from model.types import Budget, Cancelled, Candidate, Fill, Filler, FillRequest, OnEvent, Template

_DRAFT_SOURCE_CHARS = 100_000  # of the file's text on each side of a cut, so that a huge file costs no more


def run(
    snapshot: Snapshot,
    gaps: Sequence[Gap],
    filler: Filler,
    options: FillOptions,
    *,
    cancelled: Cancelled,
    on_event: OnEvent | None = None,
) -> Filled:
    """Fill all `gaps` (in the order of the file, apart from each other) jointly.

    Raises model.errors.BadRequest when the model cannot meet the options. Cancelled, out of time and
    nothing acceptable are results: no edits, and a reason.
    """
    gaps = tuple(_with_length(gap, options.length_tokens) for gap in gaps)
    started = time.perf_counter()
    template = cut(snapshot, gaps, budget_tokens=filler.info.context_tokens, count_tokens=filler.count_tokens)
    cut_ms = (time.perf_counter() - started) * 1000
    request = FillRequest(
        template=template,
        language=snapshot.language.name,
        extra_context=_left_out(snapshot, gaps, template),
        candidates=options.candidates,
        seed=options.seed,
        sampler=options.sampler,
        steps=options.steps,
        budget=Budget(max_time_s=options.max_time_s),
        parses=lambda texts: parses(snapshot, edits_of(snapshot, gaps, _tidied(snapshot, gaps, texts))),
    )
    fill = filler.fill(request, cancelled=cancelled, on_event=on_event)
    fill = replace(fill, candidates=_acceptable(snapshot, gaps, fill.candidates)[: options.candidates])
    best = fill.candidates[0] if fill.candidates else None
    return Filled(
        gaps=gaps,
        template=template,
        fill=fill,
        edits=edits_of(snapshot, gaps, best.texts) if best else (),
        reason="" if best else _reason(fill),
        cut_ms=cut_ms,
    )


def edits_of(snapshot: Snapshot, gaps: Sequence[Gap], texts: Sequence[str]) -> tuple[Edit, ...]:
    """The edits that put `texts` (tidied, one per gap) into the file."""
    return tuple(edit_of(snapshot, gap, text) for gap, text in zip(gaps, texts, strict=True))


def _acceptable(snapshot: Snapshot, gaps: Sequence[Gap], candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The candidates tidied, without those that are blank or say the same as a better one."""
    kept: dict[tuple[str, ...], Candidate] = {}
    for candidate in candidates:
        texts = _tidied(snapshot, gaps, candidate.texts)
        if texts in kept or not any(text.strip() for text in texts):
            continue
        whole = candidate.parses
        if whole is None:
            whole = parses(snapshot, edits_of(snapshot, gaps, texts))
        kept[texts] = replace(candidate, texts=texts, parses=whole)
    return tuple(kept.values())


def _tidied(snapshot: Snapshot, gaps: Sequence[Gap], texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(tidy(snapshot, gap, text) for gap, text in zip(gaps, texts, strict=True))


def _with_length(gap: Gap, length_tokens: int | None) -> Gap:
    return gap if length_tokens is None else replace(gap, hole=replace(gap.hole, length_tokens=length_tokens))


def _left_out(snapshot: Snapshot, gaps: Sequence[Gap], template: Template) -> tuple[str, ...]:
    """The file's text around the gaps (never what stands in them) when the cut left some of it out.

    It costs no context: drafts are looked for in it.
    """
    bounds = [0, *(edge for gap in gaps for edge in (gap.region.start, gap.region.end)), len(snapshot.source)]
    pieces = [snapshot.source[a:b].decode("utf-8") for a, b in zip(bounds[::2], bounds[1::2], strict=True)]
    if sum(map(len, pieces)) <= sum(map(len, template.pieces)):
        return ()
    first, *between, last = pieces
    return (first[-_DRAFT_SOURCE_CHARS:], last[:_DRAFT_SOURCE_CHARS], *(p[-_DRAFT_SOURCE_CHARS:] for p in between))


def _reason(fill: Fill) -> str:
    return {
        "done": "nothing that fits was found: try another seed, more candidates, or a smaller gap",
        "cancelled": "cancelled",
        "time": "time ran out before anything was decided: allow more time",
        "steps": "the denoise steps ran out before anything was decided: allow more steps",
    }[fill.stopped]
