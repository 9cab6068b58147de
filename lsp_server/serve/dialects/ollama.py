"""Ollama's API, as far as completion clients use it: generate, tags, show, version."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from lsp_server.serve.ask import Ask, document_of
from lsp_server.serve.dialects.openai import parts_of, stops_of
from lsp_server.serve.replies import about, checked, ignored, read
from lsp_server.serve.served import Served, readable
from model.types import FillOptions

VERSION = "0.12.0"
"""Of the API that is spoken here: clients refuse servers that are too old."""
_HONOURED = frozenset(("stop", "seed", "num_predict", "num_ctx"))
_NOT_HONOURED = ("system", "template", "context", "format", "images")


class GenerateIn(BaseModel):
    """`stream` is on unless it is switched off. `raw`: the prompt is in fill-in-the-middle tokens."""

    model: str = ""
    prompt: str = ""
    suffix: str | None = None
    stream: bool | None = None
    raw: bool | None = None
    options: dict[str, Any] | None = None
    system: Any = None
    template: Any = None
    context: Any = None
    format: Any = None
    images: Any = None


class Options(BaseModel):
    """Those of the options that are honoured."""

    stop: str | list[str] | None = None
    seed: int | None = None
    num_predict: int | None = None
    temperature: float | None = None


class ShowIn(BaseModel):
    """Which model; older clients say `name`."""

    model: str = ""
    name: str = Field(default="")


async def generate(request: Request, served: Served) -> Response:
    """The completion as one JSON object, or as lines of them."""
    wish = await read(request, GenerateIn)
    options = checked(Options, wish.options or {})
    if not wish.prompt and not wish.suffix:  # that is how clients load a model
        done = _line(wish, served, "", done=True) | {"done_reason": "load"}
        return JSONResponse(done)
    parts = parts_of(wish.prompt, wish.suffix)
    unused = ignored(wish, _NOT_HONOURED)
    unused += [f"options.{name}" for name in wish.options or () if name not in _HONOURED | {"temperature"}]
    if options.temperature:
        unused.append("options.temperature")
    ask = Ask(
        pieces=(parts.prefix, parts.suffix),
        at_cursor=True,
        model=wish.model,
        document=document_of(parts.prefix, parts.suffix),
        file=parts.file,
        other_files=readable(list(parts.files)),
        options=FillOptions(seed=max(options.seed or 0, 0)),
        stop=stops_of(options.stop),
        max_tokens=options.num_predict if options.num_predict and options.num_predict > 0 else None,
    )
    answer = await served.answer(request, served.ask(request, ask))
    last = {
        "done_reason": "length" if answer.cut_short else "stop",
        "total_duration": int(answer.total_ms * 1e6),
        "load_duration": 0,
        "prompt_eval_count": answer.context_tokens,
        "prompt_eval_duration": int((answer.cut_ms + answer.prefill_ms) * 1e6),
        "eval_count": answer.tokens,
        "eval_duration": int(answer.denoise_ms * 1e6),
    }
    headers = about(answer, unused)
    if wish.stream is False:
        return JSONResponse(_line(wish, served, answer.text, done=True) | last, headers=headers)
    lines = [_line(wish, served, answer.text, done=False), _line(wish, served, "", done=True) | last]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    return StreamingResponse(iter([text]), media_type="application/x-ndjson", headers=headers)


def tags(served: Served) -> dict[str, Any]:
    """The models that are served; where it is one, it answers whatever name a client asks for."""
    return {
        "models": [
            {
                "name": name,
                "model": name,
                "modified_at": _when(served.started),
                "size": 0,
                "digest": "",
                "details": _DETAILS,
                "capabilities": _CAPABILITIES,
            }
            for name in served.desk.models or ("dlm-fill",)
        ]
    }


async def show(request: Request, served: Served) -> Response:
    """What is known of a model. The template has `.Suffix` in it, by which clients learn that suffixes are welcome."""
    await read(request, ShowIn)
    info = served.desk.info
    body = {
        "modelfile": "",
        "parameters": f"num_ctx {info.context_tokens if info else 0}",
        "template": "{{ .Prompt }}{{ .Suffix }}",
        "details": _DETAILS,
        "model_info": {
            "general.architecture": "dlm-fill",
            "general.basename": _name(served),
            "dlm-fill.context_length": info.context_tokens if info else 0,
        },
        "capabilities": _CAPABILITIES,
        "modified_at": _when(served.started),
    }
    return JSONResponse(body)


_CAPABILITIES = ["completion", "insert"]
_DETAILS = {
    "parent_model": "",
    "format": "dlm-fill",
    "family": "dlm-fill",
    "families": ["dlm-fill"],
    "parameter_size": "",
    "quantization_level": "",
}


def _line(wish: GenerateIn, served: Served, text: str, *, done: bool) -> dict[str, Any]:
    return {
        "model": wish.model or _name(served),
        "created_at": _when(served.clock()),
        "response": text,
        "done": done,
    }


def _name(served: Served) -> str:
    return served.desk.info.name if served.desk.info else "dlm-fill"


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat().replace("+00:00", "Z")
