"""OpenAI-style `POST /completions` with `suffix`: what most self-hosted fill-in-the-middle servers speak."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from model.backends.left_to_right.writer import Middle, Piece
from model.backends.remote.service import Service

CONTEXT_TOKENS = 4096


class Completions(Service):
    """Asks for all candidates of a gap at once (`n`)."""

    context_tokens = CONTEXT_TOKENS
    several = True

    def write(self, middle: Middle) -> AsyncGenerator[Piece, None]:
        return self.write_between("/completions", middle, n=middle.count, seed=middle.seed)
