"""The language server with three requests more, for benchmarks and tests: `python -m lsp_server.bench.watched MODEL DEVICE`.

`$/dlm/text` {uri} answers with {text}: what the server believes an open document to hold. `$/dlm/memory` answers with
{blocks, objects}: the pieces of memory that Python's allocator has handed out and not got back, and the objects that
hold others, both after a collection of garbage. `$/dlm/counts` answers with what has been counted since it was last stored.
"""

from __future__ import annotations

import gc
import sys
from typing import Any

from lsp_server.configuration.settings import Settings
from lsp_server.server import Server, create_server, leave, serve
from model.threads import wait_asleep

TEXT, MEMORY, COUNTS = "$/dlm/text", "$/dlm/memory", "$/dlm/counts"


def watch(server: Server) -> Server:
    """`server`, which answers these requests, too."""

    @server.feature(TEXT)
    def text(params: Any) -> dict[str, str]:
        return {"text": server.session.documents.snapshot(params.uri).source.decode("utf-8")}

    @server.feature(MEMORY)
    def memory(_: Any) -> dict[str, int]:
        gc.collect()
        return {"blocks": sys.getallocatedblocks(), "objects": len(gc.get_objects())}

    @server.feature(COUNTS)
    def counts(_: Any) -> dict[str, int]:
        return server.metrics.counted()

    return server


def main(model: str, device: str) -> None:
    """Serve on standard input and output, as `dlm-fill lsp` does. Does not return."""
    wait_asleep()
    leave(serve(watch(create_server(options=Settings(model=model, device=device)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
