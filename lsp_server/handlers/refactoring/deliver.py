"""A refactoring is sent to the editor until the document shows it, as fills are: see `handlers.filling.deliver`.

If the editor passed over it because the document was edited elsewhere, it is made again for the document as it is: what was
typed may hold another place of the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from lsp_server.errors import StaleDocument
from lsp_server.handlers.filling.deliver import MOST_SENT_AGAIN, until_known
from lsp_server.handlers.refactoring.refactor import PreparedRefactoring, made_again, workspace_edit
from lsp_server.session.session import Session
from lsp_server.suggestions.delivery import Fate
from lsp_server.suggestions.fills import Fills
from lsp_server.transforms.refactoring import Refactoring


@dataclass(frozen=True, kw_only=True)
class DeliveredRefactoring:
    """What the editor has made of `made`. `confirmed`: the document shows it, and not only the editor says so."""

    made: PreparedRefactoring
    confirmed: bool


@dataclass(frozen=True, kw_only=True)
class RefactoringCourier:
    """Takes refactorings to the editor."""

    server: LanguageServer
    session: Session
    fills: Fills
    among: Sequence[Refactoring]

    async def deliver(self, made: PreparedRefactoring) -> DeliveredRefactoring:
        """Have the editor make the change. Raises StaleDocument if it is not there, and what `made_again` raises."""
        if made.done.change.new_file:
            await self._asked(made)
            return DeliveredRefactoring(made=made, confirmed=False)
        for left in range(MOST_SENT_AGAIN, -1, -1):
            fate = await self._sent(made)
            if fate is not Fate.MISSING:
                return DeliveredRefactoring(made=made, confirmed=fate is Fate.LANDED)
            if left:
                made = made_again(self.session, made, self.among)
        raise StaleDocument("nothing changed: newer text came each time; ask again when you pause")

    async def _sent(self, made: PreparedRefactoring) -> Fate | None:
        """What became of the change; None if nothing but the editor's answer tells that it was made."""
        delivery = self.fills.follow(made.done.results[0].edits, made.snapshot)
        try:
            said = ""
            try:
                await self._asked(made)
            except StaleDocument as refusal:
                said = str(refusal)
            if not said and made.snapshot.version is not None:
                await until_known(delivery)
        finally:
            self.fills.settled(made.snapshot.uri, delivery)
        fate = delivery.fate()
        if fate is Fate.LANDED:
            return fate
        if delivery.closed:
            raise StaleDocument("nothing changed: the document was closed meanwhile")
        if said and not delivery.changes:
            raise StaleDocument(said)
        if not delivery.changes:
            return None
        if fate is Fate.GONE:
            raise StaleDocument("the document does not show all of the change: it was edited meanwhile; ask again")
        return fate

    async def _asked(self, made: PreparedRefactoring) -> None:
        """Have the editor apply the edit, for this version alone. Raises StaleDocument if it says that it did not."""
        label = f"dlm-fill: {made.done.change.summary}"
        params = lsp.ApplyWorkspaceEditParams(label=label, edit=workspace_edit(self.server, self.session, made))
        try:
            answer = await self.server.workspace_apply_edit_async(params)
        except JsonRpcException as error:
            answer = lsp.ApplyWorkspaceEditResult(applied=False, failure_reason=error.message)
        if not answer.applied:
            raise StaleDocument(f"the editor did not apply it: {answer.failure_reason or 'no reason given'}")
