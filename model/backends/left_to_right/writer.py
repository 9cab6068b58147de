"""What a back end that knows no canvas is asked: the text between a prefix and a suffix."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from model.types import FillerInfo


@dataclass(frozen=True, kw_only=True)
class Middle:
    """One gap to write. `count` texts are wanted, drawn at `temperature` (0: the likeliest).

    `stop`: texts before which writing ends. `old_text`: what is to be rewritten ("": nothing, write it anew).
    `until`: when to give up, in `time.monotonic` seconds.
    """

    prefix: str
    suffix: str
    max_tokens: int
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    seed: int = 0
    count: int = 1
    old_text: str = ""
    until: float | None = None


@dataclass(frozen=True)
class Piece:
    """What comes next of text number `index`."""

    text: str
    index: int = 0


class Writer(Protocol):
    """`several`: `Middle.count` may exceed 1. `rewrites`: `Middle.old_text` is made use of."""

    @property
    def info(self) -> FillerInfo: ...

    @property
    def several(self) -> bool: ...

    @property
    def rewrites(self) -> bool: ...

    def count_tokens(self, text: str) -> int: ...

    def write(self, middle: Middle) -> AsyncGenerator[Piece, None]:
        """The pieces as they come. Cancelling the task that iterates stops the work."""
        ...

    async def close(self) -> None: ...
