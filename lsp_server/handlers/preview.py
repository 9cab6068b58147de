"""dlm/preview: what the holes hold, masks at first and then after each denoise step, for clients that ask for it.

`{uri, version, holes: [{range, tokens: [{text, confidence, open}]}], step, forwardPasses}`. `range` is what the hole
takes the place of, in the document of that version; it is not on one line where the hole is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from pygls.lsp.server import LanguageServer

from lsp_server.code.text.positions import LineIndex
from lsp_server.handlers.positions import to_lsp
from lsp_server.session.session import Session
from lsp_server.types import Gap, Snapshot
from model.types import FillEvent, OnEvent

PREVIEW = "dlm/preview"


def preview_of(server: LanguageServer, session: Session, snapshot: Snapshot, gaps: Sequence[Gap]) -> OnEvent | None:
    """What to call, from any thread, with each event of a fill of `gaps`; None if the client wants no previews."""
    if not session.options.preview:
        return None
    index, encoding = LineIndex(snapshot.source), session.documents.encoding
    ranges = [to_lsp(index, gap.region, encoding) for gap in gaps]
    loop = asyncio.get_running_loop()

    def send(event: FillEvent, passes: int) -> None:
        if session.documents.is_current(snapshot):
            server.protocol.notify(PREVIEW, _message(snapshot, ranges, event, passes))

    def seen(event: FillEvent) -> None:
        with suppress(RuntimeError):  # the loop is closed: the server has gone
            loop.call_soon_threadsafe(send, event, event.forward_passes or event.step)

    return seen


def _message(snapshot: Snapshot, ranges: Sequence[Any], event: FillEvent, passes: int) -> dict[str, Any]:
    holes = [
        {
            "range": where,
            "tokens": [{"text": t.text, "confidence": round(t.confidence, 3), "open": t.open} for t in tokens],
        }
        for where, tokens in zip(ranges, event.holes, strict=True)
    ]
    return {
        "uri": snapshot.uri,
        "version": snapshot.version,
        "holes": holes,
        "step": event.step,
        "forwardPasses": passes,
    }
