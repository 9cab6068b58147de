"""`dlm-fill bench`: its subcommands are imported when they are called."""

from __future__ import annotations

from collections.abc import Mapping

import click

from lsp_server.commands import LazyGroup

BENCHES: Mapping[str, tuple[str, str]] = {
    "cut": ("lsp_server.bench.cut:main", "Cutting and incremental parsing; needs no model."),
    "server": ("lsp_server.bench.server:main", "From keystroke to suggestion in a running language server."),
    "torn": ("lsp_server.bench.torn:main", "Fills below something left open, against the same in the sound file."),
    "storm": ("lsp_server.bench.storm.bench_storm:main", "Random requests, edits and cancels: is all answered?"),
    "serve": (
        "lsp_server.bench.serve.bench_serve:main",
        "Typists at a `dlm-fill serve`: answers, times, shedding, memory.",
    ),
    "fill": ("model.lab.bench.fill:main", "Filling from start to end, cold and warm."),
    "engine": ("model.lab.bench.engine.bench_engine:main", "The engine against other ways to run the same weights."),
    "kernel": (
        "model.lab.bench.kernel.bench_kernel:main",
        "The built-in model's kernel against ONNX Runtime and llama.cpp.",
    ),
    "gpu": ("model.lab.bench.gpu.bench_gpu:main", "Published shapes with random weights against the GPU's floors."),
    "drift": ("model.lab.bench.drift:main", "What a stale context cache does to a published checkpoint."),
}


@click.command(cls=LazyGroup, places=BENCHES)
def main() -> None:
    """Measure speed. The last line of each is JSON."""
