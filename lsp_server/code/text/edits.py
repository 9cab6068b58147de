"""From a hole's text to an edit of the file: line ends kept, closers replaced that the text says again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lsp_server.code.text.closers import said_again
from lsp_server.code.text.positions import line_around
from lsp_server.types import Edit, Gap, Region, Snapshot
from model.text import PlainText, usual_line_end

_NEAR_BYTES = 1 << 15  # whose line ends count; more would cost time in large files


def edit_of(snapshot: Snapshot, gap: Gap, text: str) -> Edit:
    """The edit that puts `text` into the gap, with the line ends of the file around it.

    Of the gap's `closers`, those that the text says again are replaced.
    """
    plain = PlainText(gap.before + text + gap.after)
    new_text = plain.with_line_ends(line_end_at(snapshot.source, gap.region)) if "\n" in plain else str(plain)
    region = Region(gap.region.start, gap.region.end + said_again(text, gap.closers))
    return Edit(region=region, new_text=new_text, version=snapshot.version)


def apply(source: bytes, edits: Sequence[Edit]) -> bytes:
    """The source with all edits made; they refer to `source` as it is, in any order, and must not overlap."""
    ordered = sorted(edits, key=lambda edit: edit.region)
    assert all(a.region.end <= b.region.start for a, b in pairwise(ordered)), "edits overlap"
    parts, done = [], 0
    for edit in ordered:
        parts += [source[done : edit.region.start], edit.new_text.encode("utf-8")]
        done = edit.region.end
    return b"".join([*parts, source[done:]])


def line_end_at(source: bytes, region: Region) -> str:
    r"""How lines end at `region`: as those above and below it if they agree, else as most lines near it.

    `\n` in a file without line ends.
    """
    above = line_around(source, region.start).start
    below = line_around(source, region.end).end
    ends = {end for end in (_ending(source[max(above - 2, 0) : above]), _starting(source[below : below + 2])) if end}
    if len(ends) == 1:
        return ends.pop()
    near = source[max(region.start - _NEAR_BYTES, 0) : region.end + _NEAR_BYTES]
    return usual_line_end(near.decode("utf-8", "ignore"))


def _ending(before: bytes) -> str:
    """The line end with which `before` ends; "" if it ends with none."""
    return next((end for end in ("\r\n", "\n", "\r") if before.endswith(end.encode())), "")


def _starting(after: bytes) -> str:
    """The line end with which `after` starts; "" if it starts with none."""
    return next((end for end in ("\r\n", "\n", "\r") if after.startswith(end.encode())), "")
