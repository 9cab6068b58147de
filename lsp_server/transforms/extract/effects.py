"""What running an expression earlier, later, or twice may change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsp_server.transforms.extract.syntax import above, below, field_of, statement_of, words

if TYPE_CHECKING:
    from tree_sitter import Node

    from lsp_server.code.scopes.names import Binding
    from lsp_server.code.scopes.walk import Walk

_ACTS = words(
    """
    call await yield named_expression augmented_assignment delete_statement for_statement with_statement
    import_statement import_from_statement class_definition decorated_definition list_comprehension
    set_comprehension dictionary_comprehension generator_expression exec_statement print_statement raise_statement
    assert_statement try_statement match_statement while_statement
    """
)
"""What may run code of others, or go on elsewhere."""
_NEW = words(
    """
    list dictionary set lambda list_comprehension set_comprehension dictionary_comprehension generator_expression
    string concatenated_string
    """
)
_LATER = frozenset(
    {"lambda", "list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression"}
)


def acts(node: Node) -> bool:
    """Whether it may change something, or be changed by what others do: it holds a call or the like."""
    return any(part.type in _ACTS for part in below(node))


def is_constant(node: Node) -> bool:
    """Whether it is the same whenever it runs, and cannot fail: a number, a plain string, True."""
    return all(
        part.type in ("integer", "float", "true", "false", "none", "ellipsis", "string", "string_start", "string_content",
                      "string_end", "escape_sequence", "concatenated_string", "parenthesized_expression")
        for part in below(node)
    )  # fmt: skip


def is_stable(walk: Walk, node: Node) -> bool:
    """Whether it is made of names of its own function, numbers, strings and operators: equal as long as the names are."""
    for part in below(node):
        if (
            part.type in _ACTS
            or (part.type in _NEW and not is_constant(part))
            or part.type in ("attribute", "subscript")
        ):
            return False
        if part.type == "identifier" and not is_own(walk.binding_at(part)):
            return False
    return True


def is_own(binding: Binding | None) -> bool:
    """Whether only the statements of one function change what the name means."""
    if binding is None or binding.scope.kind != "function" or binding.has("declared"):
        return False
    return all(o.scope is binding.scope or o.role == "use" for o in binding.occurrences)


def rebound(walk: Walk, node: Node, start: int, end: int) -> bool:
    """Whether a name of the expression gets another value between two places of the file."""
    names = {id(b) for part in below(node) if part.type == "identifier" and (b := walk.binding_at(part)) is not None}
    return any(
        id(binding) in names
        for binding in walk.names.bindings
        for o in binding.occurrences
        if o.role != "use" and start <= o.node.start_byte < end
    )


def acts_between(root: Node, start: int, end: int) -> bool:
    """Whether something that acts comes to its end between two places of the file; what only looks up counts, too."""
    return any(
        start < part.end_byte <= end and (part.type in _ACTS or _stores(part))
        for part in below(root)
        if part.start_byte < end and part.end_byte > start
    )


def _stores(node: Node) -> bool:
    """Whether it puts something into an object: its code may act."""
    left = node.child_by_field_name("left") if node.type == "assignment" else None
    return left is not None and any(part.type in ("attribute", "subscript") for part in below(left))


def why_not_first(walk: Walk, node: Node) -> str:
    """Why the expression cannot be run before its statement begins; "" if nothing would change by it."""
    statement = statement_of(node)
    for child, parent in above(node):
        if reason := _why_not_through(child, parent):
            return reason
        if statement in (parent, child):
            break
    safe = is_stable(walk, node)
    if not safe and acts_between(statement, statement.start_byte, node.start_byte):
        return "something that may change it runs before it in the same statement"
    if statement.type == "expression_statement" and not safe:
        return _why_not_in_assignment(walk, statement.named_children[0], node)
    return ""


def _why_not_in_assignment(walk: Walk, assignment: Node, node: Node) -> str:
    left, right = assignment.child_by_field_name("left"), assignment.child_by_field_name("right")
    if left is None or right is None:
        return ""
    if assignment.type == "augmented_assignment" and node.start_byte >= right.start_byte and acts(node):
        own = left.type == "identifier" and is_own(walk.binding_at(left))
        return "" if own else "the statement reads its target before it, and it may change that"
    if node.end_byte <= left.end_byte and acts(right):
        return "the right side of the assignment runs before it"
    return ""


def _why_not_through(child: Node, parent: Node) -> str:
    """Why what stands in `child` runs more or less often than `parent` does, or at another time."""
    kind, field = parent.type, field_of(child)
    index = parent.named_children.index(child) if child in parent.named_children else 0
    if kind in _LATER and not (kind != "lambda" and _is_first_iterable(child, parent)):
        return f"it runs inside of a {kind.replace('_', ' ')}: later, or more than once"
    guard = kind == "if_clause" and parent.parent is not None and parent.parent.type == "case_clause"
    if (kind == "for_in_clause" and field != "right") or (kind == "if_clause" and not guard):
        return "it runs inside of a comprehension"
    rules = {
        "while_statement": (field == "condition", "it runs in each round of the loop"),
        "elif_clause": (True, "it runs only if the conditions above fail"),
        "boolean_operator": (field == "right", "it runs only if the left side of the and/or lets it"),
        "conditional_expression": (index != 1, "it runs in one case of the condition only"),
        "comparison_operator": (index > 1, "it runs only if the comparison before it holds"),
        "assert_statement": (index > 0, "it runs only if the assertion fails"),
        "except_clause": (True, "it runs only if there was an exception"),
        "case_clause": (True, "it runs only if the cases above did not match"),
        "with_clause": (index > 0, "it runs after another context was entered"),
        "type": (True, "it is a type"),
        "type_alias_statement": (True, "it is a type"),
        "interpolation": (any(c.type == "=" for c in parent.children), "its text is printed, too"),
        "concatenated_string": (True, "it is a part of a longer string"),
        "format_specifier": (True, "it is part of a format"),
        "decorator": (False, ""),
    }
    applies, reason = rules.get(kind, (False, ""))
    return reason if applies else ""


def _is_first_iterable(child: Node, parent: Node) -> bool:
    first = next((c for c in parent.named_children if c.type == "for_in_clause"), None)
    return child == first
