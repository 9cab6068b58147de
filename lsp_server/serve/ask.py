"""The one request that every dialect becomes, and the one answer from which every dialect makes its reply."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from model.types import Candidate, FillOptions, Hole

Outcome: TypeAlias = Literal["done", "time", "steps", "unread", "superseded", "cancelled"]


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Fill the holes between `pieces` (one piece more than holes).

    `user` and `document`: a newer ask of both with another text takes the place of an older one; an empty document
    displaces nothing. `at_cursor`: the one hole is a cursor's place, so it gets what an editor shows there to who just
    types; else all candidates come back. `file`: a name, never opened here. `context_tokens`: the most that the client may
    use. `stop`: texts before which an answer ends; `max_tokens`: its length. `model`: what the client calls the model that
    it wants, of importance where several are served.
    `warm`: nothing is filled, the context is read for an ask to come.
    """

    pieces: tuple[str, ...]
    holes: tuple[Hole, ...] = (Hole(),)
    user: str = ""
    document: str = ""
    at_cursor: bool = False
    model: str = ""
    language: str = ""
    file: str = ""
    other_files: tuple[str, ...] = ()
    options: FillOptions = field(default_factory=FillOptions)
    context_tokens: int | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    warm: bool = False

    @property
    def place(self) -> tuple[str, str]:
        return self.user, self.document

    def text_digest(self) -> bytes:
        """Equal for two asks about one state of a text."""
        return digest_of(*self.pieces)

    def digest(self) -> bytes:
        """Equal for two asks that have one answer."""
        rest = (self.holes, self.at_cursor, self.language, self.file, self.options, self.context_tokens, self.stop)
        return digest_of(
            *self.pieces, "\0", *self.other_files, "\0", repr((rest, self.max_tokens, self.warm, self.model))
        )


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of an ask: candidates, best first; none where nothing fits, and `reason` then says why in a line.

    `cut_short`: whether the first text was cut at `max_tokens`. `cached`: it was made for an equal ask before.
    Times are milliseconds.
    """

    candidates: tuple[Candidate, ...] = ()
    reason: str = ""
    outcome: Outcome = "done"
    model: str = ""
    device: str = ""
    forward_passes: int = 0
    tokens: int = 0
    context_tokens: int = 0
    cut_short: bool = False
    cached: bool = False
    queue_ms: float = 0.0
    cut_ms: float = 0.0
    prefill_ms: float = 0.0
    denoise_ms: float = 0.0
    total_ms: float = 0.0

    @property
    def text(self) -> str:
        """The best candidate's text of the only hole; "" where there is none."""
        return self.candidates[0].texts[0] if self.candidates else ""


def document_of(prefix: str, suffix: str) -> str:
    """A name for the place that is being typed at, for clients that name no document; "" if there is too little text.

    While somebody types at one place, what stands behind the cursor stays; so does, up to the line, what stands before.
    """
    head = suffix.lstrip()[:_KNOWN_CHARS]
    if len(head) < _LEAST_CHARS:
        head = prefix[: prefix.rfind("\n") + 1][-_KNOWN_CHARS:]
    return digest_of(head).hex() if len(head.strip()) >= _LEAST_CHARS else ""


_KNOWN_CHARS, _LEAST_CHARS = 256, 12


def digest_of(*texts: str) -> bytes:
    """Equal for equal texts."""
    made = hashlib.blake2b(digest_size=16)
    for text in texts:
        data = text.encode("utf-8", errors="surrogatepass")
        made.update(len(data).to_bytes(8, "little"))
        made.update(data)
    return made.digest()
