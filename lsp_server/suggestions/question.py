"""What is asked: a hole at the cursor, in the document as it stands or as it would be with a menu's entry accepted."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lsp_server.code.text.closers import CLOSERS
from lsp_server.code.text.positions import LineIndex, line_around
from lsp_server.documents.history import Position
from lsp_server.documents.store import Documents
from lsp_server.transforms.complete import complete
from lsp_server.types import Gap, Region, Snapshot

_FEW = 3


@dataclass(frozen=True, kw_only=True)
class Question:
    """Fill `gap`, an empty one, of `snapshot`; `now` is the document itself, `index` its lines.

    With an entry selected in the popup menu, `snapshot` is the document with that entry (`chosen`) in place of
    `span`, and each answer has to extend it. Without one, `chosen` is "" and `span` None.
    """

    now: Snapshot
    index: LineIndex
    snapshot: Snapshot
    gap: Gap
    span: Region | None = None
    chosen: str = ""

    @property
    def offset(self) -> int:
        """Where the hole stands, in bytes of `snapshot`."""
        return self.gap.region.start

    @property
    def crowded(self) -> bool:
        """Whether more than a few characters that are no closers follow on the line: the user is editing, not adding."""
        source = self.snapshot.source
        after = source[self.offset : line_around(source, self.offset).end].decode("utf-8")
        return sum(character not in CLOSERS + " \t" for character in after) > _FEW


def at_cursor(documents: Documents, now: Snapshot, *, line: int, column: int) -> Question:
    """A hole at a position of `now`, in the encoding of `documents`; beyond a line or the text: at its end."""
    index = documents.index(now)
    offset = index.offset(line, column, documents.encoding)
    covered = documents.covering(now, Region(offset, offset))
    return Question(now=now, index=index, snapshot=covered, gap=complete(now, offset))


def behind_entry(documents: Documents, now: Snapshot, *, start: Position, end: Position, chosen: str) -> Question:
    """A hole behind `chosen`, which the popup menu would put in place of `start` to `end`, a part of one line."""
    index = documents.index(now)
    first, last = (index.offset(*place, documents.encoding) for place in (start, end))
    span = Region(min(first, last), max(first, last))
    accepted = documents.with_text(now, span, chosen)
    offset = span.end + len(accepted.source) - len(now.source)
    # An answer may do nothing but extend the entry, in the entry's own range: so it replaces no closers.
    gap = replace(complete(accepted, offset), closers="")
    return Question(now=now, index=index, snapshot=accepted, gap=gap, span=span, chosen=chosen)
