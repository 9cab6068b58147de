"""From a hole's text to an edit of the file: line ends kept, closers replaced that the text says again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lsp_server.source.closers import said_again
from lsp_server.types import Edit, Gap, Region, Snapshot

_NEAR_BYTES = 1 << 15  # whose line ends count; more would cost time in large files


def edit_of(snapshot: Snapshot, gap: Gap, text: str) -> Edit:
    r"""The edit that puts `text` (line ends `\n`) into the gap, with the line ends of the file around it.

    Of the gap's `closers`, those that the text says again are replaced.
    """
    near = snapshot.source[max(gap.region.start - _NEAR_BYTES, 0) : gap.region.end + _NEAR_BYTES]
    new_text = keep_line_ends(near, gap.before + text + gap.after)
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


def keep_line_ends(source: bytes, text: str) -> str:
    r"""`text` with the line end that most lines of `source` have (`\n` where it has none)."""
    crlf = source.count(b"\r\n")
    ends = {"\n": source.count(b"\n") - crlf, "\r\n": crlf, "\r": source.count(b"\r") - crlf}
    usual = max(ends, key=lambda end: ends[end])
    plain = text.replace("\r\n", "\n")
    return plain if usual == "\n" else plain.replace("\n", usual)
