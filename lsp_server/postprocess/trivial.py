"""Texts that are not worth a reader's glance."""

from __future__ import annotations

import re

from lsp_server.postprocess.around import Around

_WORD_CHAR = re.compile(r"[^\W_]")


def is_trivial(text: str, around: Around) -> bool:
    """Whether the text says no word and no number, and does not mend what is broken either (as a missing closer would)."""
    return not _WORD_CHAR.search(text) and not (around.broken and around.parses(text))
