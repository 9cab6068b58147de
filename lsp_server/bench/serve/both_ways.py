"""What HTTP costs: one fill in this process, and the same by a server."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import httpx

from lsp_server.serve.ask import Ask
from lsp_server.serve.fills import answer_of
from model.measuring import quantile, since_ms, timed_ms

_TEXT = """def total(prices, rate):
    result = 0
    for price in prices:
        result += price * (1 + rate)
    return result


def mean(prices):
    return total(prices, 0) / len(prices)


class Basket:
    def __init__(self, owner):
        self.owner = owner
        self.prices = []

    def add(self, price):
        self.prices.append(price)
"""


async def both_ways(model: str, url: str, pairs: int) -> dict[str, Any]:
    """Milliseconds of a fill in this process and by HTTP, in turns, of texts that neither has met."""
    from model.filler import open_filler

    filler = open_filler(model)
    here, there, above = [], [], []
    async with httpx.AsyncClient(timeout=60.0, trust_env=False) as client:
        for number in range(-2, pairs):  # the first two are not counted
            pieces = (f"# {number}\n{_TEXT}\n    def count(self):\n        return ", "\n")
            ask = Ask(pieces=pieces, at_cursor=True, language="python")
            here_ms = timed_ms(partial(answer_of, ask, filler, cancelled=lambda: False))
            began = time.perf_counter()
            reply = await client.post(f"{url}/v1/fill", json={"pieces": pieces, "cursor": True, "language": "python"})
            there_ms = since_ms(began)
            if number >= 0:
                here.append(here_ms)
                there.append(there_ms)
                above.append(there[-1] - reply.json()["ms"]["total"])
    return {
        "in_process_p50_ms": quantile(here, 0.5),
        "http_p50_ms": quantile(there, 0.5),
        "around_the_fill_p50_ms": quantile(above, 0.5),
        "around_the_fill_p95_ms": quantile(above, 0.95),
    }
