"""llama.cpp's own `POST /infill`, which puts the model's fill-in-the-middle tokens itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from model.backends.left_to_right.writer import Middle, Piece
from model.backends.remote.service import Service

CONTEXT_TOKENS = 3072
"""What fits llama-server's usual 4,096 with room for the answer."""


class LlamaCpp(Service):
    """One text per call. Only the text around the gap is sent, nothing as `input_extra`."""

    context_tokens = CONTEXT_TOKENS

    async def write(self, middle: Middle) -> AsyncGenerator[Piece, None]:
        body: dict[str, Any] = {
            "input_prefix": middle.prefix,
            "input_suffix": middle.suffix,
            "input_extra": [],
            "n_predict": middle.max_tokens,
            "temperature": middle.temperature,
            "seed": middle.seed,
            "cache_prompt": True,
            "stream": True,
        }
        if middle.stop:
            body["stop"] = list(middle.stop)
        if self.address.model:
            body["model"] = self.address.model
        async with aclosing(self.transport.replies("/infill", body, until=middle.until)) as replies:
            async for reply in replies:
                text = reply.get("content")
                if not isinstance(text, str):
                    raise self.transport.report.unreadable("the answer has no content")
                yield Piece(text)
                if reply.get("stop") is True:
                    return
