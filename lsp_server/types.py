"""What the server side passes along, in the order in which data meets it.

All offsets are bytes of the UTF-8 source: what tree-sitter speaks. Only `source/positions.py` converts
to and from lines, code points and UTF-16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.types import Candidate, Fill, Hole, Template

if TYPE_CHECKING:
    from tree_sitter import Tree

    from lsp_server.source.languages import Language


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A document, frozen at request time. `tree` is None for languages without a grammar."""

    uri: str
    version: int | None
    source: bytes
    language: Language
    tree: Tree | None

    def text(self, region: Region) -> str:
        """The text of `region`. Raises UnicodeDecodeError if it cuts a code point."""
        return self.source[region.start : region.end].decode("utf-8")


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
    candidate that filters left nothing of, why. `cut_ms` is the wall-clock time of cutting, in milliseconds.
    """

    gaps: tuple[Gap, ...]
    template: Template
    fill: Fill
    edits: tuple[Edit, ...]
    reason: str
    cut_ms: float
    spare: tuple[Candidate, ...] = ()
    dropped: tuple[str, ...] = ()
