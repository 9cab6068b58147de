"""What of a document was edited and has not been looked at since: byte regions that follow the edits."""

from __future__ import annotations

from lsp_server.types import Region


class Edited:
    """Regions in the order of the document, apart from each other."""

    def __init__(self) -> None:
        self.regions: tuple[Region, ...] = ()

    def edited(self, edit: Region, length: int) -> None:
        """The bytes of `edit` have become `length` bytes, which are to be looked at, too."""
        by = length - (edit.end - edit.start)
        new = Region(edit.start, edit.start + length)
        kept = list[Region]()
        for region in self.regions:
            if region.end < edit.start:
                kept.append(region)
            elif region.start > edit.end:
                kept.append(Region(region.start + by, region.end + by))
            else:
                new = Region(min(new.start, region.start), max(new.end, region.end + by))
        self.regions = tuple(sorted([*kept, new]))

    def looked_at(self, chunk: Region) -> None:
        """The bytes of `chunk` have been looked at."""
        parts = list[Region]()
        for region in self.regions:
            if region.start < chunk.start:
                parts.append(Region(region.start, min(region.end, chunk.start)))
            if region.end > chunk.end:
                parts.append(Region(max(region.start, chunk.end), region.end))
        self.regions = tuple(parts)
