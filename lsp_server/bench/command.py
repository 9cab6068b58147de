"""`dlm-fill bench`: its subcommands are imported when they are called."""

from __future__ import annotations

from collections.abc import Mapping

import click

from lsp_server.command_line.names import load

BENCHES: Mapping[str, tuple[str, str]] = {
    "cut": ("lsp_server.bench.cut:main", "Cutting and incremental parsing; needs no model."),
    "server": ("lsp_server.bench.server:main", "From keystroke to suggestion in a running language server."),
    "torn": ("lsp_server.bench.torn:main", "Fills below something left open, against the same in the sound file."),
    "storm": ("lsp_server.bench.storm.command:main", "Random requests, edits and cancels: is all answered?"),
    "serve": ("lsp_server.bench.serve:main", "Typists at a `dlm-fill serve`: answers, times, shedding, memory."),
    "fill": ("model.evaluate.bench_fill:main", "Filling from start to end, cold and warm."),
    "engine": ("model.evaluate.bench_engine.command:main", "The engine against other ways to run the same weights."),
    "kernel": (
        "model.evaluate.bench_kernel.command:main",
        "The built-in model's kernel against ONNX Runtime and llama.cpp.",
    ),
    "gpu": ("model.evaluate.bench_gpu.command:main", "Published shapes with random weights against the GPU's floors."),
    "drift": ("model.evaluate.bench_drift:main", "What a stale context cache does to a published checkpoint."),
}


class LazyGroup(click.Group):
    """Subcommands by name; their modules are imported when they are called, not to list them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(BENCHES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return load(BENCHES[cmd_name][0]) if cmd_name in BENCHES else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in BENCHES.items()])


@click.command(cls=LazyGroup)
def main() -> None:
    """Measure speed. The last line of each is JSON."""
