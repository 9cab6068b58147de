"""llama.cpp's `POST /infill`, as llama.vim and llama.vscode use it, and `GET /props`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lsp_server.serve.ask import Answer, Ask, document_of
from lsp_server.serve.dialects.openai import sse, stops_of
from lsp_server.serve.replies import about, ignored, read
from lsp_server.serve.served import Served, readable
from model.types import Budget, FillOptions

_NOT_HONOURED = (
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
    "repeat_penalty",
    "mirostat",
    "samplers",
    "grammar",
    "logit_bias",
)


class Extra(BaseModel):
    """A chunk of another file."""

    text: str = ""
    filename: str = Field(default="", max_length=1000)


class InfillIn(BaseModel):
    """`prompt`: the cursor line's text before the cursor, which `input_prefix` does not hold."""

    model: str | None = None
    input_prefix: str = ""
    input_suffix: str = ""
    input_extra: list[Extra] = []
    prompt: str = ""
    n_predict: int | None = None
    n_indent: int | None = None
    n_cmpl: int | None = Field(default=None, ge=1, le=32)
    n: int | None = Field(default=None, ge=1, le=32)
    stop: str | list[str] | None = None
    stream: bool | None = None
    seed: int | None = None
    temperature: float | None = None
    t_max_predict_ms: float | None = None
    t_max_prompt_ms: float | None = None
    response_fields: list[str] | None = None
    top_k: Any = None
    top_p: Any = None
    min_p: Any = None
    typical_p: Any = None
    repeat_penalty: Any = None
    mirostat: Any = None
    samplers: Any = None
    grammar: Any = None
    logit_bias: Any = None


async def infill(request: Request, served: Served) -> Response:
    """The completion; with `n_predict` 0 nothing is written, the context is read for the request to come."""
    wish = await read(request, InfillIn)
    ask = asked(wish)
    unused = ignored(wish, _NOT_HONOURED)
    if wish.temperature and "temperature" in wish.model_fields_set:
        unused.append("temperature")
    if wish.n_predict == 0:
        if any(piece.strip() for piece in ask.pieces):  # chunks of other files are never read by the model
            await served.answer(request, served.ask(request, replace(ask, warm=True, document="")))
        return JSONResponse(_chosen(_body(Answer(), ""), wish.response_fields), headers=about(Answer(), unused))
    count = ask.options.candidates
    answer = await served.answer(request, served.ask(request, ask))
    texts = [c.texts[0] for c in answer.candidates][:count] or [""]
    bodies = [_chosen({**_body(answer, text), "index": n}, wish.response_fields) for n, text in enumerate(texts)]
    headers = about(answer, unused)
    if wish.stream:
        return Response(b"".join(map(sse, bodies)), media_type="text/event-stream", headers=headers)
    return JSONResponse(bodies if count > 1 else bodies[0], headers=headers)


def asked(wish: InfillIn) -> Ask:
    prefix = wish.input_prefix + wish.prompt
    seconds = wish.t_max_predict_ms / 1000 if wish.t_max_predict_ms else None
    return Ask(
        pieces=(prefix, wish.input_suffix),
        at_cursor=True,
        model=wish.model or "",
        document=document_of(prefix, wish.input_suffix),
        other_files=readable([(extra.filename, extra.text) for extra in wish.input_extra]),
        options=FillOptions(
            candidates=wish.n_cmpl or wish.n or 1,
            seed=max(wish.seed or 0, 0),
            budget=Budget(max_time_s=_patient(seconds)),
        ),
        stop=stops_of(wish.stop),
        max_tokens=wish.n_predict if wish.n_predict and wish.n_predict > 0 else None,
    )


def props(served: Served) -> dict[str, Any]:
    """What llama.vscode and scripts ask of a server before they use it."""
    info = served.desk.info
    return {
        "default_generation_settings": {"n_ctx": info.context_tokens if info else 0},
        "total_slots": 1,
        "model_path": info.name if info else "",
        "model_alias": info.name if info else "",
    }


_LEAST_SECONDS = 2.0


def _patient(seconds: float | None) -> float | None:
    """llama.cpp stops by it behind a first line only, and reading does not count; here it bounds all of a fill, so a short
    one would cost lines that the client is ready to wait for.
    """
    return None if seconds is None else max(seconds, _LEAST_SECONDS)


def _body(answer: Answer, text: str) -> dict[str, Any]:
    read_ms, written_ms = answer.cut_ms + answer.prefill_ms, answer.denoise_ms
    read_tokens, tokens = answer.context_tokens, answer.tokens
    return {
        "content": text,
        "model": answer.model,
        "stop": True,
        "stop_type": "limit" if answer.cut_short else "eos",
        "truncated": False,
        "tokens_predicted": tokens,
        "tokens_evaluated": read_tokens,
        "tokens_cached": read_tokens if answer.cached else 0,
        "timings": {
            "prompt_n": read_tokens,
            "prompt_ms": read_ms,
            "prompt_per_token_ms": read_ms / max(read_tokens, 1),
            "prompt_per_second": 1000 * read_tokens / max(read_ms, 1e-3),
            "predicted_n": tokens,
            "predicted_ms": written_ms,
            "predicted_per_token_ms": written_ms / max(tokens, 1),
            "predicted_per_second": 1000 * tokens / max(written_ms, 1e-3),
        },
    }


def _chosen(body: dict[str, Any], fields: Sequence[str] | None) -> dict[str, Any]:
    """The fields that were asked for, under the paths by which they were asked (`timings/prompt_n`); without any, all."""
    if not fields:
        return body
    chosen: dict[str, Any] = {}
    for path in fields:
        at: Any = body
        for name in path.split("/"):
            at = at.get(name) if isinstance(at, dict) else None
        if at is not None:
            chosen[path] = at
    return chosen
