"""Why somebody who asked gets nothing: told once, in a line with the remedy. Whoever just types is not interrupted."""

from __future__ import annotations

from pygls.lsp.server import LanguageServer

from lsp_server.handlers.messages import tell
from lsp_server.session.session import Session

NOTHING_FITS = "nothing that fits was found here: write a little more around it"


class Refusals:
    """Of one connection: what was told of which document is not told again."""

    def __init__(self, server: LanguageServer, session: Session) -> None:
        self._server, self._session = server, session
        self._told: set[tuple[str, str]] = set()

    def tell(self, uri: str, reason: str) -> None:
        """Show the user why nothing comes in the document at `uri`, unless that was shown before."""
        if reason and (uri, reason) not in self._told:
            self._told.add((uri, reason))
            tell(self._server, self._session, reason)
