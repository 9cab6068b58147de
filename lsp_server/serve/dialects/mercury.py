"""Inception's `POST /v1/fim/completions` and `POST /v1/edit/completions`, as Mercury's clients send them."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from lsp_server.serve.ask import Ask
from lsp_server.serve.dialects.openai import completions as fim_completions
from lsp_server.serve.dialects.openai import sse
from lsp_server.serve.replies import Refusal, about, ignored, read
from lsp_server.serve.served import Served, new_id
from model.types import Hole

__all__ = ["edit_completions", "fim_completions"]

REWRITTEN_SHARE = 0.4
"""Of the region's tokens, those that the model doubts most are written anew, as in the editor's code action."""
_CONTENT = re.compile(r"<\|current_file_content\|>\n?(.*?)\n?<\|/current_file_content\|>", re.DOTALL)
_EDIT = re.compile(r"<\|code_to_edit\|>\n?(.*?)\n?<\|/code_to_edit\|>", re.DOTALL)
_PATH = re.compile(r"\A(?:current_file_path|code_snippet_file_path): *([^\n]*)\n")
_CURSOR = "<|cursor|>"
_UNCHANGED = "None"
_NOT_HONOURED = ("top_p", "frequency_penalty", "presence_penalty", "stop", "max_tokens")


class Message(BaseModel):
    """A chat message; contents of several parts are joined."""

    role: str
    content: str | list[dict[str, Any]] = ""

    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "".join(str(part.get("text", "")) for part in self.content)


class EditIn(BaseModel):
    """The last user message holds the file, with a region to edit."""

    messages: list[Message] = Field(min_length=1, max_length=100)
    model: str | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: Any = None
    frequency_penalty: Any = None
    presence_penalty: Any = None
    stop: Any = None
    max_tokens: Any = None


@dataclass(frozen=True, kw_only=True)
class _Region:
    """The file around the region that may be edited, and that region."""

    before: str
    old: str
    after: str
    file: str
    cursor: int


async def edit_completions(request: Request, served: Served) -> Response:
    """The region as it would be rewritten, in a fence; "None" where nothing better is found."""
    wish = await read(request, EditIn)
    region = _region(wish)
    unused = ignored(wish, _NOT_HONOURED)
    if wish.temperature:
        unused.append("temperature")
    ask = served.ask(request, replace(_asked(region), model=wish.model or ""))
    answer = await served.answer(request, ask)
    content = _UNCHANGED
    if answer.candidates:
        text = answer.text if not ask.at_cursor else _inserted(region, answer.text)
        content = f"```\n{text}\n```"
    headers = about(answer, unused)
    body: dict[str, Any] = {
        "id": new_id("chatcmpl"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": wish.model or answer.model,
    }
    usage = {
        "prompt_tokens": answer.context_tokens,
        "completion_tokens": answer.tokens,
        "total_tokens": answer.context_tokens + answer.tokens,
    }
    if wish.stream:
        return StreamingResponse(_chunks(body, content, usage), media_type="text/event-stream", headers=headers)
    message = {"role": "assistant", "content": content}
    body |= {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
    return JSONResponse(body, headers=headers)


def _asked(region: _Region) -> Ask:
    """At a cursor something may be missing, so it is filled; a region without one is rewritten."""
    if region.cursor >= 0:
        before, after = region.old[: region.cursor], region.old[region.cursor :]
        return Ask(
            pieces=(region.before + before, after + region.after),
            at_cursor=True,
            file=region.file,
            document=region.file,
        )
    hole = Hole(old_text=region.old, strength=REWRITTEN_SHARE)
    pieces = (region.before, region.after)
    return Ask(pieces=pieces, holes=(hole,), file=region.file, document=region.file)


def _inserted(region: _Region, text: str) -> str:
    return region.old[: region.cursor] + text + region.old[region.cursor :]


def _region(wish: EditIn) -> _Region:
    """Raises Refusal for a message without a region."""
    asked = next((m.text() for m in reversed(wish.messages) if m.role == "user"), "")
    content = _CONTENT.search(asked)
    edit = _EDIT.search(content.group(1)) if content else None
    if content is None or edit is None:
        raise Refusal(
            400,
            "messages: the last user message holds no <|code_to_edit|> in <|current_file_content|>: mark what to edit",
        )
    text = content.group(1)
    named = _PATH.match(text)
    start = named.end() if named else 0
    before, old, after = text[start : edit.start()], edit.group(1), text[edit.end() :]
    cursor = old.find(_CURSOR)
    return _Region(
        before=before.replace(_CURSOR, ""),
        old=old.replace(_CURSOR, ""),
        after=after.replace(_CURSOR, ""),
        file=named.group(1).strip() if named else "",
        cursor=cursor,
    )


async def _chunks(body: dict[str, Any], content: str, usage: dict[str, int]) -> AsyncGenerator[bytes, None]:
    body = {**body, "object": "chat.completion.chunk"}
    delta = {"role": "assistant", "content": content}
    yield sse({**body, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield sse({**body, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage})
    yield b"data: [DONE]\n\n"
