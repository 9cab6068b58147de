"""The function around a place, and whether a place is code."""

from __future__ import annotations

from lsp_server.code.syntax.nodes import first_child_after
from lsp_server.types import Region, Snapshot


def function_around(snapshot: Snapshot, offset: int) -> Region | None:
    """The innermost function that holds byte `offset`, its header included; None outside of one, or without a grammar."""
    node = snapshot.tree.root_node if snapshot.tree is not None else None
    found = None
    while node is not None and node.start_byte <= offset:
        if node.type in snapshot.language.functions:
            found = Region(node.start_byte, node.end_byte)
        node = first_child_after(node, offset)
    return found


def is_code(snapshot: Snapshot, offset: int) -> bool:
    """Whether the byte at `offset` is neither in a string nor in a comment; True where no grammar can tell."""
    node = snapshot.tree.root_node if snapshot.tree is not None else None
    while node is not None and node.start_byte <= offset:
        if "comment" in node.type or "string" in node.type:
            return False
        node = first_child_after(node, offset)
    return True
