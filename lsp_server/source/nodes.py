"""Children of a node near an offset, by tree cursor.

`Node.first_child_for_byte` of tree-sitter 0.26 returns a null node, and crashes the process, when no
child ends after the offset; cursors do not, and step between siblings without a search.
"""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node


def first_child_after(node: Node, offset: int) -> Node | None:
    """The first child that ends after `offset`: it holds the byte at `offset`, or starts behind it."""
    return next(children_from(node, offset), None)


def children_from(node: Node, offset: int) -> Iterator[Node]:
    """The children that end after `offset`, in file order."""
    cursor = node.walk()
    found = cursor.goto_first_child_for_byte(offset) is not None
    while found:
        child = cursor.node
        assert child is not None
        yield child
        found = cursor.goto_next_sibling()


def children_before(node: Node, offset: int) -> Iterator[Node]:
    """The children that end at or before `offset`, nearest first."""
    cursor = node.walk()
    beyond = cursor.goto_first_child_for_byte(offset) is not None
    found = cursor.goto_previous_sibling() if beyond else cursor.goto_last_child()
    while found:
        child = cursor.node
        assert child is not None
        if child.end_byte <= offset:
            yield child
        found = cursor.goto_previous_sibling()
