"""Record lsp_server/bench/serve/traffic.json: what llama.vim asks while somebody types in Neovim.

python -m tests.lsp_server.serve.record_traffic. The keys are those of bursts and pauses that a seed draws; each is answered at
once with nothing, so that llama.vim, which waits for an answer before it asks again, asks as often as it would at best.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.editors.neovim.neovim import bare, installed
from tests.lsp_server.serve.test_llama_vim import CLIENT, configured

TO = Path(__file__).parents[3] / "lsp_server" / "bench" / "serve" / "traffic.json"
BEFORE = '''"""A shop's basket."""

from dataclasses import dataclass, field


@dataclass
class Item:
    name: str
    price: float
    count: int = 1


@dataclass
class Basket:
    owner: str
    items: list[Item] = field(default_factory=list)

'''
TEXT = """    def add(self, name, price, count=1):
        for item in self.items:
            if item.name == name and item.price == price:
                item.count += count
                return item
        item = Item(name, price, count)
        self.items.append(item)
        return item

    def total(self, rate=0.0):
        return sum(item.price * item.count for item in self.items) * (1 + rate)

    def remove(self, name):
        self.items = [item for item in self.items if item.name != name]
"""
AFTER = """

def test_total():
    basket = Basket("Ann")
    basket.add("pen", 2.0, count=3)
    assert basket.total() == 6.0
"""
_NOT_KEPT = ("input_prefix", "input_suffix", "input_extra", "prompt", "n_indent", "model", "id_slot")
"""`id_slot` is 0 in each: it would send all typists to one slot of llama.cpp's server."""


def pauses(draw: random.Random) -> list[float]:
    """Seconds before each key: quick within a burst, longer behind a word, longest at the end of a line."""
    found = []
    for before in "\n" + TEXT[:-1]:
        middle = 1.2 if before == "\n" else 0.25 if before in " (.," else 0.11
        found.append(min(4.0, draw.lognormvariate(0.0, 0.5) * middle))
    return found


async def main() -> None:
    """Type the text once, and write down when was asked."""
    asked: list[tuple[float, dict[str, Any]]] = []

    async def infill(request: Request) -> Response:
        body = await request.json()
        if body.get("n_predict"):
            asked.append((time.perf_counter(), body))
        return JSONResponse({"content": ""})

    config = uvicorn.Config(Starlette(routes=[Route("/infill", infill, methods=["POST"])]), log_config=None, port=0)
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve())
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    started = await asyncio.to_thread(type_all, port)
    server.should_exit = True
    await serving
    asks = [(round(1000 * (at - started)), typed_in(body)) for at, body in asked]
    told = {
        "made": f"by tests/lsp_server/serve/record_traffic.py, {datetime.now(tz=UTC).date()}",
        "client": "llama.vim a1c8e6e in Neovim 0.11.4, answered at once",
        "before": BEFORE,
        "text": TEXT,
        "after": AFTER,
        "fields": {name: value for name, value in asked[-1][1].items() if name not in _NOT_KEPT},
        "asks": [ask for ask in asks if ask[1] >= 0],
    }
    TO.write_text(json.dumps(told) + "\n", "utf-8")


def type_all(port: int) -> float:
    """Type the text; when the first key was pressed."""
    with bare(installed()["0.11"], "-u", "NONE", "--cmd", f"set rtp^={CLIENT} noautoindent") as editor:
        configured(editor, port)
        editor.rpc.current.buffer[:] = (BEFORE + AFTER).split("\n")
        editor.command(f"call cursor({BEFORE.count(chr(10)) + 1}, 1)")
        editor.command("set filetype=python indentexpr=")
        editor.type("i")
        started = time.perf_counter()
        for key, pause_s in zip(TEXT, pauses(random.Random(16)), strict=True):
            time.sleep(pause_s)
            editor.type({"\n": "<CR>", "<": "<lt>"}.get(key, key))
        time.sleep(1)
        return started


def typed_in(body: dict[str, Any]) -> int:
    """How many characters of the text are before the cursor; −1 for a request from elsewhere."""
    before = body["input_prefix"] + body["prompt"]
    return len(before) - len(BEFORE) if before == (BEFORE + TEXT)[: len(before)] and len(before) >= len(BEFORE) else -1


if __name__ == "__main__":
    asyncio.run(main())
