"""What is deployed: replicas that fill, and on a cluster a door before them, which is the app.

All requests of a user's document go to one replica, whose contexts and kept answers serve them: Ray's consistent-hash router
sends what has one session id to one replica. The door holds no model; whoever passes it is told the same as at any server.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsp_server.errors import InputError
from lsp_server.serve.gate.keys import key_file
from lsp_server.serve.settings import ServeSettings

NAME = "dlm-fill"
_VARIABLE = "DLM_FILL_SERVE_"
_OF_RAY = {
    "RAY_SERVE_QUEUE_LENGTH_RESPONSE_DEADLINE_S": "1",  # a replica that computes on all cores says late how much it has to do;
    "RAY_SERVE_MAX_QUEUE_LENGTH_RESPONSE_DEADLINE_S": "5",  # by Ray's 0.1 s its documents would go to another one
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
}
_UNDER_WAY_PER_REPLICA = 4
_MOST_UNDER_WAY = 256


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How many replicas. `most`: added up to it while more than four requests are under way at each, the mean of
    `look_back_s` taken; `up_s` and `down_s`: how long that must hold.
    """

    replicas: int = 1
    most: int | None = None
    gpus: float = 0.0
    up_s: float = 3.0
    down_s: float = 30.0
    look_back_s: float = 10.0

    def options(self) -> dict[str, Any]:
        """As Ray Serve calls it."""
        # A sole replica stays until its successor is ready; of several, one makes room for its own.
        surge = {"max_surge_percent": 100 if self.replicas == 1 else 0}
        if self.most is None or self.most <= self.replicas:
            return {"num_replicas": self.replicas, **surge}
        wanted = {
            "min_replicas": self.replicas,
            "max_replicas": self.most,
            "target_ongoing_requests": _UNDER_WAY_PER_REPLICA,
            "upscale_delay_s": self.up_s,
            "downscale_delay_s": self.down_s,
            "look_back_period_s": self.look_back_s,
            "metrics_interval_s": self.look_back_s / 5,
        }
        return {"autoscaling_config": wanted, **surge}


def prepare_ray() -> None:
    """Set what Ray reads when it is imported; docs/serve/kuberay.yaml sets it on a cluster."""
    for name, value in _OF_RAY.items():
        os.environ.setdefault(name, value)


def fillers(settings: ServeSettings, scale: Scale) -> Any:
    """The replicas, for `ray.serve.run`, and as what a door is bound to."""
    from ray import serve
    from ray.serve.config import RequestRouterConfig

    from lsp_server.serve.fleet.replica import Replica

    deployed = serve.deployment(
        name="fillers",
        max_ongoing_requests=_MOST_UNDER_WAY,
        max_queued_requests=settings.queue,
        health_check_period_s=2,
        graceful_shutdown_timeout_s=15,
        ray_actor_options={"num_cpus": 1, "num_gpus": scale.gpus},
        request_router_config=RequestRouterConfig(
            request_router_class="ray.serve.experimental.consistent_hash_router:ConsistentHashRouter"
        ),
        **scale.options(),
    )
    return deployed(Replica).bind(settings)


def with_door(arguments: Mapping[str, Any]) -> Any:
    """The application for a cluster; arguments win over the environment. Raises InputError."""
    settings, scale = wished(arguments, os.environ)
    settings.doors()  # here, where somebody reads what is wrong
    from ray import serve

    from lsp_server.serve.fleet.door import Door

    deployed = serve.deployment(name="door", max_ongoing_requests=2000, ray_actor_options={"num_cpus": 0})
    return deployed(serve.ingress()(Door)).bind(settings, fillers(settings, scale))


_WISHES = ("model", "also", "models_at_once", "replicas", "max_replicas", "gpus_per_replica", "keys_file", "weights")
"""`weights` is any text: where it changes, replicas are replaced, whose models are loaded anew."""


def wished(arguments: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[ServeSettings, Scale]:
    """What the arguments say, and where they are silent the environment. Raises InputError."""
    if unknown := sorted(set(arguments) - set(_WISHES)):
        raise InputError(f"unknown argument {unknown[0]!r}: known are {', '.join(_WISHES)}")
    said = {name: str(arguments.get(name, environ.get(_VARIABLE + name.upper(), ""))) for name in _WISHES}
    try:
        scale = Scale(
            replicas=int(said["replicas"] or 1),
            most=int(said["max_replicas"]) if said["max_replicas"] else None,
            gpus=float(said["gpus_per_replica"] or 0),
        )
        at_once = int(said["models_at_once"] or ServeSettings.models_at_once)
    except ValueError:
        raise InputError("replicas, max_replicas, gpus_per_replica, models_at_once: give numbers") from None
    settings = ServeSettings(
        model=said["model"] or "builtin",
        also=models_of(said["also"].split(",")),
        models_at_once=at_once,
        host="0.0.0.0",  # noqa: S104  Ray's proxies listen; without keys nothing is served
        keys_file=Path(said["keys_file"]) if said["keys_file"] else key_file(),
    )
    return settings, scale


def models_of(entries: list[str]) -> tuple[tuple[str, str], ...]:
    """(name, model) of each NAME=MODEL. Raises InputError."""
    found = []
    for entry in filter(None, map(str.strip, entries)):
        name, _, model = entry.partition("=")
        if not name or not model:
            raise InputError(f"{entry!r}: say which name a model has: NAME=MODEL")
        found.append((name, model))
    return tuple(found)
