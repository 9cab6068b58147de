"""An edit on its way: whether it has come to stand in the document, whatever the editor says.

Some editors pass over an edit of an earlier version and answer that it was applied. The document tells: each change
shows whether it holds the edit, lacks it while its place is still there, or lost its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import Enum

from lsp_server.code.text.edits import apply
from lsp_server.code.text.rebase import Places, carried
from lsp_server.types import Edit, Region


class Fate(Enum):
    """What became of an edit that was sent."""

    LANDED = "the document holds it"
    MISSING = "the document lacks it, and its place is still there"
    GONE = "its place was edited"


class Delivery:
    """Edits of one document, sent when it read `source`. It is told of each change of the document, in order.

    `sought`: where the edits belong in the document as long as they are not there; `filled`: where their texts stand
    once they are. Both follow the changes elsewhere.
    """

    def __init__(self, edits: Sequence[Edit], source: bytes) -> None:
        self._texts = tuple(edit.new_text for edit in edits)
        self._source = self._without = source
        self._gaps = tuple(edit.region for edit in edits)
        self.sought = Places(self._gaps)
        self.filled: Places | None = None
        self.changes = 0
        self.closed = False
        self._coarse = False  # whether a change may say more than what was edited
        self._news = asyncio.Event()
        if self._expected() == source:
            self._land()

    def edited(self, region: Region | None, text: str) -> bool:
        """`text` has taken the place of `region` (None: of everything). Return whether the edits stand there since then."""
        if self.filled is not None:
            self.filled.edited(region, text)
            return False
        if region is None or any(reaches_beyond(region, gap) for gap in self._gaps):
            self._coarse = True
        new = text.encode("utf-8", "replace")
        self._source = new if region is None else self._source[: region.start] + new + self._source[region.end :]
        if self.sought.now is not None and self.sought.edited(region, text):
            self._without, self._gaps = self._source, self.sought.now
        elif self._source == self._expected():
            self._land()
            return True
        return False

    def changed(self) -> bool:
        """All of a change has been told. Return whether it shows that the edits stand there, together with others."""
        self.changes += 1
        self._news.set()
        return self.filled is None and self.sought.now is None and self._found_among_others()

    def close(self) -> None:
        """The document was closed: nothing more will be told."""
        self.closed = True
        self._news.set()

    def places(self) -> Places | None:
        """Where the texts stand, to be followed from now on; None if they are not there, or were edited."""
        return Places(self.filled.now) if self.filled is not None and self.filled.now is not None else None

    def fate(self) -> Fate:
        """What became of the edits as of the last change."""
        if self.filled is not None:
            return Fate.LANDED
        return Fate.GONE if self.closed or self.sought.now is None else Fate.MISSING

    async def news(self) -> None:
        """Return once there is another change, or the document is closed."""
        self._news.clear()
        await self._news.wait()

    def again(self, version: int | None) -> tuple[Edit, ...]:
        """The edits for the document as it is; to be asked for only while they are missing."""
        assert self.sought.now is not None, "the place is known"
        return tuple(
            Edit(region=region, new_text=text, version=version)
            for region, text in zip(self.sought.now, self._texts, strict=True)
        )

    def _expected(self) -> bytes:
        """What the document reads like with the edits, and without what the last change did besides."""
        return apply(self._without, self._edits())

    def _edits(self) -> list[Edit]:
        pairs = zip(self._gaps, self._texts, strict=True)
        return [Edit(region=region, new_text=text, version=None) for region, text in pairs]

    def _land(self) -> None:
        self.filled = Places(regions_after(self._edits()))

    def _found_among_others(self) -> bool:
        """Compare the texts: an editor may send the edits and what was typed elsewhere as one change of a larger region."""
        filled = regions_after(self._edits())
        expected = self._expected()
        there = carried(expected, self._source, filled)
        if there is None:
            missing = carried(self._without, self._source, self._gaps) if self._coarse else None
            if missing is not None:
                self._without, self._gaps, self.sought = self._source, missing, Places(missing)
                return False
            there = carried(expected, self._source, filled, beside=True) if all(self._texts) else None
        if there is None:
            return False
        self.filled = Places(there)
        return True


def reaches_beyond(edit: Region, gap: Region) -> bool:
    """Whether the edit replaces bytes of the gap, or right beside it, and others as well."""
    touches = edit.start <= gap.end and gap.start <= edit.end
    return touches and (edit.start < gap.start or edit.end > gap.end)


def regions_after(edits: Sequence[Edit]) -> tuple[Region, ...]:
    """Where the new texts of the edits stand once all are made; the edits come in the order of their places."""
    regions, by = [], 0
    for edit in edits:
        start, length = edit.region.start + by, len(edit.new_text.encode())
        regions.append(Region(start, start + length))
        by += length - (edit.region.end - edit.region.start)
    return tuple(regions)
