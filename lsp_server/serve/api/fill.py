"""`POST /v1/fill`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import fields

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from lsp_server.serve.api.schema import CandidateOut, FillIn, FillOut, HoleIn, StateOut, TimesOut, TokenOut
from lsp_server.serve.ask import Answer, Ask
from lsp_server.serve.replies import Refusal, about, error_body, error_reply, read, refusal_of
from lsp_server.serve.served import Served, new_id, readable, states_at
from model.types import Budget, FillEvent, FillOptions, Hole


async def fill(request: Request, served: Served) -> Response:
    """The fill; with `stream` as server-sent events."""
    wish = await read(request, FillIn)
    ask = served.ask(request, ask_of(wish), user=wish.user)
    if wish.stream:
        return StreamingResponse(_events(served, ask), media_type="text/event-stream", headers=_UNBUFFERED)
    answer = await served.answer(request, ask)
    if answer.outcome == "superseded":
        return error_reply(Refusal(409, answer.reason))
    return JSONResponse(out(answer).model_dump(), headers=about(answer))


_UNBUFFERED = {"cache-control": "no-store", "x-accel-buffering": "no"}


def ask_of(wish: FillIn) -> Ask:
    """The request as every dialect's is."""
    holes = wish.holes if wish.holes is not None else [HoleIn()] * (len(wish.pieces) - 1)
    return Ask(
        pieces=tuple(wish.pieces),
        holes=tuple(Hole(**hole.model_dump()) for hole in holes),
        at_cursor=wish.cursor,
        model=wish.model,
        language=wish.language,
        file=wish.file,
        document=wish.document or wish.file,
        other_files=readable([(other.file, other.text) for other in wish.other_files]),
        options=options_of(wish),
    )


def options_of(wish: FillIn) -> FillOptions:
    """The options that a client may set are called in the schema as in `FillOptions`; and the time."""
    named = {field.name for field in fields(FillOptions)} & FillIn.model_fields.keys()
    return FillOptions(budget=Budget(max_time_s=wish.max_time_s), **{name: getattr(wish, name) for name in named})


def out(answer: Answer) -> FillOut:
    """The answer in the schema's words."""
    return FillOut(
        id=new_id("fill"),
        model=answer.model,
        device=answer.device,
        candidates=[
            CandidateOut(
                texts=list(c.texts),
                confidence=c.confidence,
                confidences=list(c.confidences),
                parses=c.parses,
                origin=c.origin,
            )
            for c in answer.candidates
        ],
        reason=answer.reason,
        outcome=answer.outcome,
        forward_passes=answer.forward_passes,
        tokens=answer.tokens,
        cached=answer.cached,
        ms=TimesOut(
            queue=answer.queue_ms,
            cut=answer.cut_ms,
            prefill=answer.prefill_ms,
            denoise=answer.denoise_ms,
            total=answer.total_ms,
        ),
    )


async def _events(served: Served, ask: Ask) -> AsyncIterator[bytes]:
    """Server-sent events. Starlette closes this when the client goes, which stops the fill."""
    try:
        async with aclosing(states_at(served.desk, ask)) as states:
            async for one in states:
                if isinstance(one, FillEvent):
                    yield _event("state", _state(one))
                else:
                    yield _event("fill", out(one))
    except Exception as error:  # noqa: BLE001  the status was sent: what went wrong is an event
        yield b"event: error\ndata: " + json.dumps(error_body(refusal_of(error))).encode() + b"\n\n"


def _state(event: FillEvent) -> StateOut:
    return StateOut(
        step=event.step,
        forward_passes=event.forward_passes,
        holes=[[TokenOut(text=t.text, confidence=t.confidence, open=t.open) for t in hole] for hole in event.holes],
    )


def _event(name: str, data: BaseModel) -> bytes:
    return f"event: {name}\ndata: {data.model_dump_json()}\n\n".encode("utf-8", errors="replace")
