"""What a server's memory does over many requests."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx

from lsp_server.bench.serve.servers import MeasuredServer

_ASKERS, _SAMPLES = 16, 10
_TEXT = "def total(prices, rate):\n    return sum(price * rate for price in prices)\n\n\n" * 8


async def over_many(server: MeasuredServer, count: int) -> dict[str, Any]:
    """Send `count` requests that all differ, of 64 users; the memory after each tenth of them."""
    numbers = iter(range(count))
    done, sizes_kb, began = 0, [server.resident_kb()], time.perf_counter()

    async def ask_on(client: httpx.AsyncClient) -> None:
        nonlocal done
        for number in numbers:
            pieces = [f"# {number}\n{_TEXT}value_{number} = ", "\n"]
            body = {"pieces": pieces, "language": "python", "user": f"{number % 64}", "document": f"{number}.py"}
            reply = await client.post(f"{server.url}/v1/fill", json=body)
            reply.raise_for_status()
            done += 1
            if done % max(1, count // _SAMPLES) == 0:
                sizes_kb.append(server.resident_kb())

    async with httpx.AsyncClient(timeout=60.0, trust_env=False) as client:
        await asyncio.gather(*(ask_on(client) for _ in range(_ASKERS)))
    half = len(sizes_kb) // 2
    return {
        "requests": done,
        "requests_per_s": round(done / (time.perf_counter() - began), 1),
        "resident_mb": [round(size / 1024, 1) for size in sizes_kb],
        "second_half_grew_kb": sizes_kb[-1] - sizes_kb[half],
    }
