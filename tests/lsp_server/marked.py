"""Marked text for tests: a document and the gap in it."""

from __future__ import annotations

from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax.parse import parse
from lsp_server.types import Gap, Region, Snapshot
from model.types import Hole


def marked(text: str, name: str = "python", *, max_lines: int | None = None, after: str = "") -> tuple[Snapshot, Gap]:
    """A snapshot with its gap: `«old»`, or `‸` for an empty one."""
    if "‸" in text:
        text = text.replace("‸", "«»")
    before, _, rest = text.partition("«")
    old, _, behind = rest.partition("»")
    source = (before + old + behind).encode()
    start = len(before.encode())
    language = by_name(name)
    snapshot = Snapshot(uri="", version=7, source=source, language=language, tree=parse(source, language))
    hole = Hole(old_text=old, max_lines=max_lines)
    return snapshot, Gap(region=Region(start, start + len(old.encode())), hole=hole, after=after)
