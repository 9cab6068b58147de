"""What a refactoring is: the mechanical change of a file, and the holes in it that the model fills.

A refactoring is made and tested without a model. Whoever adds one writes a class like `Refactoring` and a line in
`transforms.registry`; `transforms.applying` does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

from lsp_server.code.text.edits import line_end_at
from lsp_server.errors import InputError
from lsp_server.types import Edit, Gap, Region, Snapshot
from model.text import PlainText
from model.types import Hole

Answers: TypeAlias = Mapping[str, str]
"""What the user said beforehand, by what was asked: `name`, the new name, makes a hole for it needless."""


Weigh: TypeAlias = Callable[[Sequence[tuple[str, ...]], Sequence[float]], Sequence[float]]
"""(texts of all that was found, the model's confidence in each) -> the probability that each is right."""
READ_FOR_A_TITLE_BYTES = 60_000
"""A refactoring whose title takes a look at the whole file is offered unasked in files up to this size."""


class Refused(InputError):
    """The refactoring cannot be made here: the message says why, and what to do instead, in one sentence."""


def accept_all(texts: tuple[str, ...]) -> str:  # noqa: ARG001
    """No objection to any text."""
    return ""


def nothing_more(texts: tuple[str, ...]) -> tuple[Edit, ...]:  # noqa: ARG001
    """No further edits."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Change:
    """A file after the mechanical part of a refactoring, and its holes.

    `source`: the whole file; in each hole's place stands its placeholder text. `gaps`: the holes, by their place in
    `source`, in the order of the file. `summary`: what was done, for a log or an undo list. `context`: whole lines that
    the model reads above the line of byte `context_at` of `source` (None: of the first gap) and that are taken out
    again: comments, as a rule. `objection` says why these texts of the holes will not do, "" if they do; a text that is
    objected to gives way to the next candidate, of which the model is asked for `candidates` at least. `completion` gives
    further edits of `source`, outside of the gaps, that these texts call for: imports, say. `wider` is tried where nothing
    is found for this one.
    `new_file`: the path of a file that is created, of which `source` is the whole. `order`: of what is found, texts for
    which it is lowest come first. `confidences`: what takes the place of the model's, by what the refactoring knows besides;
    the likeliest comes first then. `confirm`: the client should have the user look at it before it is applied.
    `least_confidence`: what is less likely is unsure: `wider` is tried, too, and the user is shown the result before it is
    applied.
    """

    source: bytes
    gaps: tuple[Gap, ...] = ()
    summary: str
    context: str = ""
    context_at: int | None = None
    objection: Callable[[tuple[str, ...]], str] = accept_all
    candidates: int = 3
    completion: Callable[[tuple[str, ...]], tuple[Edit, ...]] = nothing_more
    wider: Change | None = None
    new_file: str = ""
    order: Callable[[tuple[str, ...]], float] | None = None
    confidences: Weigh | None = None
    confirm: bool = False
    least_confidence: float = 0.0


class Refactoring(Protocol):
    """One kind of refactoring, for every language that it knows."""

    @property
    def name(self) -> str:
        """The word for it on the command line."""
        ...

    @property
    def kind(self) -> str:
        """The kind of its code action, such as `refactor.extract.function`."""
        ...

    def title(self, snapshot: Snapshot, region: Region) -> str | None:
        """What the user reads in the menu; None where it is not offered. Cheap: asked at each move of the cursor."""
        ...

    def change(self, snapshot: Snapshot, region: Region, *, answers: Answers) -> Change:
        """The change for the selection `region` (empty: the cursor). Raises Refused.

        The snapshot's tree covers the whole file.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Blank:
    """A hole to be: `placeholder` stands in its place until it is filled, and is its old text."""

    placeholder: str
    hole: Hole = field(default_factory=Hole)


Replacement: TypeAlias = tuple[Region, Sequence[str | Blank]]


def rewritten(snapshot: Snapshot, replacements: Sequence[Replacement], *, summary: str) -> Change:
    """The change that puts the parts of each replacement in place of its region; the blanks among them become gaps.

    Regions must not overlap. Line ends become those of the file; of empty regions at one place the first comes first.
    """
    parts: list[bytes] = []
    gaps: list[Gap] = []
    length = done = 0
    for region, pieces in sorted(replacements, key=lambda replacement: replacement[0]):
        assert done <= region.start, "replacements overlap"
        kept = snapshot.source[done : region.start]
        parts.append(kept)
        length += len(kept)
        line_end = line_end_at(snapshot.source, region)
        for piece in pieces:
            text = piece.placeholder if isinstance(piece, Blank) else piece
            new = PlainText(text).with_line_ends(line_end).encode("utf-8")
            if isinstance(piece, Blank):
                hole = replace(piece.hole, old_text=text)
                gaps.append(Gap(region=Region(length, length + len(new)), hole=hole))
            parts.append(new)
            length += len(new)
        done = region.end
    return Change(source=b"".join([*parts, snapshot.source[done:]]), gaps=tuple(gaps), summary=summary)
