"""`extract-variable` in JavaScript and TypeScript: an expression becomes a `const` before its statement.

The same expression below takes the name, too, as far as nothing runs in between that may change its value.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lsp_server.code.scopes.analysis import walk_of
from lsp_server.transforms.extract.javascript.order import looks_names_up, why_not_first
from lsp_server.transforms.extract.javascript.repeated import repeated_below
from lsp_server.transforms.extract.javascript.syntax import (
    BLOCKS,
    LATER,
    expression_at,
    in_type,
    is_called,
    statement_of,
)
from lsp_server.transforms.extract.naming import named, objection, placeholder
from lsp_server.transforms.extract.syntax import above, below, field_of, indent_before
from lsp_server.transforms.refactoring import Answers, Change, Refused, Replacement, rewritten
from lsp_server.types import Region, Snapshot

if TYPE_CHECKING:
    from tree_sitter import Node

    from lsp_server.code.scopes.names import Scope
    from lsp_server.code.scopes.walk import Walk


def title(snapshot: Snapshot, region: Region) -> str | None:
    node = expression_at(snapshot, region)
    return "Extract into a variable" if node is not None and not _why_not(snapshot, node) else None


def change(snapshot: Snapshot, region: Region, answers: Answers) -> Change:
    """See `ExtractVariable`. Raises Refused."""
    node = expression_at(snapshot, region)
    if node is None:
        raise _refuse("select an expression, all of it and nothing else")
    walk = walk_of(snapshot)
    assert walk is not None, "there is a tree"
    if reason := _why_not(snapshot, node) or why_not_first(walk, node):
        raise _refuse(reason)
    if looks_names_up(walk, statement_of(node)):
        raise _refuse("the file looks names up by their text")
    statement = statement_of(node)
    scope = scope_around(walk, statement)
    name = named(walk, scope, snapshot, answers, refuse=_refuse, proposal=placeholder(walk, scope, "value"))
    text = str(snapshot.text(Region(node.start_byte, node.end_byte)))
    indent = indent_before(snapshot, statement.start_byte) or ""
    start = Region(statement.start_byte, statement.start_byte)
    replacements: list[Replacement] = [(start, ["const ", name, f" = {text};\n{indent}"])]
    others = repeated_below(snapshot, walk, node, why_not_alone=why_not_alone)
    replacements += [(Region(n.start_byte, n.end_byte), [name]) for n in (node, *others)]
    if statement.start_byte == node.start_byte:  # both begin at one place: one replacement does both
        replacements[:2] = [(replacements[1][0], [*replacements[0][1], *replacements[1][1]])]
    made = rewritten(snapshot, replacements, summary="extract a variable")
    return replace(made, objection=objection(walk, scope, snapshot)) if made.gaps else made


def scope_around(walk: Walk, statement: Node) -> Scope:
    """The innermost scope in which the statement stands."""
    inside = [
        s
        for s in walk.scopes
        if s.node.start_byte <= statement.start_byte and statement.end_byte <= s.node.end_byte and s.node != statement
    ]
    return max(inside, key=lambda s: (s.node.start_byte, -s.node.end_byte), default=walk.module)


def why_not_alone(node: Node) -> str:
    """Why the expression means something else when it stands apart from what is around it."""
    parent = node.parent
    chain = field_of(node) in ("object", "function") and any(p.type == "optional_chain" for p in below(node))
    module = ("import_statement", "export_clause")
    rules = {
        "it is a name already": node.type in ("identifier", "this", "undefined"),
        "it is a type, or part of one": in_type(node),
        "it is called, and would lose its object": is_called(node)
        and node.type in ("member_expression", "subscript_expression"),
        "it is called as a tag": node.type == "template_string"
        and parent is not None
        and parent.type == "call_expression",
        "what stands behind it runs only if what stands before ?. is there": chain,
        "it would get a name, which its code can see": node.type in LATER,
        "it is a directive, or of no use": parent is not None and parent.type == "expression_statement",
        "it is part of an import or export": any(
            p.type in module or (p.type == "export_statement" and p.child_by_field_name("source") is not None)
            for _, p in above(node)
        ),
        "it waits for others in the middle": any(p.type == "yield_expression" for p in below(node)),
    }
    return next((reason for reason, holds in rules.items() if holds), "")


def _why_not(snapshot: Snapshot, node: Node) -> str:
    """Why the place does not allow it, as far as the nearest nodes tell."""
    statement = statement_of(node)
    if reason := why_not_alone(node):
        return reason
    if statement.parent is None or statement.parent.type not in BLOCKS:
        return "it stands in a class"
    if indent_before(snapshot, statement.start_byte) is None:
        return "its statement shares the line with another one; put it on a line of its own first"
    return ""


def _refuse(reason: str) -> Refused:
    return Refused(f"not extracted: {reason}")
