"""What crosses the border of `model`: text with holes goes in, text comes out.

Nothing here knows an editor, a syntax tree or a tensor; importing it costs milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

Cancelled: TypeAlias = Callable[[], bool]
OnEvent: TypeAlias = Callable[["FillEvent"], None]
Parses: TypeAlias = Callable[[tuple[str, ...]], bool | None]


@dataclass(frozen=True, kw_only=True)
class Hole:
    """A gap that the model fills.

    `old_text` is what stood there ("" for an insertion). `length_tokens` fixes the number of tokens;
    None lets the model choose. `max_lines` bounds the lines of the fill (1: it ends before a newline).
    """

    old_text: str = ""
    length_tokens: int | None = None
    max_lines: int | None = None


@dataclass(frozen=True, kw_only=True)
class Template:
    """`pieces[0] hole[0] pieces[1] … hole[n-1] pieces[n]`: always one piece more than holes."""

    pieces: tuple[str, ...]
    holes: tuple[Hole, ...]

    def __post_init__(self) -> None:
        if not self.holes or len(self.pieces) != len(self.holes) + 1:
            raise ValueError(f"{len(self.pieces)} pieces do not surround {len(self.holes)} holes")

    def joined(self, texts: tuple[str, ...]) -> str:
        """The text with `texts` (one per hole) in the holes."""
        return self.pieces[0] + "".join(t + p for t, p in zip(texts, self.pieces[1:], strict=True))


@dataclass(frozen=True, kw_only=True)
class Budget:
    """When to stop and return the best so far. `max_time_s` in seconds, `max_forward_passes` in denoise steps."""

    max_time_s: float | None = None
    max_forward_passes: int | None = None


@dataclass(frozen=True, kw_only=True)
class FillRequest:
    """One request: all holes of the template are filled jointly.

    `extra_context` is text from elsewhere (other files) that may serve as source of drafts, nearest first.
    `candidates` is how many to make; a few more may come back if they were at hand. `steps` is read by
    samplers with a fixed number of steps. `parses` tells whether the holes' texts make the file parse
    (None: cannot tell); it ranks candidates.
    """

    template: Template
    language: str = ""
    extra_context: tuple[str, ...] = ()
    candidates: int = 1
    seed: int = 0
    sampler: str = "auto"
    steps: int | None = None
    budget: Budget = field(default_factory=Budget)
    parses: Parses | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One way to fill all holes. `confidence` in [0, 1]; `confidences` one per hole."""

    texts: tuple[str, ...]
    confidences: tuple[float, ...]
    confidence: float
    parses: bool | None = None
    origin: Literal["model", "draft"] = "model"


@dataclass(frozen=True, kw_only=True)
class Fill:
    """Candidates, best first (empty: nothing acceptable, see `stopped`).

    `tokens` counts the tokens committed; times are wall-clock milliseconds.
    """

    candidates: tuple[Candidate, ...]
    forward_passes: int
    tokens: int
    prefill_ms: float
    denoise_ms: float
    stopped: Literal["done", "cancelled", "time", "steps"] = "done"


@dataclass(frozen=True, kw_only=True)
class DraftToken:
    """One position while denoising. `open`: still to be decided, `text` is then the best guess."""

    text: str
    confidence: float
    open: bool


@dataclass(frozen=True, kw_only=True)
class FillEvent:
    """The leading candidate after `step` denoise steps: `holes[h]` the tokens of hole h, in order."""

    step: int
    holes: tuple[tuple[DraftToken, ...], ...]


@dataclass(frozen=True, kw_only=True)
class FillerInfo:
    """`context_tokens`: how many tokens of context around the holes the back end makes use of."""

    name: str
    device: str
    context_tokens: int


class Filler(Protocol):
    """Text in, text out: the local engine, or a remote service. Not thread-safe: one call at a time."""

    @property
    def info(self) -> FillerInfo: ...

    def count_tokens(self, text: str) -> int:
        """Number of the model's tokens in `text`."""
        ...

    def fill(
        self,
        request: FillRequest,
        *,
        cancelled: Cancelled = lambda: False,
        on_event: OnEvent | None = None,
    ) -> Fill:
        """Fill all holes. `cancelled` is asked before every denoise step.

        Raises `model.errors.BadRequest` for an unknown sampler or an impossible hole.
        """
        ...
