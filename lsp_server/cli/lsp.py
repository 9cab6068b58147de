"""`dlm-fill lsp`."""

from __future__ import annotations

import gc

import click

from lsp_server.commands import DEVICES
from lsp_server.transport import Listening, Pipe, Socket, Stdio, Transport

_WITHOUT_PORT = "port"
"""The value of `--socket` that is followed by none: `--port` names the port then."""


def _listening(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:  # noqa: ARG001
    """The port of 127.0.0.1:PORT; no other machine may reach the server, which trusts its client."""
    if value is None:
        return None
    host, _, port = value.rpartition(":")
    if host not in ("127.0.0.1", "localhost") or not _is_port(port):
        raise click.BadParameter(f"{value!r} is not 127.0.0.1:PORT, with a port from 1 to 65535")
    return int(port)


def _port(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:  # noqa: ARG001
    if value in (None, _WITHOUT_PORT) or _is_port(value):
        return value
    raise click.BadParameter(f"{value!r} is no port: give a number from 1 to 65535")


def _is_port(text: str | None) -> bool:
    return text is not None and text.isascii() and text.isdecimal() and 0 < int(text) < 1 << 16


@click.command()
@click.option("--model", default="builtin", show_default=True, metavar="NAME_OR_PATH", help="The model.")
@click.option("--device", type=DEVICES, default="auto", show_default=True, help="Where the model runs.")
@click.option("--stdio", is_flag=True, help="Speak over standard input and output, which is the default.")
@click.option(
    "--socket",
    is_flag=False,
    flag_value=_WITHOUT_PORT,
    default=None,
    callback=_port,
    metavar="PORT",
    help="Connect to this port of this machine, on which the editor listens.",
)
@click.option("--port", default=None, callback=_port, metavar="PORT", help="The port of --socket.")
@click.option("--pipe", default=None, metavar="PATH", help="Connect to this Unix socket, on which the editor listens.")
@click.option(
    "--clientProcessId",
    "--client-process-id",
    "client_process",
    type=click.IntRange(min=0),
    default=None,
    metavar="NUMBER",
    help="The editor's process: the server leaves when it ends.",
)
@click.option(
    "--tcp",
    "listening",
    callback=_listening,
    default=None,
    metavar="127.0.0.1:PORT",
    help="Serve one client on this port instead, to debug.",
)
def main(
    model: str,
    device: str,
    stdio: bool,
    socket: str | None,
    port: str | None,
    pipe: str | None,
    client_process: int | None,
    listening: int | None,
) -> None:
    """Serve editors: a language server over standard input and output, or where the editor listens."""
    transport = _transport(stdio=stdio, socket=socket, port=port, pipe=pipe, listening=listening)
    # Thousands of classes and functions come to stay: to look through them for garbage is a tenth of the start.
    gc.disable()
    from lsp_server import server

    gc.freeze()
    gc.enable()
    server.main(model=model, device=device, transport=transport, client_process=client_process)


def _transport(
    *, stdio: bool, socket: str | None, port: str | None, pipe: str | None, listening: int | None
) -> Transport:
    """The one that the options name; standard input and output if they name none. Raises click.UsageError for several."""
    named: list[Transport] = [Stdio()] if stdio else []
    ports = {given for given in (socket, port) if given not in (None, _WITHOUT_PORT)}
    if len(ports) > 1:
        raise click.UsageError(f"--socket {socket} and --port {port} name different ports: give one")
    named += [Socket(int(given)) for given in ports if given is not None]
    if socket == _WITHOUT_PORT and not ports:
        raise click.UsageError("--socket names no port: give --socket PORT, or --socket --port PORT")
    named += [Pipe(pipe)] if pipe is not None else []
    named += [Listening(listening)] if listening is not None else []
    if len(named) > 1:
        raise click.UsageError("give one of --stdio, --socket, --pipe and --tcp: an editor is met in one place")
    return named[0] if named else Stdio()
