"""Tabby's API, as its editor plugins use it: completions by segments, health, events, and the server's settings."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import Any, Literal

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lsp_server.serve.ask import Ask, document_of
from lsp_server.serve.replies import about, read
from lsp_server.serve.served import Served, new_id, readable
from model.types import FillOptions


class Snippet(BaseModel):
    """A declaration or a part of another file."""

    filepath: str = Field(default="", max_length=2000)
    body: str = ""


class Segments(BaseModel):
    """The text around the cursor. What is on the clipboard is not read."""

    prefix: str
    suffix: str | None = None
    filepath: str | None = Field(default=None, max_length=2000)
    declarations: list[Snippet] | None = None
    relevant_snippets_from_changed_files: list[Snippet] | None = None
    relevant_snippets_from_recently_opened_files: list[Snippet] | None = None


class TabbyIn(BaseModel):
    """A completion request."""

    segments: Segments
    language: str | None = Field(default=None, max_length=64)
    user: str | None = Field(default=None, max_length=200)
    mode: str | None = None
    temperature: float | None = None
    seed: int | None = None


class EventIn(BaseModel):
    """What became of a completion."""

    type: Literal["view", "select", "dismiss"]
    completion_id: str = Field(max_length=200)
    choice_index: int = Field(default=0, ge=0)


async def completions(request: Request, served: Served) -> Response:
    """The completion, under an id that events name."""
    wish = await read(request, TabbyIn)
    segments = wish.segments
    snippets = [
        *(segments.declarations or ()),
        *(segments.relevant_snippets_from_changed_files or ()),
        *(segments.relevant_snippets_from_recently_opened_files or ()),
    ]
    suffix = segments.suffix or ""
    ask = Ask(
        pieces=(segments.prefix, suffix),
        at_cursor=True,
        language=wish.language or "",
        file=segments.filepath or "",
        document=segments.filepath or document_of(segments.prefix, suffix),
        other_files=readable([(snippet.filepath, snippet.body) for snippet in snippets]),
        options=FillOptions(seed=max(wish.seed or 0, 0)),
    )
    answer = await served.answer(request, served.ask(request, ask, user=wish.user or ""))
    name = new_id("cmpl")
    served.events.made(name, answer.text)
    unused = [
        *(["temperature"] if wish.temperature else []),
        *(["mode"] if wish.mode not in (None, "standard") else []),
    ]
    body = {"id": name, "choices": [{"index": 0, "text": answer.text}], "mode": "standard"}
    return JSONResponse(body, headers=about(answer, unused))


async def events(request: Request, served: Served) -> Response:
    """Count an event."""
    event = await read(request, EventIn)
    served.events.happened(event.type, event.completion_id)
    return Response(status_code=200)


def health(served: Served) -> dict[str, Any]:
    """What Tabby's plugins ask before they say that they are connected."""
    info = served.desk.info
    name, device = (info.name, info.device) if info else ("", "cpu")
    local = {"model_id": name, "device": device}
    return {
        "model": name,
        "device": device,
        "cuda_devices": [],
        "models": {"completion": {"local": local}},
        "arch": platform.machine(),
        "cpu_info": platform.processor() or platform.machine(),
        "cpu_count": os.cpu_count() or 1,
        "version": {"build_date": "", "build_timestamp": "", "git_sha": "", "git_describe": f"dlm-fill {_version()}"},
        "webserver": False,
    }


def server_setting() -> dict[str, Any]:
    """Events are counted here and nowhere else; plugins send nothing to others."""
    return {"disable_client_side_telemetry": True}


def _version() -> str:
    try:
        return metadata.version("dlm-fill")
    except metadata.PackageNotFoundError:
        return "unknown"
