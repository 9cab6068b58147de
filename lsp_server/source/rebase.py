"""Places in a document that is being edited: where they are by now, or that an edit touched them."""

from __future__ import annotations

from collections.abc import Sequence

from lsp_server.types import Region


def moved(region: Region, edit: Region, length: int) -> Region | None:
    """Where `region` is once the bytes of `edit` have become `length` bytes; None if the edit touches it.

    What stands right beside the region touches it: nobody can tell whether it was meant to be inside.
    """
    if edit.start > region.end:
        return region
    if edit.end < region.start:
        by = length - (edit.end - edit.start)
        return Region(region.start + by, region.end + by)
    return None


class Places:
    """Regions that follow the edits of their document. `now` is None once an edit has touched one of them."""

    def __init__(self, regions: Sequence[Region]) -> None:
        self.now: tuple[Region, ...] | None = tuple(regions)

    def edited(self, edit: Region | None, text: str) -> bool:
        """Whether none was touched by an edit that put `text` in place of a region (None: of everything)."""
        if self.now is None or edit is None:
            self.now = None
            return False
        length = len(text.encode("utf-8", "replace"))
        found = [moved(region, edit, length) for region in self.now]
        kept = tuple(region for region in found if region is not None)
        self.now = kept if len(kept) == len(found) else None
        return self.now is not None
