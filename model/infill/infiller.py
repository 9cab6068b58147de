"""Text in, text out with a local network: frame and prefill, then the stages of `model.infill.generation`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace

from model.backend import Backend, CachedContext, KeepsContexts, ReadsAhead
from model.errors import BadRequest
from model.infill.budget import BudgetMeter, Clock, Stopped
from model.infill.decoding.length import first_lengths
from model.infill.decoding.length_search import LengthSearch
from model.infill.decoding.samplers import sampler
from model.infill.decoding.start import sized
from model.infill.doubts.finding import doubted
from model.infill.drafts.elsewhere import OtherFiles
from model.infill.encoding import Codec, EncodedPrompt, encode_prompt, token_table
from model.infill.generation import Job, generate
from model.infill.holes.one_by_one import alone, needs_one_by_one, one_by_one
from model.infill.holes.pins import Split
from model.infill.hypothesis import Hypothesis
from model.infill.repair import judge
from model.infill.rerank.manners import Manners, with_nothing
from model.infill.rerank.nearby_text import nearby_text
from model.infill.rerank.ranking import Ranking
from model.infill.rewriting import better_than_the_old
from model.infill.selection import chosen, repaired, scored
from model.infill.sure_copy import sure_copy
from model.infill.trace.recorder import Recorder
from model.types import MOST_CANDIDATES, Cancelled, Candidate, Doubt, Fill, FillerInfo, FillRequest, OnEvent, Template

DRAFTS = 8
"""Copies proposed per request; 0 leaves the network alone (to measure it)."""


class Infiller:
    """A `Filler` over one network. It keeps the context cache of the last request, for the next to reuse."""

    def __init__(
        self,
        backend: Backend,
        codec: Codec,
        *,
        name: str,
        device: str,
        ranking: Ranking | None = None,
        manners: Manners | None = None,
        drafts: int = DRAFTS,
        clock: Clock = time.monotonic,
    ) -> None:
        self._backend, self._codec = backend, codec
        self._name, self._device = name, device
        self._ranking, self._clock, self._drafts = ranking, clock, drafts
        self._manners = manners or Manners()
        self._on_hypotheses: Callable[[list[Hypothesis]], None] | None = None
        self._table = token_table(codec, vocab_size=backend.spec.vocab_size)
        self._search = LengthSearch(backend)
        self._cached: CachedContext | None = None
        self._others = OtherFiles()

    def watch(self, on_hypotheses: Callable[[list[Hypothesis]], None]) -> None:
        """From now on tell what there was to choose from."""
        self._on_hypotheses = on_hypotheses

    @property
    def info(self) -> FillerInfo:
        spec = self._backend.spec
        return FillerInfo(
            name=self._name,
            device=self._device,
            context_tokens=spec.context_tokens,
            reads_other_files=spec.capabilities.scores and self._drafts > 0,
            min_confidence=self._manners.min_confidence,
            reads_ahead=isinstance(self._backend, ReadsAhead),
            keeps_up=spec.capabilities.keeps_up,
        )

    def count_tokens(self, text: str) -> int:
        return self._codec.count(text)

    @property
    def weighs_rewritings(self) -> bool:
        """Whether `Manners.rewrite_margin_nats` means anything to it: who fills hole by hole compares confidences."""
        return self._backend.spec.capabilities.denoises

    def with_manners(self, manners: Manners) -> Infiller:
        """The same engine with other thresholds."""
        other = copy(self)
        other._manners = manners  # noqa: SLF001  another of this class
        return other

    def fill(
        self, request: FillRequest, *, cancelled: Cancelled = lambda: False, on_event: OnEvent | None = None
    ) -> Fill:
        """See `Filler.fill`."""
        if any(hole.pinned for hole in request.template.holes):
            split = Split.of(request)
            return split.fill(self.fill(split.request, cancelled=cancelled, on_event=split.on_event(on_event)))
        if not 1 <= request.candidates <= MOST_CANDIDATES:
            raise BadRequest(f"{request.candidates} candidates: ask for 1 to {MOST_CANDIDATES}")
        if not self._backend.spec.capabilities.denoises and needs_one_by_one(request):
            return one_by_one(request, self.fill, clock=self._clock, cancelled=cancelled, on_event=on_event)
        meter = BudgetMeter(budget=request.budget, clock=self._clock)
        if request.other_files:
            others = self._others.most_similar(request.other_files, request.template.pieces) if self._drafts else ()
            request = replace(request, other_files=others)
        encoded = self._encoded(request)
        job_over = self._prepared(request, encoded, meter, cancelled, on_event)
        started = self._clock()
        unread = self._unread(request, encoded, meter, cancelled)
        if unread is not None:
            return unread
        cached = self._cached = self._backend.prefill(encoded.context, reuse=self._cached)
        prefill_ms = 1000 * (self._clock() - started)
        job = job_over(cached)
        started = self._clock()
        if self._search.needed:
            lengths = self._search.lengths(
                job.cached, job.request.template.holes, job.lengths, meter=meter, cancelled=cancelled
            )
            job = replace(job, lengths=lengths)
        found = generate(job)
        hypotheses, stopped = found.hypotheses, found.stopped
        if stopped != "cancelled" and not cancelled():
            hypotheses = repaired(job, scored(job, hypotheses), found.search)
            margin = self._manners.rewrite_margin_nats
            hypotheses = better_than_the_old(job, hypotheses, margin_nats=margin)
        if stopped == "cancelled" or cancelled():
            hypotheses, stopped = [], "cancelled"
        if self._on_hypotheses is not None:  # to fit the ranking on what there was to choose from
            self._on_hypotheses(hypotheses)
        candidates = chosen(job, hypotheses)
        fill = self._finished(
            candidates, meter, prefill_ms=prefill_ms, started=started, tokens=found.tokens, stopped=stopped
        )
        said = found.search.nothing if found.search is not None else None
        whole_lines = not request.template.pieces[0].rpartition("\n")[2].strip()
        nothing = self._manners.nothing.of(whole_lines=whole_lines) if self._manners.nothing else None
        fill = with_nothing(fill, said, nothing, may_stay_empty=request.may_stay_empty)
        if job.recorder is None:
            return fill
        return replace(fill, trace=job.recorder.trace(job.encoded, self._codec, hypotheses, candidates, self._ranking))

    def read_ahead(self, template: Template, *, stop: Cancelled) -> bool:
        """Read the context of a template's first hole before anybody asks for a fill. True when all of it has been read."""
        if not isinstance(self._backend, ReadsAhead):
            return True
        first = alone(template, 0, texts=("",) * len(template.holes))
        return self._backend.read(self._encoded(FillRequest(template=first)).context, stop=stop)

    def doubts(
        self, template: Template, *, wanted: Sequence[tuple[int, int]], cancelled: Cancelled = lambda: False
    ) -> tuple[Doubt, ...] | None:
        """See `Doubts.doubts`."""
        encoded = self._encoded(FillRequest(template=template))
        return doubted(template, encoded, self._backend, self._codec, wanted=wanted, cancelled=cancelled)

    def keep_contexts(self, count: int) -> None:
        """Keep the contexts of so many documents read, where the network keeps any: a server has more of them than an editor."""
        if isinstance(self._backend, KeepsContexts):
            self._backend.contexts = count

    def _unread(
        self, request: FillRequest, encoded: EncodedPrompt, meter: BudgetMeter, cancelled: Cancelled
    ) -> Fill | None:
        """Read the context, in slices; the fill if that is not to be waited for, or was stopped. Its time is not the budget's."""
        started = self._clock()
        copied: Candidate | None = None
        stopped: Stopped | None = "cancelled" if cancelled() else None
        if not stopped and isinstance(self._backend, ReadsAhead):
            if request.patience_s is not None and self._backend.unread_s(encoded.context) > request.patience_s:
                spec, limit = self._backend.spec, self._drafts
                copied = sure_copy(request, encoded, self._codec, spec, ranking=self._ranking, limit=limit)
                stopped = "unread"
            elif not self._backend.read(encoded.context, stop=cancelled):
                stopped = "cancelled"
        meter.restart()
        if not stopped:
            return None
        return self._finished(
            (copied,) if copied else (),
            meter,
            prefill_ms=1000 * (self._clock() - started),
            started=self._clock(),
            tokens=0,
            stopped=stopped,
        )

    def _encoded(self, request: FillRequest) -> EncodedPrompt:
        spec = self._backend.spec
        return encode_prompt(
            request.template,
            self._codec,
            context_tokens=spec.context_tokens,
            start_ids=spec.start_ids,
            end_ids=spec.end_ids,
        )

    def _prepared(
        self,
        request: FillRequest,
        encoded: EncodedPrompt,
        meter: BudgetMeter,
        cancelled: Cancelled,
        on_event: OnEvent | None,
    ) -> Callable[[CachedContext], Job]:
        """The job, but for the context that the network has yet to read. Raises BadRequest."""
        spec = self._backend.spec
        template = sized(request.template, encoded, self._codec)
        free = request.sampler == "auto" and request.steps is None
        chosen_sampler = sampler(spec.capabilities.sampler if free else request.sampler, steps=request.steps)
        lengths = first_lengths(
            template.holes,
            canvas_tokens=spec.canvas_tokens,
            count=self._codec.count,
            final_slot=spec.end_of_hole_id is not None,
        )
        judged_by = judge(template.holes, request.accepts)
        recorder = Recorder(self._clock) if request.trace else None
        return lambda cached: Job(
            request=replace(request, template=template),
            codec=self._codec,
            spec=spec,
            table=self._table,
            ranking=self._ranking,
            drafts=self._drafts,
            sampler=chosen_sampler,
            encoded=encoded,
            cached=recorder.watched(cached) if recorder else cached,
            lengths=lengths,
            meter=meter,
            cancelled=cancelled,
            on_event=on_event,
            recorder=recorder,
            judge=judged_by,
            around=nearby_text(encoded.pieces),
        )

    def _finished(
        self,
        candidates: tuple[Candidate, ...],
        meter: BudgetMeter,
        *,
        prefill_ms: float,
        started: float,
        tokens: int,
        stopped: Stopped,
    ) -> Fill:
        return Fill(
            candidates=candidates,
            forward_passes=meter.passes,
            tokens=tokens,
            prefill_ms=prefill_ms,
            denoise_ms=1000 * (self._clock() - started),
            stopped=stopped,
        )
