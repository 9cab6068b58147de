"""Blank lines at the end, where a line end follows anyway."""

from __future__ import annotations

import re

from lsp_server.postprocess.around import Around

_BLANK_END = re.compile(r"(?:\n[ \t]*)+\Z")


def without_blank_end(text: str, around: Around) -> str:
    """Drops blank lines at the end where a line end follows anyway; as many stay as the gap's old text ended with."""
    found = _BLANK_END.search(text)
    if found is None:
        return text
    old_end = _BLANK_END.search(around.old)
    allowed = old_end.group().count("\n") if old_end else 0
    if not around.after:
        allowed = max(allowed, 1)
    elif not around.after.startswith("\n"):
        return text
    if found.group().count("\n") <= allowed:
        return text
    return text[: found.start()] + "\n" * allowed
