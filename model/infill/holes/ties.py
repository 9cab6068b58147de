"""Which holes of a request get one text."""

from __future__ import annotations

from model.errors import BadRequest
from model.types import Hole

Ties = tuple[tuple[int, ...], ...]


def ties_of(holes: tuple[Hole, ...]) -> Ties:
    """Groups of holes with one tie. Raises BadRequest where tied holes ask for different lengths or lines."""
    groups: dict[str, list[int]] = {}
    for h, hole in enumerate(holes):
        if hole.tie:
            groups.setdefault(hole.tie, []).append(h)
    for name, group in groups.items():
        if len({(holes[h].length_tokens, holes[h].max_lines, holes[h].stop) for h in group}) > 1:
            raise BadRequest(f"the holes tied by {name!r} get one text: give them the same length, lines and stop")
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)
