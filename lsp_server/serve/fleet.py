"""The same app as a deployment of Ray Serve: replicas, autoscaling by what is under way, and one replica for one user.

`dlm-fill serve --ray` runs it here; `serve run lsp_server.serve.fleet:app` and KubeRay build it on a cluster, from the
environment. Ray's consistent-hash router sends all requests with one value of a header to one replica, whose contexts
and kept answers are those of its users: the header is `Authorization`, which every client sends that has a key.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import Any

import click

from lsp_server.serve.app import create_app
from lsp_server.serve.gate.keys import key_file
from lsp_server.serve.settings import ServeSettings

MODEL, REPLICAS, MOST_REPLICAS, FILE_OF_KEYS, GPUS = (
    f"DLM_FILL_SERVE_{name}" for name in ("MODEL", "REPLICAS", "MAX_REPLICAS", "KEYS_FILE", "GPUS_PER_REPLICA")
)
SESSION_HEADER = "RAY_SERVE_SESSION_ID_HEADER_KEY"
"""Ray reads it when it is imported."""
_UNDER_WAY_PER_REPLICA = 4
_MOST_UNDER_WAY = 256


def deployment(settings: ServeSettings, *, replicas: int, most: int | None = None, gpus: float = 0.0) -> Any:
    """The application for `ray.serve.run`. With `most`, replicas are added up to it while more requests are under way."""
    os.environ.setdefault(SESSION_HEADER, "authorization")
    from ray import serve
    from ray.serve.config import RequestRouterConfig

    settings.doors()  # here, where somebody reads what is wrong

    def build() -> Any:
        """The app of one replica, made where it runs."""
        return create_app(settings.served(), settings.doors())

    @serve.deployment(
        name="dlm-fill",
        max_ongoing_requests=_MOST_UNDER_WAY,
        health_check_period_s=2,
        graceful_shutdown_timeout_s=15,
        ray_actor_options={"num_cpus": 1, "num_gpus": gpus},
        request_router_config=RequestRouterConfig(
            request_router_class="ray.serve.experimental.consistent_hash_router:ConsistentHashRouter"
        ),
        **_scale(replicas, most),
    )
    @serve.ingress(build)
    class Replica:
        """A replica: the app is all there is to it."""

    return Replica.bind()  # type: ignore[attr-defined]


def run(settings: ServeSettings, *, replicas: int, most: int | None) -> int:
    """Serve on a Ray of this machine (or that of RAY_ADDRESS) until a signal. Raises InputError."""
    application = deployment(settings, replicas=replicas, most=most)
    import ray
    from ray import serve

    ray.init(ignore_reinit_error=True, log_to_driver=False, logging_level="ERROR", include_dashboard=False)
    serve.start(http_options={"host": settings.host, "port": settings.port})
    serve.run(application, name="dlm-fill", logging_config={"enable_access_log": False})
    click.echo(f"dlm-fill serves at http://{settings.host}:{settings.port} on Ray Serve, {replicas} replicas", err=True)
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    with contextlib.suppress(KeyboardInterrupt):
        done.wait()
    serve.shutdown()
    ray.shutdown()
    return 0


def app(_: dict[str, str] | None = None) -> Any:
    """The application, of what the environment says: for `serve run lsp_server.serve.fleet:app`, and configurations."""
    environ = os.environ
    settings = ServeSettings(
        model=environ.get(MODEL, "builtin"),
        host="0.0.0.0",  # noqa: S104  Ray's proxies listen; without keys nothing is served
        keys_file=environ.get(FILE_OF_KEYS) or key_file(),  # type: ignore[arg-type]
    )
    most = environ.get(MOST_REPLICAS)
    return deployment(
        settings,
        replicas=int(environ.get(REPLICAS, "1")),
        most=int(most) if most else None,
        gpus=float(environ.get(GPUS, "0")),
    )


def _scale(replicas: int, most: int | None) -> dict[str, Any]:
    if most is None or most <= replicas:
        return {"num_replicas": replicas}
    wanted = {"min_replicas": replicas, "max_replicas": most, "target_ongoing_requests": _UNDER_WAY_PER_REPLICA}
    return {"autoscaling_config": wanted | {"upscale_delay_s": 3, "downscale_delay_s": 30}}
