"""Python's statements and expressions in the tree: what a selection is, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from lsp_server.code.syntax.nodes import children_from, first_child_after
from lsp_server.types import Region, Snapshot

if TYPE_CHECKING:
    from tree_sitter import Node


def words(text: str) -> frozenset[str]:
    """Kinds of nodes."""
    return frozenset(text.split())


EXPRESSIONS = words(
    """
    await binary_operator boolean_operator call comparison_operator concatenated_string conditional_expression
    dictionary dictionary_comprehension ellipsis expression_list false float generator_expression identifier
    integer lambda list list_comprehension none not_operator parenthesized_expression set set_comprehension string
    subscript true tuple unary_operator attribute
    """
)
ATOMS = words(
    """
    call identifier subscript attribute list dictionary set tuple parenthesized_expression list_comprehension
    set_comprehension dictionary_comprehension generator_expression true false none string
    """
)
"""Expressions that need no parentheses in any place that takes one."""
BRACKETED = ATOMS - {"call", "subscript", "attribute", "identifier", "string"}
BLOCKS = frozenset({"block", "module"})


@dataclass(frozen=True, kw_only=True)
class Statements:
    """Statements that follow each other in one block; `region`: from the first one's start to the last one's end,
    the comments between and around them that are selected included.
    """

    nodes: tuple[Node, ...]
    region: Region


def trimmed(snapshot: Snapshot, region: Region) -> Region:
    """The region without white space at its ends."""
    text = snapshot.source[region.start : region.end]
    start = region.start + len(text) - len(text.lstrip())
    return Region(start, max(start, region.start + len(text.rstrip())))


def expression_at(snapshot: Snapshot, region: Region) -> Node | None:
    """The expression that is selected, all of it and nothing else; the outermost one."""
    region, found = trimmed(snapshot, region), None
    node = snapshot.tree.root_node if snapshot.tree is not None and region.start < region.end else None
    while node is not None and node.start_byte <= region.start and region.end <= node.end_byte:
        exact = (node.start_byte, node.end_byte) == (region.start, region.end)
        if exact and found is None and node.type in EXPRESSIONS and not _names_something(node):
            found = node
        node = first_child_after(node, region.start)
    return found


def statements_at(snapshot: Snapshot, region: Region, blocks: frozenset[str] = BLOCKS) -> Statements | None:
    """The statements of one of the `blocks` that are selected, all of them and nothing else."""
    region = trimmed(snapshot, region)
    node = snapshot.tree.root_node if snapshot.tree is not None and region.start < region.end else None
    while node is not None and node.start_byte <= region.start and region.end <= node.end_byte:
        if node.type in blocks:
            touched = takewhile(lambda c: c.start_byte < region.end, children_from(node, region.start))
            inside = [c for c in touched if c.is_named]
            whole = inside and inside[0].start_byte == region.start and inside[-1].end_byte == region.end
            nodes = tuple(c for c in inside if c.type != "comment")
            if whole and nodes:
                return Statements(nodes=nodes, region=region)
        node = first_child_after(node, region.start)
    return None


def statement_of(node: Node) -> Node:
    """The statement of a block that holds the node, or is it."""
    while node.parent is not None and node.parent.type not in BLOCKS:
        node = node.parent
    return node


def above(node: Node) -> Iterator[tuple[Node, Node]]:
    """(node, its parent), (its parent, the parent's parent), … up to the root."""
    while node.parent is not None:
        yield node, node.parent
        node = node.parent


def below(node: Node) -> Iterator[Node]:
    """The node and all named nodes in it, in file order."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += reversed(one.named_children)


def field_of(node: Node) -> str:
    """The field of its parent that the node is in."""
    parent = node.parent
    if parent is not None:
        for index, child in enumerate(parent.children):
            if child == node:
                return parent.field_name_for_child(index) or ""
    return ""


def indent_before(snapshot: Snapshot, offset: int) -> str | None:
    """The white space before `offset` on its line; None if something else stands there."""
    start = max(snapshot.source.rfind(b"\n", 0, offset), snapshot.source.rfind(b"\r", 0, offset)) + 1
    text = snapshot.source[start:offset].decode("utf-8")
    return None if text.strip() else text


def _names_something(node: Node) -> bool:
    """Whether it is a name that is no expression: an attribute's, an argument's, a parameter, a target, a definition's."""
    parent = node.parent
    if parent is None or node.type not in ("identifier", "attribute", "subscript", "tuple", "list", "expression_list"):
        return False
    field = field_of(node)
    if node.type == "identifier" and (
        (parent.type == "attribute" and field == "attribute")
        or field in ("name", "alias")
        or parent.type in ("parameters", "lambda_parameters", "dotted_name", "global_statement", "nonlocal_statement",
                           "list_splat_pattern", "dictionary_splat_pattern", "keyword_pattern", "typed_parameter")
    ):  # fmt: skip
        return True
    return any(is_target(child, around) for child, around in ((node, parent), *above(parent)) if around is not None)


def is_target(child: Node, parent: Node) -> bool:
    """Whether `child` is what a statement binds or deletes."""
    if parent.type in ("delete_statement", "as_pattern_target"):
        return True
    kinds = ("assignment", "augmented_assignment", "for_statement", "for_in_clause", "type_alias_statement")
    return parent.type in kinds and field_of(child) == "left"
