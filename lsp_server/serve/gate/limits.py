"""How often a key may come: a bucket of tokens for each, and a count of what is under way."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from lsp_server.serve.gate.keys import Limits
from lsp_server.serve.replies import Refusal

_MOST_REMEMBERED = 10_000


@dataclass
class _Use:
    left: float
    at: float
    running: int = 0


class Turnstile:
    """Lets requests in by key (or address, where there are no keys)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._uses: OrderedDict[str, _Use] = OrderedDict()

    def enter(self, who: str, limits: Limits) -> None:
        """Count a request in. Raises Refusal (429) with the time after which the next one may come."""
        now = self._clock()
        use = self._uses.setdefault(who, _Use(left=float(limits.burst), at=now))
        self._uses.move_to_end(who)
        use.left = min(float(limits.burst), use.left + (now - use.at) * limits.rate)
        use.at = now
        if use.running >= limits.concurrency:
            raise Refusal(429, f"{limits.concurrency} requests of yours are under way: wait for one", retry_after_s=1)
        if use.left < 1:
            wait_s = max(1, math.ceil((1 - use.left) / limits.rate))
            raise Refusal(429, f"more than {limits.rate:g} requests a second: slow down", retry_after_s=wait_s)
        use.left -= 1
        use.running += 1
        while len(self._uses) > _MOST_REMEMBERED:
            name, oldest = next(iter(self._uses.items()))
            if oldest.running:
                break
            del self._uses[name]

    def leave(self, who: str) -> None:
        """Count a request out."""
        use = self._uses.get(who)
        if use is not None:
            use.running -= 1
