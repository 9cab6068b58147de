"""The app before the replicas of a cluster, behind Ray's proxies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp

from lsp_server.serve.app import create_app
from lsp_server.serve.fleet.ray_replicas import desk_of
from lsp_server.serve.settings import ServeSettings


class Door:
    """Holds no model. Requests reach it under any name: it has keys."""

    def __init__(self, settings: ServeSettings, handle: Any) -> None:
        self._settings, self._handle = settings, handle

    def __serve_build_asgi_app__(self) -> ASGIApp:
        served = self._settings.served_at(desk_of(self._settings, self._handle))
        return create_app(served, replace(self._settings.doors(), hosts=None))
