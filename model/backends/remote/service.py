"""What remote writers have in common: the transport, what is said of them, and the shape of `choices`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any, ClassVar

from model.backends.left_to_right.writer import Middle, Piece
from model.backends.remote.transport import Transport
from model.types import FillerInfo

_BYTES_PER_TOKEN = 3
"""Of code, for tokenizers that are not at hand: rather too few, so that a context that fits by this count does fit."""


class Service:
    """A remote `Writer`."""

    context_tokens: ClassVar[int]
    several: ClassVar[bool] = False
    rewrites: ClassVar[bool] = False

    def __init__(self, transport: Transport) -> None:
        self.transport, self.address = transport, transport.address

    @property
    def info(self) -> FillerInfo:
        name = self.address.model or self.address.kind
        host = self.address.host
        return FillerInfo(name=name, device=host, context_tokens=self.context_tokens, sent_to=host)

    def count_tokens(self, text: str) -> int:
        return -(-len(text.encode("utf-8")) // _BYTES_PER_TOKEN)

    def write(self, middle: Middle) -> AsyncGenerator[Piece, None]:
        raise NotImplementedError

    async def write_between(self, path: str, middle: Middle, **more: object) -> AsyncGenerator[Piece, None]:
        """What a fill-in-the-middle endpoint streams for the gap between prefix and suffix; `more`: fields of its own."""
        body: dict[str, Any] = {
            "model": self.address.model,
            "prompt": middle.prefix,
            "suffix": middle.suffix,
            "max_tokens": middle.max_tokens,
            "temperature": middle.temperature,
            "stream": True,
            **more,
        }
        if middle.stop:
            body["stop"] = list(middle.stop)
        async with aclosing(self.transport.replies(path, body, until=middle.until)) as replies:
            async for reply in replies:
                for piece in self.choices(reply):
                    yield piece

    async def close(self) -> None:
        await self.transport.close()

    def choices(self, reply: dict[str, Any]) -> Iterator[Piece]:
        """The texts in `choices` of a reply, or of one event of a stream. Raises BadReply if there are none."""
        choices = reply.get("choices")
        if not isinstance(choices, list):
            raise self.transport.report.unreadable("the answer has no choices")
        for choice in choices:
            text = choice.get("text", "") if isinstance(choice, dict) else None
            index = choice.get("index", 0) if isinstance(choice, dict) else None
            if not isinstance(text, str) or not isinstance(index, int):
                raise self.transport.report.unreadable("a choice has no text")
            yield Piece(text, index)
