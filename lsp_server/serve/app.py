"""The ASGI app: routes behind the gate. Nothing here knows how it is served, by uvicorn or by Ray Serve."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib import metadata
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from lsp_server.serve.api import openapi
from lsp_server.serve.api.fill import fill
from lsp_server.serve.dialects import llamacpp, ollama, tabby
from lsp_server.serve.dialects.routes import POSTS, Handler
from lsp_server.serve.gate.gate import BODY_SECONDS, Gate
from lsp_server.serve.gate.keys import Keys, Limits
from lsp_server.serve.replies import Refusal, error_body, error_reply, refusal_of
from lsp_server.serve.served import Served
from lsp_server.serve.state import state_of
from model.errors import ModelError

_SAVE_SECONDS = 30.0
_CONTENT = {"style.css": "text/css", "script.js": "text/javascript"}


@dataclass(frozen=True, kw_only=True)
class Doors:
    """Who may come in. `hosts`: the names under which a server without keys answers (None: any)."""

    keys: Keys = field(default_factory=lambda: Keys(None, {}))
    limits: Limits = field(default_factory=Limits)
    hosts: tuple[str, ...] | None = ("127.0.0.1", "localhost", "::1")
    body_s: float = BODY_SECONDS


def create_app(served: Served, doors: Doors | None = None) -> ASGIApp:
    """The app over a desk. Loading of the model begins when it starts."""
    doors = doors or Doors()
    desk = served.desk

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None, None]:
        loading = asyncio.ensure_future(desk.load())
        saving = asyncio.ensure_future(_save_now_and_then(served))
        try:
            yield
        finally:
            for task in (loading, saving):
                task.cancel()
                with suppress(asyncio.CancelledError, ModelError):
                    await task
            desk.close()
            await asyncio.to_thread(served.events.metrics.save)

    routes = [
        Route("/v1/fill", _handled(served, fill), methods=["POST"]),
        *(Route(path, _handled(served, handler), methods=["POST"]) for path, handler in POSTS),
        *_pages(lambda: doors.keys.any),
        *_told(served),
    ]
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: _unknown, 500: _defect})
    return Gate(
        app,
        keys=doors.keys,
        limits=doors.limits,
        hosts=doors.hosts,
        body_s=doors.body_s,
        seen=desk.watch.requested,
    )


def _handled(served: Served, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """The handler, what it raises told in the way of its dialect."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request, served)
        except Exception as error:  # noqa: BLE001  what nobody expected is raised again
            refusal = refusal_of(error)
            body = {"error": str(refusal)} if request.url.path.startswith("/api/") else None
            return error_reply(refusal, body=body)

    return handle


def _told(served: Served) -> list[Route]:
    """Routes that tell something."""
    desk = served.desk

    def told(tell: Callable[[], dict[str, Any]]) -> Callable[[Request], Awaitable[Response]]:
        async def handle(_: Request) -> Response:
            return JSONResponse(tell())

        return handle

    async def health(_: Request) -> Response:
        if desk.failure:
            return JSONResponse({"status": "error", "message": desk.failure}, status_code=503)
        if desk.info is None:
            return JSONResponse({"status": "loading"}, status_code=503, headers={"retry-after": "1"})
        return JSONResponse({"status": "ok"})

    async def metrics(_: Request) -> Response:
        desk.watch.gauge_queued.set(desk.queued)
        desk.watch.gauge_filling.set(desk.filling)
        return Response(desk.watch.exposed(), media_type="text/plain; version=0.0.4")

    def models() -> dict[str, Any]:
        rest = {"object": "model", "created": int(served.started), "owned_by": "dlm-fill"}
        return {"object": "list", "data": [{"id": name, **rest} for name in desk.models or ("dlm-fill",)]}

    return [
        Route("/health", health),
        Route("/metrics", metrics),
        Route("/v1/models", told(models)),
        Route("/v1/state", told(lambda: state_of(served))),
        Route("/v1/health", told(lambda: tabby.health(served)), methods=["GET", "POST"]),
        Route("/v1beta/server_setting", told(tabby.server_setting)),
        Route("/props", told(lambda: llamacpp.props(served))),
        Route("/api/tags", told(lambda: ollama.tags(served))),
        Route("/api/version", told(lambda: {"version": ollama.VERSION})),
        Route("/openapi.json", told(lambda: openapi.description(_version()))),
    ]


def _pages(locked: Callable[[], bool]) -> list[Route]:
    """The page, in three files, and the description of the API. They load nothing from elsewhere."""
    folder = files("lsp_server.serve") / "page"
    policy = {
        "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
        " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "cache-control": "no-cache",
    }

    async def index(_: Request) -> Response:
        html = (folder / "index.html").read_text("utf-8")
        return HTMLResponse(html.replace("{locked}", "yes" if locked() else "no"), headers=policy)

    async def part(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _CONTENT:
            return error_reply(Refusal(404, "no such page"))
        return Response((folder / name).read_bytes(), media_type=_CONTENT[name], headers=policy)

    async def docs(_: Request) -> Response:
        return HTMLResponse(openapi.page(_version()), headers=policy)

    async def icon(_: Request) -> Response:
        return Response(status_code=204)

    return [Route("/", index), Route("/page/{name}", part), Route("/docs", docs), Route("/favicon.ico", icon)]


async def _unknown(_: Request, error: Exception) -> Response:
    """A path or method that nobody serves."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    said = "this path takes another method" if status == 405 else "no such path: /docs lists them"
    return error_reply(Refusal(status, said))


async def _defect(_: Request, __: Exception) -> Response:
    return JSONResponse(error_body(Refusal(500, "a defect of dlm-fill: please report it")), status_code=500)


async def _save_now_and_then(served: Served) -> None:
    while True:
        await asyncio.sleep(_SAVE_SECONDS)
        await asyncio.to_thread(served.events.metrics.save)


def _version() -> str:
    try:
        return metadata.version("dlm-fill")
    except metadata.PackageNotFoundError:
        return "unknown"
