"""Suggestions for a cursor: from the cache, from a request that is under way, or from the model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lsp_server import pipeline
from lsp_server.feedback.metrics import Metrics
from lsp_server.session.jobs import Interrupted
from lsp_server.session.session import Session
from lsp_server.suggestions.ahead import ReadAhead
from lsp_server.suggestions.cache import Cache, CachedSuggestions, State
from lsp_server.suggestions.question import Question
from lsp_server.suggestions.suggestion import Suggestion, suggestions_of
from lsp_server.types import Region
from model.types import Budget, Cancelled, Filler, FillEvent, FillOptions, OnEvent

_MAX_TIME_S = 2.0  # ghost text that comes later meets a reader who has moved on
READING_S = 3.0
"""Wait this long for the model to read the place, for a user who has stopped typing there."""
PATIENCE_S = 0.15
"""Answer an automatic request without the network where reading the context would take longer; read it afterwards."""
NO_PATIENCE_S = -1.0
UNREAD = "the model had not read the place"


@dataclass(kw_only=True, eq=False)
class _Run:
    """A request under way. `guess`: how its text begins as far as is known; `cursor`: where the user is by now."""

    question: Question
    asked: int
    cursor: int
    task: asyncio.Task[tuple[Suggestion, ...]] = field(init=False)
    guess: str = ""
    typed: str = ""
    waiting: int = 0
    interrupted: bool = False

    def see(self, event: FillEvent) -> None:
        """Note how the text begins. Called on the filling thread; assignments are all it does."""
        self.guess = "".join(token.text for token in event.holes[0])


class Suggester:
    """Answers questions of one connection. Everything but the filling runs on the event loop's thread."""

    def __init__(self, session: Session, metrics: Metrics) -> None:
        self._session, self._metrics = session, metrics
        self.ahead = ReadAhead(session)
        self._cache = Cache()
        self._runs: dict[str, _Run] = {}

    async def suggest(
        self, question: Question, *, asked: int, automatic: bool, on_event: OnEvent | None = None
    ) -> tuple[Suggestion, ...]:
        """The suggestions for `question`, best first; none when it was interrupted.

        A request for what is being filled already waits for that. `on_event` sees the denoising, if this
        request starts it. Cancelling stops the filling once nobody waits for it. Raises ModelError.
        """
        uri, source, offset = question.now.uri, question.snapshot.source, question.offset
        run = self._runs.get(uri)
        if run is not None and self._serves(run, question, asked):
            suggestions = await self._wait(run)
            if _same(run.question, question):
                return suggestions
            if run.interrupted or not self._session.documents.is_current(question.now):
                return ()  # what took its place must not be displaced in turn
        made = self._cache.find(uri, source, offset, asked=asked)
        if made is not None and not automatic and any(s.unsure for s in made.suggestions):
            # Who asked for it and types it goes on seeing it.
            made = replace(made, suggestions=tuple(replace(s, unsure=False) for s in made.suggestions))
            self._cache.put(uri, State.of(source, offset, question.gap.closers), made)
        if made is not None:
            self._metrics.count("answered from the cache")
            return made.suggestions
        run = _Run(question=question, asked=asked, cursor=offset)
        run.task = asyncio.ensure_future(self._fill(run, automatic=automatic, on_event=on_event))
        self._runs[uri] = run
        run.task.add_done_callback(lambda _: self._runs.pop(uri) if self._runs.get(uri) is run else None)
        return await self._wait(run)

    def edited(self, uri: str, region: Region, text: str) -> bool:
        """Whether what runs for `uri` goes on although `text` has just taken the place of `region`.

        It does if the user types, at the cursor, what the text under way begins with: then the answer to
        come is one for the next request, too.
        """
        run = self._runs.get(uri)
        if run is None or region != Region(run.cursor, run.cursor) or run.question.span is not None:
            return False
        typed = run.typed + text
        if not text or not run.guess.startswith(typed):
            return False
        run.typed, run.cursor = typed, run.cursor + len(text.encode())
        return True

    def forget(self, uri: str) -> None:
        """Drop what is remembered of a document that was closed."""
        self._cache.drop(uri)
        self.ahead.forget(uri)

    def forget_all(self) -> None:
        """Drop what is remembered of every document: another model says something else."""
        self._cache = Cache()

    def _serves(self, run: _Run, question: Question, asked: int) -> bool:
        same = _same(run.question, question)
        typed_on = bool(run.typed) and run.cursor == question.offset and question.span is None
        return run.asked >= asked and not run.task.done() and (same or typed_on)

    async def _wait(self, run: _Run) -> tuple[Suggestion, ...]:
        """What `run` brings; whoever leaves last takes it along, unless the user is typing what it says."""
        run.waiting += 1
        try:
            return await asyncio.shield(run.task)
        finally:
            run.waiting -= 1
            if not run.waiting and not run.task.done() and not run.typed:
                run.task.cancel()

    async def _fill(self, run: _Run, *, automatic: bool, on_event: OnEvent | None) -> tuple[Suggestion, ...]:
        question = run.question
        settings = self._session.options_of(question.now.uri)
        options = FillOptions(
            candidates=run.asked,
            budget=Budget(max_time_s=settings.max_time_s(default=_MAX_TIME_S)),
            mend="searching" if automatic else "all",
            share_other_files=settings.send_other_files,
            patience_s=PATIENCE_S if automatic else None,
            may_stay_empty=automatic,
        )

        others, cells = self._session.other_files(question.now), self._session.cells(question.now)

        def see(event: FillEvent) -> None:
            run.see(event)
            if on_event is not None:
                on_event(event)

        def work(filler: Filler, cancelled: Cancelled) -> tuple[tuple[Suggestion, ...], Sequence[str], str]:
            slow = automatic and not filler.info.keeps_up
            filled = pipeline.run(
                question.snapshot,
                (question.gap,),
                filler,
                replace(options, patience_s=NO_PATIENCE_S) if slow else options,
                cancelled=cancelled,
                on_event=see,
                exclusions=self._session.exclusions,
                other_files=others,
                cells=cells,
            )
            wanted = self._session.options_of(question.now.uri).min_confidence
            least = filler.info.min_confidence if wanted is None else wanted
            if not automatic:  # who asks sees what there is, also while typing it
                filled, least = replace(filled, fill=replace(filled.fill, nothing=None)), 0.0
            return *suggestions_of(question, filled, min_confidence=least), filled.fill.stopped

        outcome = await self._session.jobs.run(question.now.uri, work, automatic=automatic)
        if not isinstance(outcome, Interrupted) and outcome[2] == "unread":
            self._metrics.drop(UNREAD)
            self.ahead.wanted(question.now.uri, question.offset)
            waits = not outcome[0] and await self.ahead.has_read(most_s=READING_S)
            if waits and self._session.documents.is_current(question.now):
                outcome = await self._session.jobs.run(question.now.uri, work, automatic=automatic)
        if isinstance(outcome, Interrupted):
            run.interrupted = True
            self._metrics.drop(outcome.reason)
            return ()
        suggestions, dropped, stopped = outcome
        for reason in dropped:
            self._metrics.drop(reason)
        if stopped in ("done", "steps") or suggestions:
            state = State.of(question.snapshot.source, question.offset, question.gap.closers)
            self._cache.put(question.now.uri, state, CachedSuggestions(suggestions=suggestions, asked=run.asked))
        return suggestions


def _same(one: Question, other: Question) -> bool:
    """Whether both ask for the same state of the document."""
    return one.offset == other.offset and one.snapshot.source == other.snapshot.source
