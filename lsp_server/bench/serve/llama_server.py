"""llama.cpp's own server, from the package xllamacpp (not among our dependencies): a file of weights is its argument."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module

_SLOTS, _CONTEXT_TOKENS = 4, 4 * 2048


def main(gguf: str) -> None:
    """Say the URL, and serve until a signal."""
    xllamacpp = import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = gguf
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = len(os.sched_getaffinity(0))
    params.n_ctx, params.n_parallel, params.warmup, params.verbosity = _CONTEXT_TOKENS, _SLOTS, True, -1
    server = xllamacpp.Server(params)
    sys.stderr.write(f"llama.cpp serves at {server.listening_address}\n")
    sys.stderr.flush()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main(sys.argv[1])
