"""Where the language server meets its editor: standard input and output, a socket, or a pipe.

The editor says which in arguments (LSP 3.18, "Implementation Considerations"). It listens on a socket or a pipe itself,
and the server connects to it; only `Listening` is the other way round.
"""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

from lsp_server.errors import InputError
from lsp_server.streams import own_stdout

_HOST = "127.0.0.1"  # no other machine may reach the server, which trusts its client


@dataclass(frozen=True)
class Stdio:
    """Standard input and output."""


@dataclass(frozen=True)
class Socket:
    """A port of this machine on which the editor listens."""

    port: int


@dataclass(frozen=True)
class Pipe:
    """A Unix domain socket on which the editor listens; `path` is its file."""

    path: str


@dataclass(frozen=True)
class Listening:
    """A port of this machine on which the server waits for one editor."""

    port: int


STDIO = Stdio()
Connected: TypeAlias = Stdio | Socket | Pipe
Transport: TypeAlias = Connected | Listening


def streams_of(transport: Connected) -> tuple[BinaryIO, BinaryIO]:
    """(what the editor's messages are read from, what ours are written to). Raises InputError if nobody listens there.

    What else is printed goes to standard error in either case.
    """
    if isinstance(transport, Stdio):
        return sys.stdin.buffer, own_stdout()
    connection = _connected(transport)
    own_stdout().close()
    return connection.makefile("rb"), connection.makefile("wb")


def _connected(transport: Socket | Pipe) -> socket.socket:
    if isinstance(transport, Socket):
        try:
            connection = socket.create_connection((_HOST, transport.port))
        except OSError as error:
            raise InputError(_nobody(f"port {transport.port} of this machine", error)) from error
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # answers are small and awaited
        return connection
    if os.name != "posix":
        raise InputError("--pipe is not supported on this system: have the editor use --stdio or --socket")
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(transport.path)
    except OSError as error:
        connection.close()
        raise InputError(_nobody(f"the pipe {transport.path}", error)) from error
    return connection


def _nobody(place: str, error: OSError) -> str:
    return (
        f"no editor listens on {place} ({error.strerror or error}): the editor must listen before it starts the server; "
        "use --stdio for standard input and output, --tcp 127.0.0.1:PORT to have the server listen"
    )
