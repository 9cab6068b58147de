"""What the server side passes along, in the order in which data meets it.

All offsets are bytes of the UTF-8 source: what tree-sitter speaks. Only `source/positions.py` converts
to and from lines, code points and UTF-16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.text import PlainText
from model.types import Candidate, Fill, Hole, Template

if TYPE_CHECKING:
    from tree_sitter import Tree

    from lsp_server.code.languages.table import Language


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A document, frozen at request time. `tree` is None for languages without a grammar."""

    uri: str
    version: int | None
    source: bytes
    language: Language
    tree: Tree | None

    def text(self, region: Region) -> PlainText:
        """The text of `region`. Raises UnicodeDecodeError if it cuts a code point."""
        return PlainText.read(self.source[region.start : region.end])

    def as_written(self, region: Region) -> str:
        """The text of `region` with the line ends that it has in the document: for who puts it there again."""
        return self.source[region.start : region.end].decode("utf-8")

    def around(self, regions: Sequence[Region]) -> tuple[PlainText, ...]:
        """What stands before, between and after `regions`, which are in order: one text more than regions."""
        edges = [0, *(edge for region in regions for edge in (region.start, region.end)), len(self.source)]
        return tuple(self.text(Region(a, b)) for a, b in zip(edges[::2], edges[1::2], strict=True))


@dataclass(frozen=True, kw_only=True)
class Cells:
    """The other code cells of the notebook with the URI `notebook`, in its order: those above a cell and those below it."""

    notebook: str
    above: tuple[PlainText, ...] = ()
    below: tuple[PlainText, ...] = ()


@dataclass(frozen=True, order=True)
class Region:
    """Bytes `start` to `end` (exclusive) of a snapshot."""

    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Where a hole stands: what a transform leaves.

    The edit that fills it replaces `region` by `before + fill + after`; `before` and `after` are
    literal text that the transform adds (a newline around new lines, say). `closers` is what stands
    right behind the region, to the end of the line, and may have been put there by the editor: of these
    ASCII characters the edit replaces, too, what the fill says again.
    """

    region: Region
    hole: Hole
    before: str = ""
    after: str = ""
    closers: str = ""


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Replace `region` by `new_text`; valid for `version` of the document only."""

    region: Region
    new_text: str
    version: int | None


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A finished request: what was cut, what the model said, and the edits of the best candidate.

    `edits` is empty when nothing acceptable came back; `reason` then says why, in one line.
    `spare` are acceptable candidates beyond those asked for, that were at hand; `dropped` says, once per
    candidate that filters left nothing of, why. `breaks`: the file parsed where the gaps are, and does not with the edits:
    they are for somebody to look at, not to be applied unasked. `cut_ms` is the wall-clock time of cutting, in milliseconds.
    """

    gaps: tuple[Gap, ...]
    template: Template
    fill: Fill
    edits: tuple[Edit, ...]
    reason: str
    cut_ms: float
    spare: tuple[Candidate, ...] = ()
    dropped: tuple[str, ...] = ()
    breaks: bool = False
