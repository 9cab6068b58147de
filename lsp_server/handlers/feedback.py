"""dlm/status to the client; dlm/didShow, dlm/didAccept and dlm/didReject from it.

The client's notifications are `{uri}`, and `{uri, acceptedLength}` for dlm/didAccept, in UTF-16 units.
"""

from __future__ import annotations

from typing import Any

from pygls.lsp.server import LanguageServer

from lsp_server.feedback.acceptance import Acceptance

DID_SHOW, DID_ACCEPT, DID_REJECT = "dlm/didShow", "dlm/didAccept", "dlm/didReject"
_MOST_CHARACTERS = 1 << 20


def register(server: LanguageServer, acceptance: Acceptance) -> None:
    """Add this family's handlers to `server`. What is malformed is passed over: these are only counts."""

    @server.feature(DID_SHOW)
    def did_show(params: Any) -> None:
        acceptance.shown(_uri(params))

    @server.feature(DID_ACCEPT)
    def did_accept(params: Any) -> None:
        acceptance.accepted(_uri(params), _length(params))

    @server.feature(DID_REJECT)
    def did_reject(params: Any) -> None:
        acceptance.rejected(_uri(params))


def _uri(params: Any) -> str:
    uri = getattr(params, "uri", "")
    return uri if isinstance(uri, str) else ""


def _length(params: Any) -> int | None:
    length = getattr(params, "acceptedLength", None)
    good = isinstance(length, int) and not isinstance(length, bool) and 0 <= length <= _MOST_CHARACTERS
    return length if good else None
