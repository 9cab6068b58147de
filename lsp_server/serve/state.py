"""What the page shows of a server: numbers, and the model's name."""

from __future__ import annotations

from typing import Any

from lsp_server.serve.served import Served


def state_of(served: Served) -> dict[str, Any]:
    """Counts since the start; `p50_ms` and `p95_ms` of the latest answers, those at hand left out (None without any)."""
    desk, watch = served.desk, served.desk.watch
    info = desk.info
    return {
        "model": info.name if info else "",
        "device": info.device if info else "",
        "sent_to": info.sent_to if info else "",
        "min_confidence": info.min_confidence if info else 0.0,
        "context_tokens": info.context_tokens if info else 0,
        "status": "error" if desk.failure else "ready" if info else "loading",
        "message": desk.failure,
        "up_s": served.clock() - served.started,
        "queued": desk.queued,
        "filling": desk.filling,
        "kept_answers": desk.kept_answers,
        "asks": dict(watch.counts),
        "p50_ms": watch.quantile_ms(0.5),
        "p95_ms": watch.quantile_ms(0.95),
    }
