"""The flow, as code: a snapshot with gaps goes in; candidates and the edits of the best one come out.

    snapshot, gaps -> cut -> FillRequest -> Filler -> tidy -> edits

Handlers and the command line call `run`; transforms make the gaps; nothing here knows LSP or a model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import TypeAlias

from lsp_server.code.checking.accept import fits, offending, whole
from lsp_server.code.checking.syntax_checker import SyntaxChecker
from lsp_server.code.text.edits import edit_of
from lsp_server.postprocess.same_everywhere import said_everywhere, without_said_everywhere
from lsp_server.postprocess.tidy import tidied
from lsp_server.types import Cells, Edit, Filled, Gap, Snapshot
from lsp_server.window import window
from lsp_server.workspace.exclusions import Exclusions
from lsp_server.workspace.other_files.gather import OtherFiles
from model.types import Cancelled, Candidate, Fill, Filler, FillEvent, FillOptions, FillRequest, OnEvent, Span

Fitted: TypeAlias = Callable[[tuple[str, ...]], tuple[tuple[str, str], ...]]
Verdict: TypeAlias = Callable[[tuple[str, ...]], bool | None]

_CONTEXT_SHARES = (1, 2, 4)  # of the context: when memory runs out, a part of it may do
_CHECKS_SHARE = 1.1
"""Syntax is checked until this share of a request's time is over: a little longer than the model writes, so that what it
wrote last is judged."""


def run(
    snapshot: Snapshot,
    gaps: Sequence[Gap],
    filler: Filler,
    options: FillOptions,
    *,
    cancelled: Cancelled,
    on_event: OnEvent | None = None,
    exclusions: Exclusions | None = None,
    other_files: OtherFiles | None = None,
    cells: Cells | None = None,
) -> Filled:
    """Fill all `gaps` (in the order of the file, apart from each other) jointly.

    Raises Excluded when no model may see the file, by the rules of `exclusions` (None: of the file's own place):
    there is no other way to a filler. `other_files` gathers texts of others, for fillers that read them. `cells` are
    those around it if it is one of a notebook: they stand before and after it as one file, as far as there is room. Raises
    model.errors.BadRequest when the model cannot meet the options. When memory runs out, a shorter context is tried.
    Cancelled, out of time and nothing acceptable are results: no edits, and a reason. `on_event` is told of masks in all gaps
    before anything is read, then of each step.
    """
    gate = exclusions or Exclusions()
    gate.check(snapshot.uri)
    if cells is not None:
        gate.check(cells.notebook)
    gaps = tuple(gaps)
    if on_event is not None:
        on_event(FillEvent.of_masks([gap.hole for gap in gaps]))
    # The engine asks about the same texts again and again, and each answer takes a parse or several.
    checker = SyntaxChecker(snapshot, spent=_over(time.perf_counter(), options.budget.max_time_s))
    fitted = cache(lambda texts: _tidied(snapshot, gaps, texts, checker))
    verdict = cache(lambda tidied_texts: whole(snapshot, gaps, tidied_texts, checker=checker))

    @cache
    def accepts(texts: tuple[str, ...]) -> tuple[Span, ...] | None:
        """What to fill anew; the parts to blame only where that is done, for to find them takes another parse."""
        tidy_texts = [text for text, _ in fitted(texts)]
        if again := said_everywhere(gaps, tidy_texts):
            return tuple(Span(hole=n, start=0, end=len(texts[n])) for n in again) if options.mend == "all" else ()
        if options.mend == "all":
            return offending(snapshot, gaps, texts, tidied=tidy_texts, checker=checker)
        return None if fits(snapshot, gaps, tidy_texts, checker=checker) else ()

    info = filler.info
    others_read = info.reads_other_files and (options.share_other_files or not info.sent_to)
    others = other_files(cancelled) if other_files is not None and others_read else ()
    for share in _CONTEXT_SHARES:
        started = time.perf_counter()
        template, left_out = window(snapshot, gaps, filler, cells, share=share)
        cut_ms = (time.perf_counter() - started) * 1000
        request = FillRequest(
            **vars(options),
            template=template,
            language=snapshot.language.name,
            extra_context=left_out,
            other_files=others,
            parses=lambda texts: verdict(tuple(text for text, _ in fitted(texts))),
            accepts=accepts,
        )
        try:
            fill = filler.fill(request, cancelled=cancelled, on_event=on_event)
            break
        except Exception as error:
            if not _out_of_memory(error) or share == _CONTEXT_SHARES[-1]:
                raise
    acceptable, dropped = _acceptable(fill.candidates, fitted, verdict, gaps)
    sound = not any(checker.broken_at(gap.region) for gap in gaps)
    # What parses comes first, also where the model likes another text better: the sort is stable.
    acceptable = tuple(sorted(acceptable, key=lambda candidate: sound and candidate.parses is False))
    if any(gap.hole.strength < 1 for gap in gaps):
        acceptable = _improvements(acceptable, gaps, sound=sound)
    fill = replace(fill, candidates=acceptable[: options.candidates])
    best = fill.candidates[0] if fill.candidates else None
    return Filled(
        gaps=gaps,
        template=template,
        fill=fill,
        edits=edits_of(snapshot, gaps, best.texts) if best else (),
        reason="" if best else _reason(fill, gaps),
        cut_ms=cut_ms,
        spare=acceptable[options.candidates :],
        dropped=dropped,
        breaks=best is not None and best.parses is False and sound,
    )


def _over(began: float, max_time_s: float | None) -> Callable[[], bool]:
    """Whether no more syntax is to be checked for a request that began then."""
    return lambda: max_time_s is not None and time.perf_counter() - began >= _CHECKS_SHARE * max_time_s


def _out_of_memory(error: Exception) -> bool:
    """Whether memory ran out, the device's or ours: each runtime has an error of its own for it."""
    return isinstance(error, MemoryError) or "out of memory" in str(error).lower()


def edits_of(snapshot: Snapshot, gaps: Sequence[Gap], texts: Sequence[str]) -> tuple[Edit, ...]:
    """The edits that put `texts` (tidied, one per gap) into the file."""
    return tuple(edit_of(snapshot, gap, text) for gap, text in zip(gaps, texts, strict=True))


def _acceptable(
    candidates: Iterable[Candidate], fitted: Fitted, verdict: Verdict, gaps: Sequence[Gap]
) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """The candidates tidied, without those that say the same as a better one; why the blank ones are left out."""
    kept: dict[tuple[str, ...], Candidate] = {}
    dropped: list[str] = []
    for candidate in candidates:
        done = fitted(candidate.texts)
        texts = tuple(text for text, _ in done)
        if not any(text.strip() for text in texts):
            dropped.append(done[0][1])
            continue
        texts, said = without_said_everywhere(gaps, texts), texts
        if texts not in kept:
            whole_file = verdict(texts) if candidate.parses is None or texts != said else candidate.parses
            kept[texts] = replace(candidate, texts=texts, parses=whole_file)
    return tuple(kept.values()), tuple(dropped)


def _tidied(
    snapshot: Snapshot, gaps: Sequence[Gap], texts: Sequence[str], checker: SyntaxChecker
) -> tuple[tuple[str, str], ...]:
    """Each text tidied, with the reason if nothing remains of it."""
    return tuple(tidied(snapshot, gap, text, checker=checker) for gap, text in zip(gaps, texts, strict=True))


def _improvements(candidates: tuple[Candidate, ...], gaps: Sequence[Gap], *, sound: bool) -> tuple[Candidate, ...]:
    """Of candidates to rewrite `gaps` with, those that may be better than the old text: none if that is the best of them.

    Where the old text parses (`sound`), one that does not is not better.
    """
    old = tuple(gap.hole.old_text for gap in gaps)
    if candidates and candidates[0].texts == old:
        return ()
    return tuple(c for c in candidates if c.texts != old and not (sound and c.parses is False))


def _reason(fill: Fill, gaps: Sequence[Gap]) -> str:
    rewriting = any(gap.hole.strength < 1 for gap in gaps)
    return {
        "done": "nothing to change: nothing better than what stands there was found"
        if rewriting
        else "nothing that fits was found: try another seed or a smaller gap",
        "cancelled": "cancelled",
        "time": "time ran out before anything was decided: allow more time",
        "steps": "the denoise steps ran out before anything was decided: allow more steps",
        "unread": "the model has not read this place yet: ask again in a moment",
    }[fill.stopped]
