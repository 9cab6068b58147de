"""OpenAI's legacy `POST /v1/completions`: a prompt in fill-in-the-middle tokens, or a prompt and a suffix.

So speak Zed, Continue, minuet and many others. Tabby's plugins use the same path and are told by `segments`.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator
from typing import Any

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from lsp_server.serve.ask import Answer, Ask, document_of
from lsp_server.serve.dialects.fim_prompts import Parts, taken_apart
from lsp_server.serve.replies import about, ignored, read
from lsp_server.serve.served import Served, new_id, readable
from model.types import FillOptions

NOTHING = "<|endoftext|>"
"""What some clients send in place of an empty suffix."""
_NOT_HONOURED = (
    *("top_p", "top_k", "min_p", "presence_penalty", "frequency_penalty", "repetition_penalty", "repeat_penalty"),
    *("logit_bias", "logprobs", "best_of", "samplers", "grammar", "json_schema"),
)


class CompletionIn(BaseModel):
    """What is read of the request; the rest is ignored."""

    prompt: str | list[str] = ""
    suffix: str | None = None
    model: str | None = None
    max_tokens: int | None = Field(default=None, ge=0, le=100_000)
    stop: str | list[str] | None = None
    stream: bool | None = None
    n: int | None = Field(default=None, ge=1, le=32)
    seed: int | None = None
    user: str | None = Field(default=None, max_length=200)
    temperature: float | None = None
    echo: bool | None = None
    top_p: float | None = None
    top_k: float | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = None
    repeat_penalty: float | None = None
    logit_bias: Any = None
    logprobs: Any = None
    best_of: Any = None
    samplers: Any = None
    grammar: Any = None
    json_schema: Any = None
    language: str | None = Field(default=None, max_length=64)


async def completions(request: Request, served: Served) -> Response:
    """The completion, or its stream."""
    wish = await read(request, CompletionIn)
    ask, unused = asked(wish)
    ask = served.ask(request, ask, user=wish.user or "")
    answer = await served.answer(request, ask)
    reply = _reply(wish, answer)
    headers = about(answer, unused)
    if not wish.stream:
        return JSONResponse(reply, headers=headers)
    return StreamingResponse(_chunks(reply), media_type="text/event-stream", headers=headers)


def asked(wish: CompletionIn) -> tuple[Ask, list[str]]:
    """The ask, and the fields that change nothing."""
    prompt = wish.prompt if isinstance(wish.prompt, str) else "".join(wish.prompt)
    parts = parts_of(prompt, wish.suffix)
    unused = ignored(wish, _NOT_HONOURED)
    if wish.temperature:  # 0 is what happens
        unused.append("temperature")
    if wish.echo:
        unused.append("echo")
    return (
        Ask(
            pieces=(parts.prefix, parts.suffix),
            at_cursor=True,
            model=wish.model or "",
            document=document_of(parts.prefix, parts.suffix),
            language=wish.language or "",
            file=parts.file,
            other_files=readable(list(parts.files)),
            options=FillOptions(candidates=wish.n or 1, seed=max(wish.seed or 0, 0)),
            stop=stops_of(wish.stop),
            max_tokens=wish.max_tokens,
        ),
        unused,
    )


def parts_of(prompt: str, suffix: str | None) -> Parts:
    """Prefix and suffix, however the client has put them. A prompt in tokens that comes with a suffix is text."""
    if suffix is not None and suffix != "":
        return Parts(prefix=prompt, suffix="" if suffix == NOTHING else suffix)
    return taken_apart(prompt) or Parts(prefix=prompt, suffix="")


def stops_of(stop: str | list[str] | None) -> tuple[str, ...]:
    """The stops that are texts: any number of them."""
    return tuple(filter(None, [stop] if isinstance(stop, str) else stop or ()))


def _reply(wish: CompletionIn, answer: Answer) -> dict[str, Any]:
    """The body; a request that nothing fits gets one empty text, which every client takes for nothing."""
    texts = [c.texts[0] for c in answer.candidates] or [""]
    reason = "length" if answer.cut_short else "stop"
    choices = [
        {"index": n, "text": text, "logprobs": None, "finish_reason": reason if n == 0 else "stop"}
        for n, text in enumerate(texts)
    ]
    return {
        "id": new_id("cmpl"),
        "object": "text_completion",
        "created": int(time.time()),
        "model": wish.model or answer.model,
        "choices": choices,
        "usage": {
            "prompt_tokens": answer.context_tokens,
            "completion_tokens": answer.tokens,
            "total_tokens": answer.context_tokens + answer.tokens,
        },
    }


async def _chunks(reply: dict[str, Any]) -> AsyncGenerator[bytes, None]:
    """Events: each text in one, since denoising has no order in which a beginning would be final; then how it ended."""
    choices, usage = reply.pop("choices"), reply.pop("usage")
    for choice in choices:
        yield sse({**reply, "choices": [{**choice, "finish_reason": None}]})
        yield sse({**reply, "choices": [{**choice, "text": ""}], "usage": usage})
    yield b"data: [DONE]\n\n"


def sse(body: dict[str, Any]) -> bytes:
    """One event whose data is JSON."""
    return f"data: {json.dumps(body)}\n\n".encode()
