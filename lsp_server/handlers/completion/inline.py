"""textDocument/inlineCompletion: what may stand at the cursor, as ghost text."""

from __future__ import annotations

import asyncio
import time

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server.code.text.positions import Encoding
from lsp_server.feedback.acceptance import Acceptance
from lsp_server.feedback.metrics import Metrics
from lsp_server.handlers.error_codes import with_codes
from lsp_server.handlers.feedback import acceptance_of
from lsp_server.handlers.positions import to_lsp
from lsp_server.handlers.progress import Progress
from lsp_server.handlers.refusals import NOTHING_FITS, Refusals
from lsp_server.session.jobs import CANCELLED
from lsp_server.session.session import Session
from lsp_server.suggestions.choice import choice_of
from lsp_server.suggestions.fills import Fills
from lsp_server.suggestions.question import Question, at_cursor, behind_entry
from lsp_server.suggestions.service import Suggester
from lsp_server.suggestions.suggestion import Suggestion, shown_to
from lsp_server.types import Region

SHOWN_AFTER_S = 0.5
"""Show progress to a user who asked, once the answer takes longer: mostly the model reads the file for the first time then."""


def register(
    server: LanguageServer,
    session: Session,
    suggester: Suggester,
    fills: Fills,
    acceptance: Acceptance,
    metrics: Metrics,
) -> None:
    """Add this family's handlers to `server`."""
    refusals = Refusals(server, session)

    @server.feature(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, lsp.InlineCompletionOptions())
    @with_codes
    async def inline_completion(params: lsp.InlineCompletionParams) -> list[lsp.InlineCompletionItem]:
        automatic = params.context.trigger_kind == lsp.InlineCompletionTriggerKind.Automatic
        if refusal := session.why_left_alone(params.text_document.uri):
            if not automatic:
                refusals.tell(params.text_document.uri, refusal)
            return []
        options = session.options_of(params.text_document.uri)
        if automatic and not (session.loading.loaded and options.automatic):
            return []
        question = _question(session, params)
        if question is None or (automatic and question.crowded):
            return []
        started = time.perf_counter()
        metrics.count("requests")
        uri = question.now.uri
        progress = (
            None
            if automatic
            else Progress(
                server,
                "dlm-fill: reading and filling",
                on_cancel=lambda: session.jobs.interrupt(uri, CANCELLED),
                after_s=SHOWN_AFTER_S,
            )
        )
        try:
            found = await suggester.suggest(
                question,
                asked=1 if automatic else options.candidates,
                automatic=automatic,
            )
        except asyncio.CancelledError:
            metrics.count("cancelled")
            raise
        finally:
            if progress is not None:
                progress.end("")
        if not session.documents.is_current(question.now):
            metrics.drop("the document changed meanwhile")
            return []
        shown = shown_to(found, automatic=automatic, most=options.candidates)
        if found and not shown:
            metrics.drop("not sure enough" if all(s.unsure for s in found) else "does not parse")
        if not shown and not automatic:
            refusals.tell(question.now.uri, NOTHING_FITS)
        offer = 0
        if shown:
            metrics.count("suggested")
            metrics.took(1000 * (time.perf_counter() - started))
            texts = [suggestion.text for suggestion in shown]
            offer = acceptance.offered(question.now.uri, texts, question.offset, question.snapshot.source)
            choice = choice_of(question, [*shown, *(other for other in found if other not in shown)])
            fills.shown(question.now.uri, choice, count=len(shown))
        encoding = session.documents.encoding
        return [_item(question, suggestion, encoding, (offer, number)) for number, suggestion in enumerate(shown)]


def _question(session: Session, params: lsp.InlineCompletionParams) -> Question | None:
    """What is asked; None if a selected entry's range lies on several lines, which no answer may.

    Raises InputError for a document that cannot be read.
    """
    documents = session.documents
    now = documents.snapshot(params.text_document.uri)
    selected = params.context.selected_completion_info
    if selected is None:
        return at_cursor(documents, now, line=params.position.line, column=params.position.character)
    start, end = selected.range.start, selected.range.end
    if start.line != end.line:
        return None
    places = (start.line, start.character), (end.line, end.character)
    return behind_entry(documents, now, start=places[0], end=places[1], chosen=selected.text)


def _item(
    question: Question, suggestion: Suggestion, encoding: Encoding, place: tuple[int, int]
) -> lsp.InlineCompletionItem:
    """The item: its range on one line; a selected entry is extended, in that entry's own range.

    Its command, which editors run when it was accepted as a whole, counts that: `place` is (the offer's number, its place in the list).
    """
    span = question.span or Region(question.offset, question.offset + suggestion.replaces)
    return lsp.InlineCompletionItem(
        insert_text=question.chosen + suggestion.text,
        range=to_lsp(question.index, span, encoding),
        command=acceptance_of(question.now.uri, *place),
    )
