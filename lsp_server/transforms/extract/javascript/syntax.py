"""JavaScript's statements and expressions in the tree: what a selection is, and when it runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lsp_server.code.syntax.nodes import first_child_after
from lsp_server.transforms.extract.syntax import above, below, field_of, trimmed, words
from lsp_server.types import Region, Snapshot

if TYPE_CHECKING:
    from tree_sitter import Node

LANGUAGES = frozenset({"javascript", "typescript", "tsx"})
EXPRESSIONS = words(
    """
    array arrow_function assignment_expression await_expression binary_expression call_expression class false function_expression
    identifier jsx_element jsx_self_closing_element member_expression new_expression null number object
    parenthesized_expression regex string subscript_expression template_string ternary_expression this true
    unary_expression undefined
    """
)
ATOMS = words(
    """
    array call_expression false identifier member_expression null number parenthesized_expression regex string
    subscript_expression template_string this true undefined new_expression
    """
)
"""Expressions that need no parentheses where one is used."""
BLOCKS = frozenset({"program", "statement_block", "class_static_block"})
FUNCTIONS = words(
    """
    function_declaration generator_function_declaration function_expression generator_function arrow_function
    method_definition class_static_block
    """
)
LATER = FUNCTIONS | words("class class_declaration abstract_class_declaration")
"""What runs at another time than the statement that it stands in."""
LOOPS = words("for_statement for_in_statement while_statement do_statement")
CHANGES = words(
    """
    call_expression new_expression await_expression yield_expression assignment_expression augmented_assignment_expression
    update_expression debugger_statement import_statement spread_element jsx_element jsx_self_closing_element for_in_statement
    array_pattern object_pattern
    """
)
"""What may run code of others, or change something."""
_ACTS = CHANGES | words("throw_statement return_statement break_statement continue_statement")
"""The same, and what goes on elsewhere."""
_NEW = words("array object regex template_string class function_expression generator_function arrow_function")
_CONSTANT = words(
    """
    number string string_fragment escape_sequence true false null undefined parenthesized_expression
    """
)


def expression_at(snapshot: Snapshot, region: Region) -> Node | None:
    """The expression that is selected, all of it and nothing else; the outermost one."""
    region = trimmed(snapshot, region)
    node = snapshot.tree.root_node if snapshot.tree is not None and region.start < region.end else None
    while node is not None and node.start_byte <= region.start and region.end <= node.end_byte:
        exact = (node.start_byte, node.end_byte) == (region.start, region.end)
        if exact and node.type in EXPRESSIONS and not _names_something(node) and not _is_head(node):
            return node
        if exact and _is_head(node):
            return next((c for c in node.named_children if c.type in EXPRESSIONS), None)
        node = first_child_after(node, region.start)
    return None


def _is_head(node: Node) -> bool:
    """Whether its parentheses are those of a statement, as in `if (…)`."""
    statement = node.parent is not None and node.parent.type.endswith("_statement")
    return node.type == "parenthesized_expression" and statement and field_of(node) in ("condition", "value", "object")


def _names_something(node: Node) -> bool:
    """Whether it is no expression, but the name of a definition, or what an assignment changes."""
    parent, field = node.parent, field_of(node)
    if parent is None or is_written(node):
        return True
    names = field in ("name", "parameter", "label", "alias", "key") and parent.type != "jsx_expression"
    return names or "pattern" in parent.type or parent.type.endswith(("_type", "_specifier", "_clause", "parameters"))


def is_written(node: Node) -> bool:
    """Whether the expression gets a value, or is deleted."""
    for child, parent in above(node):
        kind, field = parent.type, field_of(child)
        if kind in ("assignment_expression", "augmented_assignment_expression", "for_in_statement"):
            return field == "left"
        if kind == "update_expression" or (kind == "unary_expression" and (parent.text or b"").startswith(b"delete")):
            return child == node
        pattern = kind in ("array_pattern", "object_pattern", "rest_pattern", "assignment_pattern", "pair_pattern",
                           "object_assignment_pattern")  # fmt: skip
        if not pattern or field in ("right", "key"):
            return False
    return False


def statement_of(node: Node) -> Node:
    """The statement of a block that holds the node, or is it."""
    while node.parent is not None and node.parent.type not in BLOCKS:
        node = node.parent
    return node


def acts(node: Node) -> bool:
    """Whether running it may change something, or depend on what others change; what only defines a function does not."""
    return any(part.type in _ACTS for part in running(node))


def running(node: Node) -> Iterator[Node]:
    """The node and all in it that runs when it runs: no bodies of functions and classes."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        if one.type not in LATER or one is node:
            waiting += reversed(one.named_children)


def is_constant(node: Node) -> bool:
    """Whether it is the same value whenever it runs, and cannot fail."""
    return all(part.type in _CONSTANT for part in below(node))


def makes_new(node: Node) -> bool:
    """Whether it is another object each time it runs, or code."""
    return any(part.type in _NEW for part in below(node))


def is_called(node: Node) -> bool:
    """Whether it is what a call calls, or makes an object of."""
    child = node
    while child.parent is not None and child.parent.type == "parenthesized_expression":
        child = child.parent
    return field_of(child) in ("function", "constructor")


def in_type(node: Node) -> bool:
    """Whether it stands in a type, a decorator or a pattern."""
    return any(
        parent.type.endswith(("_type", "type_annotation", "type_arguments", "type_query", "_type_annotation"))
        or parent.type in ("decorator", "enum_body", "import_attribute", "type_parameters")
        for _, parent in above(node)
    )
