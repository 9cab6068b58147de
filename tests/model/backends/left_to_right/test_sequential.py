"""A filler over a back end that writes: what is left on its loop once a fill is done."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from model.backends.left_to_right.sequential import SequentialFiller
from model.backends.left_to_right.writer import Middle, Piece
from model.types import FillerInfo, FillRequest, Hole, Template


class Answering:
    """A writer that lets its answer go before the end, as HTTP clients do with what they iterate over within."""

    several = rewrites = False
    info = FillerInfo(name="answering", device="here", context_tokens=100)

    def __init__(self) -> None:
        self.closed = False

    def count_tokens(self, text: str) -> int:
        return len(text)

    async def write(self, middle: Middle) -> AsyncGenerator[Piece, None]:
        async for text in self._answer(within=6):
            yield Piece(text)
            return

    async def _answer(self, *, within: int) -> AsyncGenerator[str, None]:
        """Each of these is closed only once the one around it has been."""
        try:
            if within:
                async for text in self._answer(within=within - 1):
                    yield text
            yield "1"
        finally:
            self.closed = not within

    async def close(self) -> None:
        pass


def test_what_was_let_go_of_is_closed_when_the_fill_is_done() -> None:
    writer = Answering()
    filler = SequentialFiller(writer)
    fill = filler.fill(FillRequest(template=Template(pieces=("x = ", "\n"), holes=(Hole(max_lines=1),))))
    assert fill.candidates[0].texts == ("1",)
    assert writer.closed, "else a task for it waits for the next fill, and asyncio complains when there is none"
    filler.close()
