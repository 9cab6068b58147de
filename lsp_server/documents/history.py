"""What was edited since an earlier version of a document, in lines and columns: to find a range of then again now.

The text of then is gone, and with it what its bytes were: so positions are moved as the editor counts them.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lsp_server.code.text.positions import Encoding

Position: TypeAlias = tuple[int, int]
Span: TypeAlias = tuple[Position, Position]

_MOST_STEPS = 1000
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, kw_only=True)
class _Step:
    """An edit on the way to `version`: `span` became what ends at `new_end`."""

    version: int
    span: Span
    new_end: Position


class History:
    """The latest edits of one document that was opened, or last replaced as a whole, at `version`."""

    def __init__(self, version: int) -> None:
        self._since = version
        self._steps: deque[_Step] = deque()

    def edited(self, version: int, span: Span, text: str, encoding: Encoding) -> None:
        """Note an edit on the way to `version`."""
        new_end = _end(span[0], text, encoding)
        self._steps.append(_Step(version=version, span=span, new_end=new_end))
        while len(self._steps) > _MOST_STEPS:
            self._since = self._steps.popleft().version

    def replaced(self, version: int) -> None:
        """Note that nothing of the versions before is to be found again."""
        self._steps.clear()
        self._since = version

    def rebased(self, spans: Sequence[Span], since: int) -> tuple[Span, ...] | None:
        """Where `spans` of version `since` are now; None if one was edited, or nobody remembers."""
        if since < self._since:
            return None
        found = tuple(spans)
        for step in self._steps:
            if step.version > since:
                moved = [_moved(span, step) for span in found]
                if None in moved:
                    return None
                found = tuple(span for span in moved if span is not None)
        return found


def _moved(span: Span, step: _Step) -> Span | None:
    """The span after the step; None if the step touches it."""
    (start, end), edit = span, step.span
    if edit[0] > end:
        return span
    if edit[1] < start:
        return _shifted(start, step), _shifted(end, step)
    return None


def _shifted(place: Position, step: _Step) -> Position:
    """A place behind the step's end."""
    end, new_end = step.span[1], step.new_end
    column = place[1] + new_end[1] - end[1] if place[0] == end[0] else place[1]
    return place[0] + new_end[0] - end[0], column


def _end(start: Position, text: str, encoding: Encoding) -> Position:
    """Where `text` ends that begins at `start`."""
    *above, last = _LINE_END.split(text)
    return start[0] + len(above), _columns(last, encoding) + (0 if above else start[1])


def _columns(text: str, encoding: Encoding) -> int:
    if text.isascii() or encoding == "utf-32":
        return len(text)
    # Half a surrogate pair is kept as "?", which is one unit in each encoding.
    raw = text.encode("utf-8", "replace")
    return len(raw) if encoding == "utf-8" else len(raw.decode("utf-8").encode("utf-16-le")) // 2
