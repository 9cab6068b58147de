"""dlm/didShow, dlm/didAccept and dlm/didReject from the client; the command `dlm.didAccept`, which items carry.

The client's notifications are `{uri}`, and `{uri, acceptedLength}` for dlm/didAccept, in UTF-16 units. The command takes
`[{uri, offer, item}]`: the number of what was offered, and the place in its list, from 0. Clients that send neither are
counted by their text (see `Acceptance`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server.feedback.acceptance import Acceptance

DID_SHOW, DID_ACCEPT, DID_REJECT = "dlm/didShow", "dlm/didAccept", "dlm/didReject"
ACCEPTED = "dlm.didAccept"
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

    @server.command(ACCEPTED)
    async def accepted(arguments: list[Any]) -> None:
        given = arguments[0] if arguments else None
        if isinstance(given, Mapping) and isinstance(given.get("uri"), str):
            item, number = given.get("item"), given.get("offer")
            acceptance.accepted(
                given["uri"],
                None,
                item=item if isinstance(item, int) else 0,
                number=number if isinstance(number, int) else None,
            )


def acceptance_of(uri: str, offer: int, item: int) -> lsp.Command:
    """What an editor is to run when it has accepted the item of that place in an offer as a whole."""
    arguments = [{"uri": uri, "offer": offer, "item": item}]
    return lsp.Command(title="dlm-fill: count this", command=ACCEPTED, arguments=arguments)


def _uri(params: Any) -> str:
    uri = getattr(params, "uri", "")
    return uri if isinstance(uri, str) else ""


def _length(params: Any) -> int | None:
    length = getattr(params, "acceptedLength", None)
    good = isinstance(length, int) and not isinstance(length, bool) and 0 <= length <= _MOST_CHARACTERS
    return length if good else None
