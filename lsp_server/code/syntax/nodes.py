"""Children of a node near an offset, by tree cursor.

`Node.first_child_for_byte` of tree-sitter 0.26 returns a null node, and crashes the process, when no
child ends after the offset. Cursors do not, and step between siblings without a search.
"""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node, TreeCursor


def first_child_after(node: Node, offset: int) -> Node | None:
    """The first child that ends after `offset`: it holds the byte at `offset`, or starts behind it."""
    return next(children_from(node, offset), None)


def children_from(node: Node, offset: int) -> Iterator[Node]:
    """The children that end after `offset`, in file order."""
    cursor = node.walk()
    found = _seek(cursor, offset)
    while found:
        yield _node(cursor)
        found = cursor.goto_next_sibling()


def children_before(node: Node, offset: int) -> Iterator[Node]:
    """The children that end at or before `offset`, nearest first."""
    cursor = node.walk()
    found = cursor.goto_previous_sibling() if _seek(cursor, offset) else cursor.goto_last_child()
    while found:
        child = _node(cursor)
        if child.end_byte <= offset:
            yield child
        found = cursor.goto_previous_sibling()


def _seek(cursor: TreeCursor, offset: int) -> bool:
    """Moves to the first child that ends after `offset`; False, and the cursor stays, if there is none."""
    if cursor.goto_first_child_for_byte(offset) is not None:
        return True
    # The search gives up inside a hidden node that reaches beyond its last child (escapes in a long string).
    if not cursor.goto_last_child():
        return False
    if _node(cursor).end_byte <= offset:
        cursor.goto_parent()
        return False
    while cursor.goto_previous_sibling():
        if _node(cursor).end_byte <= offset:
            cursor.goto_next_sibling()
            break
    return True


def _node(cursor: TreeCursor) -> Node:
    node = cursor.node
    assert node is not None
    return node
