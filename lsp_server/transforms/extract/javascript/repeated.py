"""The same expression again: where a variable that has its value can stand for it, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsp_server.transforms.extract.javascript.order import rebound
from lsp_server.transforms.extract.javascript.syntax import (
    CHANGES,
    LATER,
    LOOPS,
    acts,
    expression_at,
    is_constant,
    makes_new,
    running,
    statement_of,
)
from lsp_server.transforms.extract.syntax import above, below
from lsp_server.types import Region, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from tree_sitter import Node

    from lsp_server.code.scopes.walk import Walk


def repeated_below(snapshot: Snapshot, walk: Walk, node: Node, *, why_not_alone: Callable[[Node], str]) -> list[Node]:
    """The same expressions that run after the node in its block, before anything may have changed their value.

    `why_not_alone`: why an expression means something else when it stands apart from what is around it.
    """
    statement = statement_of(node)
    block = statement.parent
    if block is None or acts(node) or (makes_new(node) and not is_constant(node)):
        return []
    found: list[Node] = []
    for other in below(block):
        if other.type != node.type or other.start_byte < node.end_byte or other.text != node.text:
            continue
        path = [other, *(p for _, p in above(other) if p.start_byte >= statement.start_byte and p != block)]
        kinds = {p.type for p in path}
        end = path[-1].end_byte if kinds & LOOPS else other.start_byte  # the end of a round comes before the next one
        if (
            not kinds & LATER
            and "jsx_attribute" not in kinds
            and expression_at(snapshot, Region(other.start_byte, other.end_byte)) == other
            and not why_not_alone(other)
            and _same_names(walk, node, other)
            and not rebound(walk, node, statement.start_byte, end)
            and (is_constant(node) or not _changes_between(block, node.end_byte, end))
        ):
            found.append(other)
    return found


def _changes_between(block: Node, start: int, end: int) -> bool:
    """Whether something that may change a value comes to its end between two places of the file."""
    return any(start < part.end_byte <= end and part.type in CHANGES for part in running(block))


def _same_names(walk: Walk, node: Node, other: Node) -> bool:
    """Whether each name of the two means the same."""
    pairs = zip(below(node), below(other), strict=True)
    return all(walk.binding_at(a) is walk.binding_at(b) for a, b in pairs if a.type == "identifier")
