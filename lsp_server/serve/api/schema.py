"""`POST /v1/fill`, version 1: what is asked and what is answered. Unknown fields are ignored."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, Field, model_validator

from model.types import MOST_CANDIDATES

VERSION: Final = 1
MOST_HOLES, MOST_OTHER_FILES = 64, 64


class HoleIn(BaseModel):
    """A gap. See `max_lines` (1: the fill stays on its line), `tie` (holes that name the same tie get one text)."""

    old_text: str = Field(default="", description="What stands there; shown to the model only with a strength below 1.")
    length_tokens: int | None = Field(
        default=None, ge=1, le=1024, description="Exactly so many tokens; left out: as fits."
    )
    max_lines: int | None = Field(default=None, ge=1, le=1000)
    tie: str = Field(default="", max_length=200)
    strength: float = Field(
        default=1.0, gt=0, le=1, description="Below 1: rewrite this share of the old text's tokens."
    )
    stop: Literal["", "balanced"] = Field(
        default="", description="balanced: end where the brackets it opened are closed."
    )
    must_match: str = Field(default="", max_length=1000, description="A regular expression for the whole fill.")


class OtherFile(BaseModel):
    """A file that a fill may copy from. Files whose names stand for secrets are left out."""

    file: str = Field(default="", max_length=1000)
    text: str


class FillIn(BaseModel):
    """Text with holes: `pieces[0] hole[0] pieces[1] … hole[n-1] pieces[n]`."""

    version: Literal[1] = Field(default=VERSION, description="Of this schema.")
    pieces: Annotated[list[str], Field(min_length=2, max_length=MOST_HOLES + 1)]
    holes: Annotated[list[HoleIn], Field(max_length=MOST_HOLES)] | None = Field(
        default=None, description="One fewer than pieces; left out: plain holes."
    )
    cursor: bool = Field(
        default=False,
        description="The only hole is a cursor's place: answer what an editor would show to who just types.",
    )
    model: str = Field(default="", max_length=200, description="By its name, where several are served.")
    language: str = Field(
        default="", max_length=64, description="As editors call it; left out: by the file's name, or guessed."
    )
    file: str = Field(default="", max_length=1000, description="The file's name. It is not opened.")
    other_files: Annotated[list[OtherFile], Field(max_length=MOST_OTHER_FILES)] = []
    candidates: int = Field(default=1, ge=1, le=MOST_CANDIDATES)
    seed: int = Field(default=0, ge=0)
    sampler: str = Field(default="auto", max_length=200)
    steps: int | None = Field(default=None, ge=1, le=10_000)
    max_time_s: float | None = Field(
        default=None, gt=0, description="At most the server's own bound, which holds if left out."
    )
    user: str = Field(default="", max_length=200, description="Who asks, among those with one key.")
    document: str = Field(
        default="",
        max_length=1000,
        description="A newer request for a user's document takes the place of an older one.",
    )
    stream: bool = Field(
        default=False, description="Server-sent events: a `state` for denoise steps, at last `fill` or `error`."
    )

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if self.holes is not None and len(self.holes) != len(self.pieces) - 1:
            raise ValueError(f"{len(self.pieces)} pieces do not surround {len(self.holes)} holes: send one piece more")
        if self.cursor and len(self.pieces) != 2:
            raise ValueError("a cursor is one hole: send two pieces")
        return self


class CandidateOut(BaseModel):
    """One way to fill all holes. `confidence`: the probability that it is exactly right, as far as the model can tell."""

    texts: list[str]
    confidence: float
    confidences: list[float]
    parses: bool | None
    origin: Literal["model", "draft"]


class TimesOut(BaseModel):
    """Milliseconds."""

    queue: float
    cut: float
    prefill: float
    denoise: float
    total: float


class FillOut(BaseModel):
    """Candidates, best first. None: `reason` says why, and `outcome` how the fill ended."""

    version: Literal[1] = VERSION
    id: str
    model: str
    device: str
    candidates: list[CandidateOut]
    reason: str
    outcome: Literal["done", "time", "steps", "unread", "superseded", "cancelled"]
    forward_passes: int
    tokens: int
    cached: bool
    ms: TimesOut


class TokenOut(BaseModel):
    """A position of a hole while it is denoised; `open`: `text` is only the best guess."""

    text: str
    confidence: float
    open: bool


class StateOut(BaseModel):
    """The leading candidate after a denoise step: the tokens of each hole, in order."""

    step: int
    forward_passes: int
    holes: list[list[TokenOut]]


class ErrorOut(BaseModel):
    """`message`: one sentence that names what is wrong."""

    message: str
    type: str
    code: int


class ErrorsOut(BaseModel):
    """What every status from 400 on carries."""

    error: ErrorOut
