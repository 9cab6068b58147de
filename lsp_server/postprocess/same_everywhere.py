"""One text in several gaps that nobody tied together: the model does not know what belongs in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from lsp_server.code.text.undone import is_placeholder
from lsp_server.postprocess.around import telling
from lsp_server.types import Gap

_MOST = 2
"""Two functions may well have the same body; three rarely do."""


def said_everywhere(gaps: Sequence[Gap], texts: Sequence[str]) -> tuple[int, ...]:
    """The numbers of the gaps, placeholders before, that say what more than two of them say; all but the first one."""
    places: dict[str, list[int]] = defaultdict(list)
    for number, (gap, text) in enumerate(zip(gaps, texts, strict=True)):
        if not gap.hole.tie and is_placeholder(gap.hole.old_text) and telling(text.split("\n")):
            places[text.strip()].append(number)
    return tuple(sorted(n for found in places.values() if len(found) > _MOST for n in found[1:]))


def without_said_everywhere(gaps: Sequence[Gap], texts: tuple[str, ...]) -> tuple[str, ...]:
    """The texts, with the placeholder back where they say the same once too often, or nothing."""
    again = said_everywhere(gaps, texts)
    return tuple(
        gap.hole.old_text if n in again or (not text.strip() and is_placeholder(gap.hole.old_text)) else text
        for n, (gap, text) in enumerate(zip(gaps, texts, strict=True))
    )
