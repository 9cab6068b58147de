"""`dlm-fill serve --ray`: the server of `dlm-fill serve`, its fills made by replicas of a Ray on this machine or at RAY_ADDRESS."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lsp_server.errors import InputError
from lsp_server.serve.fleet.application import NAME, Scale, fillers, prepare_ray
from lsp_server.serve.server import listen_and_serve
from lsp_server.serve.settings import ServeSettings


def run(settings: ServeSettings, scale: Scale) -> int:
    """Serve until a signal; the exit code. SIGHUP: replace the replicas, which load their models anew. Raises InputError."""
    prepare_ray()
    from lsp_server.serve.fleet.ray_replicas import desk_of

    doors = settings.doors()
    settings.check_certificate()
    with replicas(settings, scale) as (handle, renew):
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=renew, daemon=True).start())
        return listen_and_serve(settings, settings.served_at(desk_of(settings, handle)), doors)


@contextmanager
def replicas(settings: ServeSettings, scale: Scale) -> Iterator[tuple[Any, Callable[[], None]]]:
    """(a handle to replicas that are ready, what replaces them one by one). Raises InputError where none gets ready."""
    import ray
    from ray import serve

    ray.init(ignore_reinit_error=True, log_to_driver=False, logging_level="ERROR", include_dashboard=False)
    logging.getLogger("ray.serve").setLevel(logging.ERROR)

    def deploy() -> Any:
        quiet = {"enable_access_log": False, "log_level": "ERROR"}
        return serve.run(fillers(settings, scale), name=NAME, route_prefix=None, logging_config=quiet)

    try:
        serve.start(proxy_location="Disabled")
        try:
            handle = deploy()
        except RuntimeError as error:
            raise InputError(f"no replica got ready: {str(error).splitlines()[0]}") from None
        yield handle, deploy
    finally:
        serve.shutdown()
        ray.shutdown()
