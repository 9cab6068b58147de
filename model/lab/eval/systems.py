"""What is compared: the engine, the network without drafts, and two baselines without a model."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from model.backends.builtin.tokenizer import CodeTokenizer
from model.backends.locate import directory_of
from model.errors import BadRequest
from model.filler import open_filler
from model.infill.decoding.samplers import sampler
from model.infill.drafts.matches import drafts_for
from model.infill.encoding import Codec, encode_prompt
from model.lab.eval.cases import Case
from model.lab.eval.measure import CaseResult, judge, parses
from model.lab.eval.served import DEFAULTS, SERVED, Serve, Told
from model.lab.eval.workspace import EvalWorkspace
from model.types import Budget, Fill, Filler, FillOptions, FillRequest, Hole, Template

System: TypeAlias = Callable[[Case], CaseResult]
NEAR_CHARACTERS = 9_000
"""Handed over as context on each side; the filler keeps what it has room for. Drafts see the whole file."""
ONE_LINE = ("line", "rest", "identifier", "argument", "SingleLineInfilling")
SYSTEMS = ("engine", "model", "longest-match", "previous-line")
ORACLE = "oracle-length"
WITH_FILES = "engine+files"
"""The engine, told of other files of the package."""


def previous_line(case: Case) -> CaseResult:
    """Baseline: the last line before the hole that is not blank."""
    lines = [line for line in case.prefix.split("\n")[:-1] if line.strip()]
    return judge(case, lines[-1] if lines else "")


def longest_match(case: Case) -> CaseResult:
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


def request_of(case: Case, *, options: FillOptions = DEFAULTS, other_files: tuple[str, ...] = ()) -> FillRequest:
    """The case as the server would ask: near text as context, the rest of the file and others as source of drafts."""
    template = template_of(case)
    whole = len(case.prefix) + len(case.suffix) <= sum(map(len, template.pieces))
    return FillRequest(
        **vars(options),
        template=template,
        language="python",
        extra_context=() if whole else (case.prefix[-100_000:], case.suffix[:100_000]),
        other_files=other_files,
        parses=lambda texts: parses(case.prefix + texts[0] + case.suffix),
    )


def filler_system(filler: Filler, *, options: FillOptions = DEFAULTS, workspace: EvalWorkspace | None = None) -> System:
    """A filler as users meet it; told of other files if there is a workspace."""

    def solve(case: Case) -> CaseResult:
        others = workspace.others(case) if workspace else ()
        return _filled(filler, case, request_of(case, options=options, other_files=others))

    return solve


def oracle_system(filler: Filler, tokenizer: Codec, *, options: FillOptions = DEFAULTS) -> System:
    """The same filler, told how many tokens the truth takes in the hole: what the choice of length costs.

    Counted as the engine lays the hole out: a token that reaches into the hole counts, and where the line
    stands matters. A truth longer than the canvas is missed, as it is with a free length.
    """
    context_tokens = filler.info.context_tokens

    def solve(case: Case) -> CaseResult:
        request = request_of(case, options=options)
        encoded = encode_prompt(request.template, tokenizer, context_tokens=context_tokens)
        length = len(encoded.encode(tokenizer, 0, case.middle))
        told = replace(request, template=template_of(case, length_tokens=length))
        try:
            return _filled(filler, case, told)
        except BadRequest:
            filler.fill(replace(request, budget=Budget(max_forward_passes=1)))  # raises if the length is not the cause
            return judge(case, "")

    return solve


def served_system(filler: Filler, serve: Serve) -> System:
    """A filler within all that surrounds it, the time of which counts, too."""

    def solve(case: Case) -> CaseResult:
        started = time.perf_counter()
        fill = serve(filler, case.prefix, case.suffix, template_of(case).holes[0])
        return _judged(case, fill, ms=1000 * (time.perf_counter() - started))

    return solve


@dataclass(frozen=True, kw_only=True)
class SystemChoice:
    """A system by name, with what it takes to open it: in this process, or in another.

    `serve`: what the systems of `SERVED` need.
    """

    name: str
    model: str = "builtin"
    device: str = "auto"
    options: FillOptions = DEFAULTS
    serve: Serve | None = None

    def open(self) -> System:
        """Raises UnknownModel and UnknownDevice, and BadRequest for an unknown sampler."""
        sampler(self.options.sampler)
        if self.name == "previous-line":
            return previous_line
        if self.name == "longest-match":
            return longest_match
        filler = open_filler(self.model, device=self.device, drafts=self.name != "model")
        if self.name in SERVED:
            assert self.serve is not None, "the command line asks for it"
            return served_system(Told(filler, self.name, options=self.options), self.serve)
        if self.name == ORACLE:
            tokenizer = CodeTokenizer(directory_of(self.model) / "tokenizer.json")
            return oracle_system(filler, tokenizer, options=self.options)
        workspace = EvalWorkspace() if self.name == WITH_FILES else None
        return filler_system(filler, options=self.options, workspace=workspace)


def _filled(filler: Filler, case: Case, request: FillRequest) -> CaseResult:
    started = time.perf_counter()
    fill = filler.fill(request)
    return _judged(case, fill, ms=1000 * (time.perf_counter() - started))


def _judged(case: Case, fill: Fill, *, ms: float) -> CaseResult:
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
