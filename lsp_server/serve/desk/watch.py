"""What is counted and timed at the desk: numbers alone, for `/metrics` and the page. No text, no name of a user."""

from __future__ import annotations

from collections import deque
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from lsp_server.serve.ask import Answer

OUTCOMES = ("done", "time", "steps", "unread", "superseded", "cancelled", "refused", "rejected", "failed", "cached")
_BOUNDS_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30)
_LATEST = 1024


class Watch:
    """Counters of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        made: Any = {"registry": self.registry}
        self._asks = Counter("dlm_fill_asks", "Asks for fills, by what became of them.", ["outcome"], **made)
        self._requests = Counter("dlm_fill_requests", "HTTP requests.", ["route", "status"], **made)
        self._total = Histogram(
            "dlm_fill_seconds",
            "Seconds from an ask to its answer, answers at hand left out.",
            buckets=_BOUNDS_S,
            **made,
        )
        self._queue = Histogram("dlm_fill_queue_seconds", "Seconds that an ask waited.", buckets=_BOUNDS_S, **made)
        self._tokens = Counter("dlm_fill_tokens", "Tokens committed.", **made)
        self._context = Counter("dlm_fill_context_tokens", "Tokens of context given to the model.", **made)
        self._passes = Counter("dlm_fill_forward_passes", "Forward passes.", **made)
        self._retries = Counter("dlm_fill_retries", "Fills asked for again: their replica was lost.", **made)
        self.gauge_queued = Gauge("dlm_fill_queued", "Asks that wait.", **made)
        self.gauge_filling = Gauge("dlm_fill_filling", "Asks that are being filled.", **made)
        self._latest: deque[float] = deque(maxlen=_LATEST)
        self.counts = dict.fromkeys(OUTCOMES, 0)
        for outcome in OUTCOMES:
            self._asks.labels(outcome)

    def counted(self, outcome: str) -> None:
        """Count an ask by what became of it."""
        self.counts[outcome] += 1
        self._asks.labels(outcome).inc()

    def filled(self, answer: Answer) -> None:
        """Count a fill that ended by itself."""
        self.counted(answer.outcome)
        self._tokens.inc(answer.tokens)
        self._context.inc(answer.context_tokens)
        self._passes.inc(answer.forward_passes)

    def queued(self, ms: float) -> None:
        self._queue.observe(ms / 1000)

    def took(self, ms: float) -> None:
        self._total.observe(ms / 1000)
        self._latest.append(ms)

    def retried(self) -> None:
        """Count a fill that is asked for again."""
        self._retries.inc()

    def requested(self, route: str, status: int) -> None:
        """Count an HTTP request; `route` is one of this program's, never a path that a client made up."""
        self._requests.labels(route, str(status)).inc()

    def quantile_ms(self, share: float) -> float | None:
        """The time within which that share of the latest answers came; None without any."""
        if not self._latest:
            return None
        times = sorted(self._latest)
        return times[min(len(times) - 1, int(share * len(times)))]

    def exposed(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)
