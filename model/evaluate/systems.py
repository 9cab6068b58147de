"""What is compared: the engine, the network without drafts, and two baselines that need no model."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

from model.drafts import drafts_for
from model.evaluate.cases import Case
from model.evaluate.measure import Result, judge, parses
from model.types import Budget, Filler, FillRequest, Hole, Template

System: TypeAlias = Callable[[Case], Result]
NEAR_CHARACTERS = 9_000
"""Handed over as context on each side; the filler keeps what it has room for. Drafts see the whole file."""
ONE_LINE = ("line", "rest", "identifier", "argument")


def previous_line(case: Case) -> Result:
    """Baseline: the last line before the hole that is not blank."""
    lines = [line for line in case.prefix.split("\n")[:-1] if line.strip()]
    return judge(case, lines[-1] if lines else "")


def longest_match(case: Case) -> Result:
    """Baseline: what stands elsewhere in the file between the most similar surroundings."""
    started = time.perf_counter()
    lines = 1 if case.kind in ONE_LINE else None
    drafts = drafts_for((case.prefix, case.suffix), 0, (), 1, max_lines=lines)
    ms = 1000 * (time.perf_counter() - started)
    return judge(case, drafts[0].text if drafts else "", ms=ms)


def template_of(case: Case, *, length_tokens: int | None = None) -> Template:
    """The hole with what stands near it, whole lines."""
    prefix, suffix = case.prefix[-NEAR_CHARACTERS:], case.suffix[:NEAR_CHARACTERS]
    if len(prefix) < len(case.prefix):
        prefix = prefix[prefix.find("\n") + 1 :]
    if len(suffix) < len(case.suffix):
        suffix = suffix[: suffix.rfind("\n") + 1]
    hole = Hole(max_lines=1 if case.kind in ONE_LINE else None, length_tokens=length_tokens)
    return Template(pieces=(prefix, suffix), holes=(hole,))


def request_of(case: Case, *, sampler: str = "auto", max_time_s: float | None = None) -> FillRequest:
    """The case as the server would ask: near text as context, the rest of the file as source of drafts."""
    template = template_of(case)
    whole = len(case.prefix) + len(case.suffix) <= sum(map(len, template.pieces))
    return FillRequest(
        template=template,
        language="python",
        extra_context=() if whole else (case.prefix[-100_000:], case.suffix[:100_000]),
        sampler=sampler,
        budget=Budget(max_time_s=max_time_s),
        parses=lambda texts: parses(case.prefix + texts[0] + case.suffix),
    )


def filler_system(filler: Filler, *, sampler: str = "auto", max_time_s: float | None = None) -> System:
    """A filler as users meet it."""

    def solve(case: Case) -> Result:
        started = time.perf_counter()
        fill = filler.fill(request_of(case, sampler=sampler, max_time_s=max_time_s))
        ms = 1000 * (time.perf_counter() - started)
        if not fill.candidates:
            return judge(case, "", ms=ms, forward_passes=fill.forward_passes)
        best = fill.candidates[0]
        return judge(
            case,
            best.texts[0],
            ms=ms,
            forward_passes=fill.forward_passes,
            confidence=best.confidence,
            origin=best.origin,
        )

    return solve
