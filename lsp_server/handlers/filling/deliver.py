"""An edit is sent to the editor until the document shows it.

Some editors pass over an edit because they have edited the document since, and answer that it was applied (Neovim);
others answer that it was not. As long as its place is still there, the edit is made for the document as it is and sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from lsp_server.feedback.metrics import Metrics
from lsp_server.handlers.filling.fill import workspace_edit
from lsp_server.session.session import Session
from lsp_server.suggestions.choice import Choice
from lsp_server.suggestions.delivery import Delivery, Fate
from lsp_server.suggestions.fills import Fills
from lsp_server.types import Edit, Snapshot

MOST_SENT_AGAIN = 3
PATIENCE_S = 2.0
"""Trust an editor's answer when it has told of no change for so long: it may not tell of changes at all."""


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """What became of an edit. `refusal`: why it is not in the document; "" if it is, or if the editor says so.

    `confirmed`: the document shows it. `said`: why the editor says that it did not. `delivery` knows where it belongs, or stands.
    """

    refusal: str = ""
    confirmed: bool = False
    said: str = ""
    delivery: Delivery


@dataclass(frozen=True, kw_only=True)
class Courier:
    """Takes edits to the editor, and counts what becomes of them."""

    server: LanguageServer
    session: Session
    fills: Fills
    metrics: Metrics

    async def deliver(self, choice: Choice, edits: Sequence[Edit], now: Snapshot) -> Delivered:
        """Have the editor apply `edits` of `now`, which put the choice's candidate there."""
        found = await self._sent(choice, edits, now)
        for _ in range(MOST_SENT_AGAIN):
            if (
                found.refusal
                or found.confirmed
                or found.delivery.fate() is not Fate.MISSING
                or not found.delivery.changes
            ):
                break
            self.metrics.count("fills sent again")
            now = self.session.documents.snapshot(now.uri)
            found = await self._sent(choice, found.delivery.again(now.version), now)
        if not found.refusal and not found.confirmed and (found.delivery.changes or found.delivery.closed):
            found = replace(found, refusal=_reason(found.delivery, found.said))
        self.metrics.count("fills not applied" if found.refusal else "fills applied")
        return found

    async def _sent(self, choice: Choice, edits: Sequence[Edit], now: Snapshot) -> Delivered:
        """Send the edits once. Without a refusal and not confirmed: the editor says that it applied them, or had newer text."""
        params = lsp.ApplyWorkspaceEditParams(label=_label(edits), edit=workspace_edit(now, edits, self.session))
        delivery = self.fills.send(choice, edits, now)
        try:
            try:
                answer = await self.server.workspace_apply_edit_async(params)
            except JsonRpcException as error:
                answer = lsp.ApplyWorkspaceEditResult(applied=False, failure_reason=error.message)
            if answer.applied and now.version is not None:
                await until_known(delivery)
        finally:
            self.fills.settled(now.uri, delivery)
        if delivery.fate() is Fate.LANDED:
            return Delivered(confirmed=True, delivery=delivery)
        said = "" if answer.applied else answer.failure_reason or "no reason given"
        return Delivered(
            refusal=_reason(delivery, said) if said and not delivery.changes else "", said=said, delivery=delivery
        )


async def until_known(delivery: Delivery) -> None:
    """Wait until the document shows what became of the edits; at most as long as an editor may take to tell of a change."""
    before = delivery.changes
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not delivery.closed:
                fate = delivery.fate()
                if fate is Fate.LANDED or (fate is Fate.MISSING and delivery.changes > before):
                    return
                await delivery.news()
    except TimeoutError:
        return


def _reason(delivery: Delivery, said: str) -> str:
    """Why the edits are not in the document. `said`: what the editor answered, if not that it applied them."""
    if delivery.closed:
        return "nothing filled: the document was closed meanwhile"
    if delivery.fate() is Fate.GONE:
        return "nothing filled: the document changed meanwhile where it was to be filled; ask again"
    if said:
        return f"the editor did not apply the fill: {said}"
    return "nothing filled: newer text came each time; ask again when you pause"


def _label(edits: Sequence[Edit]) -> str:
    return "dlm-fill: fill a gap" if len(edits) == 1 else f"dlm-fill: fill {len(edits)} gaps"
