"""dlm/didMoveCursor from the client: where the cursor is, so that the model reads the text around it before it is asked.

The notification is `{textDocument: {uri}, position}`, sent when the cursor moves or another document comes into focus. Who
sends none is served all the same: requests, code actions and edits tell, too, but later.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from pygls.lsp.server import LanguageServer

from lsp_server.errors import InputError
from lsp_server.session.session import Session
from lsp_server.suggestions.ahead import ReadAhead

DID_MOVE_CURSOR = "dlm/didMoveCursor"


def register(server: LanguageServer, session: Session, ahead: ReadAhead) -> None:
    """Add this family's handlers to `server`. What is malformed is passed over: it is only a hint."""

    @server.feature(DID_MOVE_CURSOR)
    def did_move_cursor(params: Any) -> None:
        document, position = getattr(params, "textDocument", None), getattr(params, "position", None)
        uri, line, column = getattr(document, "uri", None), _number(position, "line"), _number(position, "character")
        if not isinstance(uri, str) or line is None or column is None:
            return
        documents = session.documents
        with suppress(InputError):
            now = documents.snapshot(uri)
            ahead.rests(now.uri, documents.index(now).offset(line, column, documents.encoding))


def _number(position: Any, name: str) -> int | None:
    value = getattr(position, name, None)
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if good else None
