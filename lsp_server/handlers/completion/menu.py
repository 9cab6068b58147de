"""textDocument/completion: first lines of fills as entries of the popup menu, for clients without inline completion.

A list of ours never keeps other sources waiting: what is not there in time is left to the next request, which
finds it in the cache.
"""

from __future__ import annotations

import asyncio

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server.feedback.metrics import Metrics
from lsp_server.handlers.completion.items import EntryForm, entries
from lsp_server.handlers.error_codes import with_codes
from lsp_server.session.session import Session
from lsp_server.suggestions.question import at_cursor
from lsp_server.suggestions.service import Suggester
from lsp_server.suggestions.suggestion import shown_to

DEADLINE_S = 0.3


def register(
    server: LanguageServer, session: Session, suggester: Suggester, metrics: Metrics, *, form: EntryForm
) -> None:
    """Add this family's handlers to `server`; the editor takes entries in that form."""

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=["."]))
    @with_codes
    async def completion(params: lsp.CompletionParams) -> lsp.CompletionList:
        uri = params.text_document.uri
        if session.options.completion_list is False or session.leaves_alone(uri) or not session.loading.loaded:
            return lsp.CompletionList(is_incomplete=True, items=[])
        now = session.documents.snapshot(uri)
        question = at_cursor(session.documents, now, line=params.position.line, column=params.position.character)
        if question.crowded:
            return lsp.CompletionList(is_incomplete=True, items=[])
        metrics.count("requests")
        asking = asyncio.ensure_future(suggester.suggest(question, asked=1, automatic=True))
        # Who gives up waiting must not stop the work: `wait` leaves it alone, also when it is cancelled itself.
        asking.add_done_callback(lambda asked: None if asked.cancelled() else asked.exception())
        await asyncio.wait({asking}, timeout=DEADLINE_S)
        if not asking.done():
            metrics.drop("too late for the completion list")
            return lsp.CompletionList(is_incomplete=True, items=[])
        found = shown_to(asking.result(), automatic=True, most=session.options_of(uri).candidates)
        if not session.documents.is_current(now):
            return lsp.CompletionList(is_incomplete=True, items=[])
        items = entries(question, found, encoding=session.documents.encoding, form=form)
        return lsp.CompletionList(is_incomplete=True, items=items)
