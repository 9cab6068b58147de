"""What running an expression earlier or later may change (ECMA-262: operands are evaluated from left to right)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsp_server.transforms.extract.javascript.syntax import (
    LATER,
    acts,
    is_called,
    is_constant,
    is_written,
    makes_new,
    running,
    statement_of,
)
from lsp_server.transforms.extract.syntax import above, below, field_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tree_sitter import Node

    from lsp_server.code.scopes.names import Binding
    from lsp_server.code.scopes.walk import Walk

_DYNAMIC = frozenset({"eval", "with"})


def why_not_first(walk: Walk, node: Node) -> str:
    """Why the expression cannot be run before its statement begins; "" if nothing would change by it."""
    statement = statement_of(node)
    for child, parent in above(node):
        if child == statement:
            break
        if reason := _why_not_through(child, parent):
            return reason
    if any(part.type == "super" for part in running(statement)):
        return "its statement calls super, and `this` is not known before"
    before = _before(statement, node)
    if not is_stable(walk, node) and any(acts(part) for part in before):
        return "something that may change it runs before it in the same statement"
    if acts(node) and not all(_keeps(walk, part) for part in before):
        return "what is read before it in the same statement may be changed by it"
    return ""


def _before(statement: Node, node: Node) -> list[Node]:
    """The parts of the statement that run before the node, each as large as possible."""
    found: list[Node] = []
    for child, parent in above(node):
        if child == statement:
            break
        siblings = [c for c in parent.named_children if c.end_byte <= child.start_byte]
        if parent.type in ("assignment_expression", "variable_declarator") and field_of(child) == "value":
            siblings = []  # a declared name is no value that is read
        found += siblings
    return found


def _keeps(walk: Walk, part: Node) -> bool:
    """Whether the part has the same value after others' code ran: constants, names that nobody else changes, callees."""
    if (
        part.type in LATER
        or is_constant(part)
        or part.type in ("property_identifier", "comment", "this", "super", "import")
    ):
        return True
    if is_called(part) and part.type in ("member_expression", "identifier"):
        return not acts(part)
    if part.type == "identifier":
        return is_written(part) or is_settled(walk.binding_at(part))
    if part.type in ("member_expression", "subscript_expression") and is_written(part):
        return all(_keeps(walk, child) for child in part.named_children)
    inner = ("template_string", "binary_expression", "unary_expression", "parenthesized_expression", "object", "array",
             "pair", "variable_declarator", "arguments", "ternary_expression")  # fmt: skip
    return part.type in inner and all(_keeps(walk, child) for child in part.named_children)


def is_settled(binding: Binding | None) -> bool:
    """Whether nothing but the statements of the function itself changes what the name means."""
    if binding is None:
        return False
    scope = binding.scope.function
    return all(o.scope.function is scope for o in binding.occurrences if o.role != "use" or is_written(o.node))


def is_stable(walk: Walk, node: Node) -> bool:
    """Whether it is made of settled names, numbers, strings and operators: equal as long as the names are."""
    if acts(node) or (makes_new(node) and not is_constant(node)):
        return False
    for part in (*below(node), *(c for n in below(node) for c in n.children)):
        if part.type in ("member_expression", "subscript_expression", "in", "instanceof"):
            return False
        if part.type == "identifier" and not is_settled(walk.binding_at(part)):
            return False
    return True


def rebound(walk: Walk, node: Node, start: int, end: int) -> bool:
    """Whether a name of the expression gets another value between two places of the file."""
    names = [b for part in below(node) if part.type == "identifier" and (b := walk.binding_at(part)) is not None]
    return any(
        start <= o.node.start_byte < end and (o.role != "use" or is_written(o.node))
        for b in names
        for o in b.occurrences
    )


def acts_between(nodes: Iterable[Node], start: int, end: int) -> bool:
    """Whether something that acts comes to its end between two places of the file."""
    return any(start < part.end_byte <= end and acts(part) for node in nodes for part in running(node))


def looks_names_up(walk: Walk, node: Node) -> bool:
    """Whether code there finds names by their text."""
    called = (call.child_by_field_name("function") for call, _ in walk.calls)
    direct = any(f is not None and f.text == b"eval" for f in called)
    return direct or bool(walk.wildcards) or node.has_error


def _why_not_through(child: Node, parent: Node) -> str:
    """Why what stands in `child` runs more or less often than `parent` does, or at another time."""
    kind, field = parent.type, field_of(child)
    operator = parent.child_by_field_name("operator") if kind == "binary_expression" else None
    short = operator is not None and operator.type in ("&&", "||", "??")
    rules = {
        "it runs inside of a function or class: later, or more than once": kind in LATER or kind == "class_body",
        f"it runs only if the left side of {operator.type if operator else ''} lets it": short and field == "right",
        "it runs in one case of the condition only": kind == "ternary_expression" and field != "condition",
        "it runs in each round of the loop": (kind in ("while_statement", "do_statement") and field == "condition")
        or (kind == "for_statement" and field in ("condition", "increment")),
        "it runs only if the conditions above fail": kind == "else_clause",
        "its statement has no braces of its own; put some around it first": kind
        in ("if_statement", "for_statement", "for_in_statement", "while_statement", "do_statement", "with_statement")
        and field in ("consequence", "body"),
        "it runs only if the cases above did not match": kind in ("switch_case", "switch_default"),
        "it runs only if no value is given": kind in ("assignment_pattern", "object_assignment_pattern"),
        "it runs only if what stands before ?. is there": _is_optional(child, parent),
        "the assignment decides whether it runs": kind == "augmented_assignment_expression"
        and any(c.type in ("&&=", "||=", "??=") for c in parent.children),
        "the assignment reads its target before": kind == "augmented_assignment_expression"
        and field == "right"
        and (left := parent.child_by_field_name("left")) is not None
        and left.type != "identifier"
        and acts(child),
        "its statement has a label": kind == "labeled_statement",
    }
    return next((reason for reason, holds in rules.items() if holds), "")


def _is_optional(child: Node, parent: Node) -> bool:
    """Whether the child is an argument or index in a chain with `?.`."""
    if parent.type not in ("call_expression", "subscript_expression", "member_expression"):
        return False
    if field_of(child) in ("function", "object"):
        return False
    chain: Node | None = parent
    while chain is not None and chain.type in ("call_expression", "subscript_expression", "member_expression"):
        if any(c.type == "optional_chain" for c in chain.children):
            return True
        chain = chain.child_by_field_name("function") or chain.child_by_field_name("object")
    return False
