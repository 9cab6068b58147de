"""uvicorn around the app: one process, one event loop."""

from __future__ import annotations

import logging
import socket
import sys
from datetime import UTC, datetime

import click
import uvicorn

from lsp_server.errors import InputError
from lsp_server.feedback.metrics import Metrics
from lsp_server.feedback.store import add, state_file
from lsp_server.serve.app import Doors, create_app
from lsp_server.serve.gate.protocol import PunctualProtocol
from lsp_server.serve.served import Served
from lsp_server.serve.settings import ServeSettings
from lsp_server.serve.tabby_events import Events

_MOST_CONNECTIONS = 2000
_GRACE_SECONDS = 5


def run(settings: ServeSettings) -> int:
    """Serve until a signal; the exit code. Raises InputError before anything listens, for what cannot be served."""
    doors = settings.doors()
    settings.check_certificate()
    return listen_and_serve(settings, settings.served(), doors)


def listen_and_serve(settings: ServeSettings, served: Served, doors: Doors) -> int:
    """Serve until a signal; the exit code. Raises InputError for an address that cannot be listened at."""
    listening = _listen(settings.host, settings.port)
    host, port = listening.getsockname()[:2]
    scheme = "https" if settings.certificate else "http"
    shown = f"[{host}]" if ":" in host else host
    served.events = Events(Metrics(_save))
    app = create_app(served, doors)
    config = uvicorn.Config(
        app,
        http=PunctualProtocol,
        ws="none",
        log_config=None,  # no request is logged: paths and bodies are clients' text
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        limit_concurrency=_MOST_CONNECTIONS,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.certificate_key,
    )
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL + 1)
    click.echo(f"dlm-fill serves at {scheme}://{shown}:{port} (keys: {'on' if doors.keys.any else 'off'})", err=True)
    server = uvicorn.Server(config)
    server.run(sockets=[listening])
    sys.stderr.flush()
    return 0 if server.started else 1


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises InputError."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise InputError(f"--host {host}: no such address ({error.strerror}): name one of this machine") from None
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(1024)
    except OSError as error:
        listening.close()
        raise InputError(f"cannot listen at {host}:{port} ({error.strerror}): name another --port or --host") from None
    return listening


def _save(counts: object) -> None:
    assert isinstance(counts, dict)
    add(counts, path=state_file(), today=datetime.now(tz=UTC).date())
