"""`dlm-fill bench serve`: typists at a server, the cost of HTTP over a fill in this process, and the server's memory."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from lsp_server.bench.serve.both_ways import both_ways
from lsp_server.bench.serve.memory import over_many
from lsp_server.bench.serve.servers import MeasuredServer, dlm_fill, llama_server, scripted
from lsp_server.bench.serve.typists import Recording, capacity, recording, typing
from lsp_server.errors import InputError
from model.measuring import about, last_line


@click.command()
@click.option("--model", default="builtin", show_default=True, metavar="NAME_OR_PATH", help="The model.")
@click.option(
    "--contexts", default=32, show_default=True, help="Of how many documents the server keeps the context read."
)
@click.option("--typists", default="1,8,32,64", show_default=True, metavar="N,N…", help="How many type at once.")
@click.option("--seconds", default=20.0, show_default=True, help="How long each number of them types.")
@click.option("--pairs", default=20, show_default=True, help="Fills that are made both ways, to tell what HTTP costs.")
@click.option(
    "--closing", is_flag=True, help="Editors close the request that a newer one makes useless, as llama.vim's."
)
@click.option(
    "--gguf",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    metavar="FILE",
    help="Then the same at llama.cpp's server (package xllamacpp) with these weights.",
)
@click.option(
    "--fill-ms", default=0.0, metavar="MS", help="Instead: a model that takes so long for a fill, and computes nothing."
)
@click.option(
    "--requests", default=0, show_default=True, metavar="N", help="Instead: the server's memory over N requests."
)
def main(
    model: str,
    contexts: int,
    typists: str,
    seconds: float,
    pairs: int,
    closing: bool,
    gguf: Path | None,
    fill_ms: float,
    requests: int,
) -> None:
    """Replay typists at a server of its own process. The last line is JSON.

    The load is sustainable while there is a fill for each request; one, two and three times as many typists follow.
    """
    if requests:
        with scripted() as server:
            click.echo(last_line(about("serve", memory=asyncio.run(over_many(server, requests)))))
        return
    try:
        counts = [int(count) for count in typists.split(",")]
    except ValueError:
        raise InputError(f"--typists {typists!r}: give numbers with commas between them, as 1,8,32") from None
    replayed = recording()
    figures: dict[str, Any]
    if fill_ms:
        with scripted(fill_ms) as server:
            figures = {"fill_ms": fill_ms, **measured(server, counts, seconds, replayed, closing=closing)}
        click.echo(last_line(about("serve", **figures)))
        return
    figures = {"model": model, "contexts": contexts, "recorded": replayed.client, "closing": closing}
    with dlm_fill(model, contexts) as server:
        figures["http"] = asyncio.run(both_ways(model, server.url, pairs))
        click.echo(f"one fill: {figures['http']}", err=True)
        figures["per_fill"] = per_fill(server, seconds / 2, replayed)
        figures |= measured(server, counts, seconds, replayed, closing=closing)
    if gguf is not None:
        with llama_server(gguf) as server:
            figures["llama.cpp"] = measured(server, counts, seconds, replayed, closing=closing)
    click.echo(last_line(about("serve", **figures)))


def per_fill(server: MeasuredServer, seconds: float, replayed: Recording) -> dict[str, float]:
    """Tokens and passes of a fill, the means over some seconds, so that costs elsewhere can be told from floors."""
    before = server.counted()
    asyncio.run(capacity(server.url, seconds, replayed, askers=1))
    after = server.counted()
    fills = after["dlm_fill_queue_seconds_count"] - before["dlm_fill_queue_seconds_count"]
    return {
        name: round((after[f"dlm_fill_{name}_total"] - before[f"dlm_fill_{name}_total"]) / max(1.0, fills), 2)
        for name in ("tokens", "forward_passes", "context_tokens")
    }


def measured(
    server: MeasuredServer, counts: list[int], seconds: float, replayed: Recording, *, closing: bool
) -> dict[str, Any]:
    """What so many typists meet at a server, and what one, two and three times those meet whom it can keep up with."""
    fills_per_s = asyncio.run(capacity(server.url, seconds / 2, replayed))
    sustainable = max(1, round(fills_per_s / replayed.asks_per_s))
    click.echo(f"{fills_per_s:.1f} fills/s: {sustainable} typists send as many requests", err=True)
    rounds = []
    for count in [*counts, *(times * sustainable for times in (1, 2, 3))]:
        before_kb = server.resident_kb()
        met = asyncio.run(typing(server.url, count, seconds, replayed, closing=closing))
        one = {"typists": count, **met.figures(seconds), "server_mb": round(server.resident_kb() / 1024)}
        one["server_grew_kb"] = server.resident_kb() - before_kb
        rounds.append(one)
        click.echo(f"{one}", err=True)
    return {
        "fills_per_s": round(fills_per_s, 2),
        "asks_per_typist_s": round(replayed.asks_per_s, 2),
        "sustainable_typists": sustainable,
        "typing": rounds[: len(counts)],
        "one_two_three_times_sustainable": rounds[len(counts) :],
    }
