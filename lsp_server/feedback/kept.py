"""How much of what was accepted is still there half a minute later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TypeAlias

from lsp_server.code.text.rebase import moved_beside
from lsp_server.documents.store import Documents
from lsp_server.errors import InputError
from lsp_server.feedback.metrics import Metrics
from lsp_server.types import Region

Later: TypeAlias = Callable[[float, Callable[[], None]], object]

AFTER_S = 30.0
_LONGEST_CHARS = 2_000
_SHORTEST_RUN = 3  # shorter matches are chance
_MOST_WATCHED = 32


@dataclass(kw_only=True, eq=False)
class _Accepted:
    """`text` was put at byte `start`; both live in memory for as long as it is watched."""

    uri: str
    text: str
    start: int


class Kept:
    """Watches accepted texts. `later(seconds, call)` calls back on the event loop's thread."""

    def __init__(self, metrics: Metrics, documents: Callable[[], Documents], later: Later) -> None:
        self._metrics, self._documents, self._later = metrics, documents, later
        self._watched: list[_Accepted] = []

    def watch(self, uri: str, text: str, start: int) -> None:
        """Look again at `text`, accepted at byte `start`, in half a minute."""
        if not text.strip() or len(self._watched) >= _MOST_WATCHED:
            return
        accepted = _Accepted(uri=uri, text=text[:_LONGEST_CHARS], start=start)
        self._watched.append(accepted)
        self._later(AFTER_S, lambda: self._look(accepted))

    def edited(self, uri: str, region: Region, text: str) -> None:
        """Move what stands below an edit along with it."""
        for accepted in self._watched:
            if accepted.uri == uri:
                place = moved_beside(Region(accepted.start, accepted.start), region, len(text.encode()))
                accepted.start = accepted.start if place is None else place.start

    def _look(self, accepted: _Accepted) -> None:
        self._watched.remove(accepted)
        try:
            source = self._documents().snapshot(accepted.uri).source
        except InputError:
            return  # closed meanwhile, and not to be read: nothing can be said
        near = source[accepted.start : accepted.start + 2 * len(accepted.text.encode()) + 200].decode("utf-8", "ignore")
        self._metrics.count("checked after 30 s")
        self._metrics.count("checked characters", len(accepted.text))
        self._metrics.count("characters still there", still_there(accepted.text, near))


def still_there(text: str, near: str) -> int:
    """How many characters of `text` stand in `near`, in their order and in runs of at least three."""
    blocks = SequenceMatcher(None, text, near, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks if block.size >= min(_SHORTEST_RUN, len(text)))
