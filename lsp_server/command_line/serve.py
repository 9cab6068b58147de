"""`dlm-fill lsp`."""

from __future__ import annotations

import gc

import click

from lsp_server.command_line.names import DEVICES


def _port(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:  # noqa: ARG001
    """The port of 127.0.0.1:PORT; no other machine may reach the server, which trusts its client."""
    if value is None:
        return None
    host, _, port = value.rpartition(":")
    if host not in ("127.0.0.1", "localhost") or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise click.BadParameter(f"{value!r} is not 127.0.0.1:PORT, with a port from 1 to 65535")
    return int(port)


@click.command()
@click.option("--model", default="builtin", show_default=True, metavar="NAME_OR_PATH", help="The model.")
@click.option("--device", type=DEVICES, default="auto", show_default=True, help="Where the model runs.")
@click.option(
    "--tcp",
    "tcp_port",
    callback=_port,
    default=None,
    metavar="127.0.0.1:PORT",
    help="Serve one client on this port instead, to debug.",
)
def main(model: str, device: str, tcp_port: int | None) -> None:
    """Serve editors: a language server over standard input and output."""
    # Thousands of classes and functions come to stay: to look through them for garbage is a tenth of the start.
    gc.disable()
    from lsp_server import server

    gc.freeze()
    gc.enable()
    server.main(model=model, device=device, tcp_port=tcp_port)
