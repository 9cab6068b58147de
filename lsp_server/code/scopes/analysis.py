"""The scope analysis of a snapshot, by its language."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lsp_server.code.scopes.javascript import JavaScriptWalk
from lsp_server.code.scopes.python import PythonWalk
from lsp_server.code.scopes.table import TABLES, TableWalk
from lsp_server.code.syntax.nodes import first_child_after

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tree_sitter import Node

    from lsp_server.code.scopes.walk import Walk
    from lsp_server.types import Region, Snapshot

WALKS: Mapping[str, Callable[[Node], Walk]] = {
    "python": PythonWalk,
    **dict.fromkeys(("javascript", "typescript", "tsx"), JavaScriptWalk),
    **{language: partial(TableWalk, language=language) for language in TABLES},
}
"""By the name of the language."""


def walk_of(snapshot: Snapshot) -> Walk | None:
    """The names of the whole file, of which the snapshot has a tree; None for a language without scope analysis."""
    walk = WALKS.get(snapshot.language.name)
    return walk(snapshot.tree.root_node) if walk is not None and snapshot.tree is not None else None


def leaf_at(snapshot: Snapshot, region: Region) -> Node | None:
    """The named node without children at the region: the one that holds its first byte, or ends there."""
    if snapshot.tree is None:
        return None
    for offset in (region.start, region.start - 1):
        node: Node | None = snapshot.tree.root_node
        while node is not None and node.child_count:
            node = first_child_after(node, offset)
        if node is not None and node.is_named and node.start_byte <= region.start <= node.end_byte >= region.end:
            return node
    return None
