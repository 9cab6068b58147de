"""A server whose model is a fake that takes its time: what the page is tried at. `KEY` as the argument: with that key."""

from __future__ import annotations

import asyncio
import sys

import uvicorn

from lsp_server.serve.app import Doors, create_app
from lsp_server.serve.gate.keys import VARIABLE, Keys
from tests.fakes import FakeFiller
from tests.lsp_server.serve.serving import served_by

TEXTS = ("self.items.get(name, 0) - count", "self.items.get(name, 0)")


async def main(key: str) -> None:
    """Print the URL, and serve until a signal."""
    doors = Doors(keys=Keys(None, {VARIABLE: f"ann:{key}"} if key else {}))
    app = create_app(served_by(FakeFiller(TEXTS, steps=12, step_s=0.2)), doors)
    server = uvicorn.Server(uvicorn.Config(app, ws="none", log_config=None, port=0))
    serving = asyncio.ensure_future(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
        await asyncio.sleep(0.01)
    print(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", flush=True)
    await serving


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else ""))
