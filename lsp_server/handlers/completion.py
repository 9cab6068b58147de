"""textDocument/completion: first lines of fills as entries of the popup menu, for clients without inline completion.

A list of ours never keeps other sources waiting: what is not there in time is left to the next request, which
finds it in the cache.
"""

from __future__ import annotations

import asyncio
import re

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server.feedback.metrics import Metrics
from lsp_server.handlers.error_codes import with_codes
from lsp_server.handlers.positions import to_lsp
from lsp_server.session import Session
from lsp_server.source.closers import said_again
from lsp_server.source.positions import Encoding, line_around
from lsp_server.suggestions.question import Question, at_cursor
from lsp_server.suggestions.service import Suggester
from lsp_server.suggestions.suggestion import Suggestion, shown_to
from lsp_server.types import Region

DEADLINE_S = 0.3
_TOOL = "dlm-fill"
_WORD_BEFORE = re.compile(r"\w*\Z")
_LINE_END = re.compile(r"\r\n|\n|\r")
_AFTER_OTHERS = "zzzz"  # as `sortText`: entries that others are sure of come first


def register(server: LanguageServer, session: Session, suggester: Suggester, metrics: Metrics) -> None:
    """Add this family's handlers to `server`."""

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=["."]))
    @with_codes
    async def completion(params: lsp.CompletionParams) -> lsp.CompletionList:
        uri = params.text_document.uri
        if session.options.completion_list is False or session.leaves_alone(uri) or not session.loaded:
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
        items = _items(question, found, session.documents.encoding) if session.documents.is_current(now) else []
        return lsp.CompletionList(is_incomplete=True, items=items)


def _items(question: Question, suggestions: tuple[Suggestion, ...], encoding: Encoding) -> list[lsp.CompletionItem]:
    """An item for each different first line. Its edit begins with the word at the cursor, by which clients filter."""
    source, offset = question.snapshot.source, question.offset
    found = _WORD_BEFORE.search(source[line_around(source, offset).start : offset].decode("utf-8"))
    word = found.group() if found else ""
    heads = dict.fromkeys(_LINE_END.split(s.text, maxsplit=1)[0] for s in suggestions)
    items = []
    for place, head in enumerate(filter(str.strip, heads)):
        span = Region(offset - len(word.encode()), offset + said_again(head, question.gap.closers))
        items.append(
            lsp.CompletionItem(
                label=(word + head).strip(),
                label_details=lsp.CompletionItemLabelDetails(description=_TOOL),
                detail=_TOOL,
                kind=lsp.CompletionItemKind.Text,
                sort_text=f"{_AFTER_OTHERS}{place:02}",
                filter_text=word + head,
                insert_text_format=lsp.InsertTextFormat.PlainText,
                text_edit=lsp.TextEdit(range=to_lsp(question.index, span, encoding), new_text=word + head),
            )
        )
    return items
