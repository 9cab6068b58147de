"""The same app over replicas of Ray Serve.

desk.py: a desk whose fills are made elsewhere, and made again where a replica was lost -> ray_replicas.py: Ray's way there
-> replica.py: what runs there. application.py puts them together, run.py is `dlm-fill serve --ray`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def app(arguments: Mapping[str, Any] | None = None) -> Any:
    """The application for `serve run lsp_server.serve.fleet:app` and configurations. Raises InputError."""
    from lsp_server.serve.fleet.application import with_door

    return with_door(arguments or {})
