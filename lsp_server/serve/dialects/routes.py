"""Which path speaks which dialect. One path has two: Tabby's requests are told from OpenAI's by their `segments`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from lsp_server.serve.dialects import llamacpp, mercury, ollama, openai, tabby
from lsp_server.serve.served import Served

Handler: TypeAlias = Callable[[Request, Served], Awaitable[Response]]


async def completions(request: Request, served: Served) -> Response:
    """`POST /v1/completions`, of either kind."""
    body = await request.body()
    is_tabby = False
    if b'"segments"' in body:
        try:
            loaded = json.loads(body)
        except (ValueError, RecursionError):
            loaded = None
        is_tabby = isinstance(loaded, dict) and loaded.get("segments") is not None
    return await (tabby.completions if is_tabby else openai.completions)(request, served)


POSTS: tuple[tuple[str, Handler], ...] = (
    ("/infill", llamacpp.infill),
    ("/v1/completions", completions),
    ("/completions", completions),
    ("/v1/fim/completions", mercury.fim_completions),
    ("/v1/edit/completions", mercury.edit_completions),
    ("/v1/events", tabby.events),
    ("/api/generate", ollama.generate),
    ("/api/show", ollama.show),
)
