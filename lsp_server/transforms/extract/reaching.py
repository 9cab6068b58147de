"""Which statements give a name its value before others run, and after which ones nothing runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsp_server.transforms.extract.syntax import above, field_of

if TYPE_CHECKING:
    from tree_sitter import Node


def dominates(bound: Node, node: Node) -> bool:
    """Whether the node runs only after the name at `bound` has got its value."""
    statement = setter(bound)
    if statement is None or statement.parent is None:
        return False
    block = statement.parent
    if statement.type in ("for_statement", "with_statement", "except_clause"):
        body = statement.child_by_field_name("body") or next(
            (c for c in statement.named_children if c.type == "block"), None
        )
        if body is not None and body.start_byte <= node.start_byte and node.end_byte <= body.end_byte:
            return True
        if statement.type != "with_statement":
            return False
    return statement.end_byte <= node.start_byte and node.end_byte <= block.end_byte


def setter(bound: Node) -> Node | None:
    """The statement that sets the name as soon as it runs; None if it may not (a walrus, a case, a while's else)."""
    for child, parent in above(bound):
        if parent.type in ("expression_statement", "import_statement", "import_from_statement", "except_clause"):
            return parent
        if parent.type == "for_statement":
            return parent if field_of(child) == "left" else None
        if parent.type in ("function_definition", "class_definition", "with_clause"):
            around = parent.parent
            wrapped = around is not None and around.type in ("decorated_definition", "with_statement")
            return around if wrapped else parent
        if parent.type in ("named_expression", "case_clause", "delete_statement", "block"):
            return None
    return None


def reads_too(node: Node) -> bool:
    parent = node.parent
    return parent is not None and parent.type in ("augmented_assignment", "delete_statement")


def always_leaves(node: Node) -> bool:
    """Whether nothing below the statement runs after it: it returns or raises on all ways."""
    if node.type in ("return_statement", "raise_statement"):
        return True
    if node.type == "if_statement":
        blocks = [node.child_by_field_name("consequence")]
        ends = False
        for clause in node.children_by_field_name("alternative"):
            ends = ends or clause.type == "else_clause"
            blocks.append(clause.child_by_field_name("consequence") or clause.child_by_field_name("body"))
        return ends and all(b is not None and b.named_children and always_leaves(_last(b)) for b in blocks)
    return False  # what a `with` enters may swallow an error


def _last(block: Node) -> Node:
    return next((c for c in reversed(block.named_children) if c.type != "comment"), block)
