"""`___` and `...`, as people write them where something is still missing, become holes."""

from __future__ import annotations

import re

from lsp_server.code.syntax.functions import function_around, is_code
from lsp_server.code.text.lines import rows
from lsp_server.types import Region, Snapshot

# Three dots are also an ordinary value in Python: they count where a statement or a value is missing, not in `tuple[int, ...]`.
_PLACEHOLDER = re.compile(
    rb"(?<![\w.])___+(?!\w)|(?:(?<=\n)|(?<=[=:{])|(?<=\breturn)|\A)([ \t]*)\.\.\.(?=[ \t]*(?:[;})#]|\r?\n|\Z))"
)


def placeholders(snapshot: Snapshot, offset: int) -> tuple[Region, ...]:
    """The placeholders in the function around byte `offset`, in the whole file outside of one; not those in strings and comments."""
    around = function_around(snapshot, offset) or Region(0, len(snapshot.source))
    found = _PLACEHOLDER.finditer(rows(snapshot.source), around.start, around.end)
    regions = (Region(f.start() + len(f.group(1) or b""), f.end()) for f in found)
    return tuple(region for region in regions if is_code(snapshot, region.start))
