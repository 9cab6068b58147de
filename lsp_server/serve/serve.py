"""`dlm-fill serve`, and `dlm-fill serve keys add|list|remove`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import click

from lsp_server.commands import DEVICES
from lsp_server.errors import InputError
from lsp_server.serve.gate.keys import Limits, add_key, key_file, read_keys, remove_key

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--model", default="builtin", show_default=True, metavar="NAME_OR_PATH", help="The model.")
@click.option("--device", type=DEVICES, default="auto", show_default=True, help="Where the model runs.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8012, show_default=True, help="0: any that is free.")
@click.option(
    "--fillers",
    type=click.IntRange(1, 16),
    default=1,
    show_default=True,
    metavar="N",
    help="Fill so many requests at once; each loads the model.",
)
@click.option(
    "--contexts",
    type=click.IntRange(1, 10_000),
    default=32,
    show_default=True,
    metavar="N",
    help="Keep the text around the cursor read for so many documents: 12 kB a token with the built-in model.",
)
@click.option(
    "--queue",
    type=click.IntRange(1),
    default=128,
    show_default=True,
    metavar="N",
    help="Let so many requests wait; refuse further ones.",
)
@click.option(
    "--max-wait",
    type=click.FloatRange(0, min_open=True),
    default=3.0,
    show_default=True,
    metavar="SECONDS",
    help="Refuse a request that would wait longer.",
)
@click.option(
    "--max-time",
    type=click.FloatRange(0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Bound a fill; 2 s where somebody types.",
)
@click.option(
    "--keys",
    "keys_file",
    type=_FILE,
    default=None,
    metavar="FILE",
    help="The file of keys, if it is not the usual one.",
)
@click.option("--certificate", type=_FILE, default=None, metavar="FILE", help="Speak TLS with this certificate (PEM).")
@click.option(
    "--certificate-key", type=_FILE, default=None, metavar="FILE", help="The certificate's private key (PEM)."
)
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    default=Limits.rate,
    show_default=True,
    metavar="N",
    help="Without keys: requests a second from one address.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1),
    default=Limits.concurrency,
    show_default=True,
    metavar="N",
    help="Without keys: requests under way from one address.",
)
@click.option("--ray", is_flag=True, help="Run as a deployment of Ray Serve (extra [ray]).")
@click.option(
    "--replicas", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="With --ray: start so many."
)
@click.option(
    "--max-replicas",
    type=click.IntRange(1),
    default=None,
    metavar="N",
    help="With --ray: add replicas up to N under load.",
)
@click.option(
    "--also",
    multiple=True,
    metavar="NAME=MODEL",
    help="With --ray: another model, for requests that name it; may be repeated.",
)
@click.pass_context
def main(
    ctx: click.Context,
    /,
    *,
    keys_file: Path | None,
    max_wait: float,
    max_time: float,
    ray: bool,
    replicas: int,
    max_replicas: int | None,
    also: tuple[str, ...],
    **wish: Any,
) -> int:
    """Serve completion clients over HTTP: llama.vim, llama.vscode, Zed, Continue, minuet, Tabby, Ollama's and Mercury's."""
    ctx.obj = keys_file or key_file()
    if ctx.invoked_subcommand is not None:
        return 0
    for package in ("starlette", "uvicorn", "pydantic", "prometheus_client", *(["ray"] if ray else [])):
        if importlib.util.find_spec(package) is None:
            extra = "ray" if package == "ray" else "serve"
            raise InputError(f"dlm-fill serve needs {package}: pip install 'dlm-fill[{extra}]'")
    if also and not ray:
        raise InputError("--also: several models are served by a fleet alone: add --ray")
    from lsp_server.serve.fleet.application import Scale, models_of
    from lsp_server.serve.server import run
    from lsp_server.serve.settings import ServeSettings

    settings = ServeSettings(
        keys_file=ctx.obj, max_wait_s=max_wait, max_time_s=max_time, also=models_of(list(also)), **wish
    )
    if ray:
        from lsp_server.serve.fleet.run import run as run_fleet

        return run_fleet(settings, Scale(replicas=replicas, most=max_replicas))
    return run(settings)


@main.group()
def keys() -> None:
    """Add, list and remove the keys with which clients come in."""


@keys.command()
@click.argument("name")
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    default=Limits.rate,
    show_default=True,
    metavar="N",
    help="Requests a second.",
)
@click.option(
    "--burst", type=click.IntRange(1), default=Limits.burst, show_default=True, metavar="N", help="Requests at once."
)
@click.option(
    "--concurrency",
    type=click.IntRange(1),
    default=Limits.concurrency,
    show_default=True,
    metavar="N",
    help="Requests under way.",
)
@click.option(
    "--max-body",
    type=click.IntRange(1),
    default=Limits.body_bytes,
    show_default=True,
    metavar="BYTES",
    help="Of a request.",
)
@click.option(
    "--max-context",
    type=click.IntRange(64),
    default=None,
    metavar="TOKENS",
    help="Of the text around a hole that the model reads.",
)
@click.pass_obj
def add(
    path: Path, name: str, rate: float, burst: int, concurrency: int, max_body: int, max_context: int | None
) -> None:
    """Make a key and print it: this once, for only its hash is kept."""
    limits = Limits(rate=rate, burst=burst, concurrency=concurrency, body_bytes=max_body, context_tokens=max_context)
    token = add_key(path, name, limits)
    click.echo(token)
    click.echo(f"the key {name} is in {path} as a hash; clients send it as: Authorization: Bearer KEY", err=True)


@keys.command("list")
@click.pass_obj
def list_keys(path: Path) -> None:
    """List the keys' names and limits."""
    for key in read_keys(path):
        limits = key.limits
        context = f", {limits.context_tokens} context tokens" if limits.context_tokens else ""
        click.echo(
            f"{key.name}\t{key.created}\t{limits.rate:g}/s, {limits.burst} at once, {limits.concurrency} under way, "
            f"{limits.body_bytes} bytes{context}"
        )


@keys.command()
@click.argument("name")
@click.pass_obj
def remove(path: Path, name: str) -> None:
    """Remove a key; servers that run turn it away from then on."""
    remove_key(path, name)
