"""What crosses the border of `model`: text with holes goes in, text comes out.

Nothing here knows an editor, a syntax tree or a tensor; importing it costs milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from model.text import PlainText

Cancelled: TypeAlias = Callable[[], bool]
OnEvent: TypeAlias = Callable[["FillEvent"], None]
Parses: TypeAlias = Callable[[tuple[str, ...]], bool | None]
Accepts: TypeAlias = Callable[[tuple[str, ...]], "tuple[Span, ...] | None"]


@dataclass(frozen=True, kw_only=True)
class Span:
    """Characters `start` to `end` (exclusive) of the text of hole number `hole`."""

    hole: int
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Hole:
    """A gap that the model fills.

    `old_text` is what stood there ("" for an insertion). `length_tokens` fixes the number of tokens;
    None lets the model choose. `max_lines` bounds the lines of the fill (1: it ends before a newline).
    `tie`: all holes of a request that name the same tie get one text.
    `pinned`: spans of `old_text` (characters, in order, apart) that stay; what is between them is filled.
    `strength` in (0, 1]: below 1 only this share of the old text's tokens, those that the model
    doubts most, is filled anew; the others stay.
    `stop` "balanced": the fill ends where all brackets that it opened are closed, and before one that it did not open.
    `must_match`: a regular expression that the whole fill has to match.
    """

    old_text: str = ""
    length_tokens: int | None = None
    max_lines: int | None = None
    tie: str = ""
    pinned: tuple[tuple[int, int], ...] = ()
    strength: float = 1.0
    stop: Literal["", "balanced"] = ""
    must_match: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether nothing but length and lines is asked of its fill."""
        return not (self.tie or self.pinned or self.strength < 1 or self.stop or self.must_match)

    @property
    def masked(self) -> tuple[DraftToken, ...]:
        """What a viewer sees in it before anything is decided: pinned text, and masks for what is filled.

        As many masks as tokens are asked for, or as the old text has words. Text that is rewritten stands for itself until
        the model has said what it doubts of it.
        """
        tokens, at = list[DraftToken](), 0
        for start, end in (*self.pinned, (len(self.old_text), len(self.old_text))):
            if start > at or not self.pinned:
                tokens += self._masks(self.old_text[at:start])
            if end > start:
                tokens.append(DraftToken(text=self.old_text[start:end], confidence=1.0, open=False))
            at = end
        return tuple(tokens)

    def _masks(self, old: str) -> list[DraftToken]:
        if self.strength < 1 and old.strip():
            return [DraftToken(text=old, confidence=1 - self.strength, open=True)]
        count = self.length_tokens or len(_WORD.findall(old)) or FEW_MASKS
        return [MASK] * min(count, MOST_MASKS)


@dataclass(frozen=True, kw_only=True)
class Template:
    """`pieces[0] hole[0] pieces[1] … hole[n-1] pieces[n]`: always one piece more than holes.

    The pieces are `PlainText`, whatever strings they are made from.
    """

    pieces: tuple[str, ...]
    holes: tuple[Hole, ...]

    def __post_init__(self) -> None:
        if not self.holes or len(self.pieces) != len(self.holes) + 1:
            raise ValueError(f"{len(self.pieces)} pieces do not surround {len(self.holes)} holes")
        object.__setattr__(self, "pieces", tuple(map(PlainText, self.pieces)))

    def joined(self, texts: tuple[str, ...]) -> str:
        """The text with `texts` (one per hole) in the holes."""
        return self.pieces[0] + "".join(t + p for t, p in zip(texts, self.pieces[1:], strict=True))


@dataclass(frozen=True, kw_only=True)
class Budget:
    """When to stop and return the best so far. `max_time_s` in seconds, from when the context has been read;
    `max_forward_passes` in denoise steps.
    """

    max_time_s: float | None = None
    max_forward_passes: int | None = None


Mending: TypeAlias = Literal["closing", "searching", "all"]
"""Where no text is accepted: add missing brackets; or first search on for a while; or for longer, and denoise anew."""
MOST_CANDIDATES = 32


@dataclass(frozen=True, kw_only=True)
class FillOptions:
    """How a request is to be filled, whatever its text is: declared here, and passed on whole or by the fields' names.

    `candidates` is how many to make (1 to `MOST_CANDIDATES`); a few more may come back if they were at hand. `sampler`
    "auto" leaves the choice to the model; `steps` is read by samplers with a fixed number of steps. `mend`: what to do
    where no candidate is accepted; to do all that can be done may take as long again, and longer. `trace` asks for the
    fill's history, `Fill.trace`. `share_other_files`: other files may be sent to a server that fills.
    `patience_s`: how long the context may take to be read; if more of it is unread, a copy comes back where one is sure,
    else nothing, and the fill has `stopped` "unread" (None: it is read, whatever that takes). `may_stay_empty`: perhaps
    nothing belongs in the (one) hole; where the back end knows how likely that is, candidates are the less sure.
    """

    candidates: int = 1
    seed: int = 0
    sampler: str = "auto"
    steps: int | None = None
    budget: Budget = field(default_factory=Budget)
    mend: Mending = "all"
    trace: bool = False
    patience_s: float | None = None
    may_stay_empty: bool = False
    share_other_files: bool = False


@dataclass(frozen=True, kw_only=True)
class FillRequest(FillOptions):
    """One request: the options, and the text. All holes of the template are filled jointly.

    `extra_context` is text of the file beyond the template, where drafts are looked for, too; `other_files` texts of
    other files, most similar first: drafts from there are told apart. Neither costs the model context, nor leaves this
    machine, but where `share_other_files` says that the other files may. `parses` tells whether the holes' texts make the
    file parse (None: cannot tell); it ranks candidates. `accepts` says what of the texts to fill anew (None: nothing,
    they will do): the engine does what `mend` says, and returns what is accepted before what is not.
    All texts are `PlainText`, whatever strings they are made from.
    """

    template: Template
    language: str = ""
    extra_context: tuple[str, ...] = ()
    other_files: tuple[str, ...] = ()
    parses: Parses | None = None
    accepts: Accepts | None = None

    def __post_init__(self) -> None:
        for name in ("extra_context", "other_files"):
            object.__setattr__(self, name, tuple(map(PlainText, getattr(self, name))))


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One way to fill all holes.

    `confidence` is the probability that it is exactly right, in [0, 1], as far as the back end can tell (the built-in
    model's is calibrated on other people's code); `confidences` one per hole.
    """

    texts: tuple[str, ...]
    confidences: tuple[float, ...]
    confidence: float
    parses: bool | None = None
    origin: Literal["model", "draft"] = "model"


@dataclass(frozen=True, kw_only=True)
class TraceToken:
    """One position of a row in one forward pass, and what became of it.

    kept: decided before. committed: decided in this pass. open: still to be decided, `text` is the best guess.
    reopened, deleted: undone in this pass. inserted: a mask that was put here behind this pass.
    `guesses`: the likeliest tokens of an open position with their probabilities, best first.
    """

    id: int
    text: str
    confidence: float
    state: Literal["kept", "committed", "open", "reopened", "deleted", "inserted"]
    guesses: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class TraceRow:
    """One row of a pass's batch: `holes[h]` the positions of hole h in order, its final slot included."""

    label: str
    holes: tuple[tuple[TraceToken, ...], ...]


@dataclass(frozen=True, kw_only=True)
class TracePass:
    """One forward pass over the canvas. `ms`: wall clock of the network alone.

    denoise: predicts what is open. score: tells how likely a standing text is, from left to right.
    write: predicts the next token of every text of a beam.
    """

    kind: Literal["denoise", "score", "write"]
    ms: float
    rows: tuple[TraceRow, ...]


@dataclass(frozen=True, kw_only=True)
class TraceCandidate:
    """A way to fill all holes that was compared. `score`: utility, only differences mean something.

    `parts`: what each signal added to the score. `left_chars`, `right_chars`: how much of the surroundings
    recurs around the source of a copy (0: the model's own).
    """

    texts: tuple[str, ...]
    origin: Literal["model", "draft"]
    confidence: float
    score: float
    parts: tuple[tuple[str, float], ...] = ()
    left_chars: float = 0.0
    right_chars: float = 0.0
    parses: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Trace:
    """How a fill came about: every forward pass in order, drafts as they were found, and the final ranking."""

    passes: tuple[TracePass, ...]
    drafts: tuple[TraceCandidate, ...]
    ranking: tuple[TraceCandidate, ...]


TEMPERATURE = 0.8
"""At which tokens are drawn where a request wants more candidates than the likeliest one."""
EMPTY_FROM = 0.5
"""A hole stays empty from this probability on that nothing belongs there."""


@dataclass(frozen=True, kw_only=True)
class Fill:
    """Candidates, best first (empty: nothing acceptable, see `stopped`).

    `nothing`: how likely it is that nothing belongs in the (one) hole; None where the back end does not say.
    `tokens` counts the tokens committed; times are wall-clock milliseconds. `trace` if the request asked for
    it and the back end keeps one.
    """

    candidates: tuple[Candidate, ...]
    forward_passes: int
    tokens: int
    prefill_ms: float
    denoise_ms: float
    stopped: Literal["done", "cancelled", "time", "steps", "unread"] = "done"
    trace: Trace | None = None
    nothing: float | None = None

    @property
    def stays_empty(self) -> bool:
        """Whether it is likelier than not that nothing belongs in the hole."""
        return self.nothing is not None and self.nothing >= EMPTY_FROM


@dataclass(frozen=True, kw_only=True)
class DraftToken:
    """One position while denoising. `open`: still to be decided, `text` is then the best guess."""

    text: str
    confidence: float
    open: bool


MASK = DraftToken(text="", confidence=0.0, open=True)
"""Nothing is known yet of what stands here; as the last of a hole, nor of what follows."""
FEW_MASKS, MOST_MASKS = 3, 32
"""A viewer is shown so many masks in a hole of which nothing is known, and in any at most."""
_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, kw_only=True)
class FillEvent:
    """The leading candidate after `step` denoise steps: `holes[h]` the tokens of hole h, in order.

    `forward_passes`: how many passes over a canvas that took, all in all; 0 where the back end does not say. Step 0 is
    what there is before the first.
    """

    step: int
    holes: tuple[tuple[DraftToken, ...], ...]
    forward_passes: int = 0

    @classmethod
    def of_masks(cls, holes: Sequence[Hole]) -> FillEvent:
        """What is told before anything is read: reading a file takes longer than a user waits without a sign."""
        return cls(step=0, holes=tuple(hole.masked for hole in holes))


@dataclass(frozen=True, kw_only=True)
class FillerInfo:
    """`context_tokens`: how many tokens of context around the holes the back end makes use of.

    `sent_to`: the host that the text of requests goes to ("": it stays in this process). `reads_other_files`: whether
    it makes use of `FillRequest.other_files`; whoever sends text elsewhere does not. `min_confidence`: what a candidate
    needs to be shown to who has not asked, as fitted for the model. `reads_ahead`: it is a `ReadsContext`, and reading
    takes so long that it is worth doing before a fill is asked for. `keeps_up`: it is fast enough here for who just types,
    who gets copies alone if not.
    """

    name: str
    device: str
    context_tokens: int
    sent_to: str = ""
    reads_other_files: bool = False
    min_confidence: float = 0.0
    reads_ahead: bool = False
    keeps_up: bool = True


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


@runtime_checkable
class ReadsContext(Protocol):
    """A `Filler` that reads a context before it fills, keeps what it has read, and can read before it is asked to fill."""

    def read_ahead(self, template: Template, *, stop: Cancelled) -> bool:
        """Read the context of the template's first hole until `stop` says so, which is asked every few hundredths of a
        second; what was read stays. True when all of it has been read.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """A word of a standing text that the model finds improbable, and what it would rather read there.

    `start`, `end`: characters of the text. `probability`: of the least likely token of it. `nats`: how much likelier the
    word is with `instead`, given what stands on both sides.
    """

    start: int
    end: int
    instead: str
    probability: float
    nats: float


@runtime_checkable
class Doubts(Protocol):
    """A `Filler` that can tell which words of a text it finds improbable."""

    def doubts(
        self, template: Template, *, wanted: Sequence[tuple[int, int]], cancelled: Cancelled = lambda: False
    ) -> tuple[Doubt, ...] | None:
        """What is doubted of the old text of the template's one hole, in its order, for at most some hundred tokens.

        `wanted`: the characters (start, end) of it that may be doubted. `cancelled` is asked before every pass; None if it
        said so. Raises `model.errors.BadRequest` for a text that is too long, and a network that cannot tell.
        """
        ...
