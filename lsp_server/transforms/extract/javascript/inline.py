"""`inline-variable` in JavaScript and TypeScript: what a variable stands for comes in its places, and it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsp_server.code.scopes.analysis import leaf_at, walk_of
from lsp_server.transforms.extract.javascript.order import (
    acts_between,
    is_stable,
    looks_names_up,
    rebound,
    why_not_first,
)
from lsp_server.transforms.extract.javascript.syntax import (
    ATOMS,
    BLOCKS,
    LATER,
    LOOPS,
    acts,
    in_type,
    is_called,
    is_constant,
    is_written,
    running,
    statement_of,
)
from lsp_server.transforms.extract.syntax import above, below, indent_before
from lsp_server.transforms.refactoring import Change, Refused, Replacement, rewritten
from lsp_server.types import Region, Snapshot

if TYPE_CHECKING:
    from tree_sitter import Node

    from lsp_server.code.scopes.names import Binding, Occurrence
    from lsp_server.code.scopes.walk import Walk


def title(snapshot: Snapshot, region: Region) -> str | None:
    leaf = leaf_at(snapshot, region)
    declarator = leaf.parent if leaf is not None and leaf.type == "identifier" else None
    known = declarator is not None and declarator.type == "variable_declarator"
    value = declarator.child_by_field_name("value") if known and declarator is not None else None
    return "Inline the variable" if value is not None and value != leaf else None


def change(snapshot: Snapshot, region: Region) -> Change:
    """See `InlineVariable`. Raises Refused."""
    walk = walk_of(snapshot)
    binding = walk.binding_at(leaf_at(snapshot, region)) if walk is not None else None
    if walk is None or binding is None:
        raise _refuse("put the cursor on a variable of this file")
    value = _value(snapshot, walk, binding)
    uses = [o for o in binding.occurrences if o.role in ("use", "shorthand")]
    if not uses:
        raise _refuse(f"{binding.name} is not used; delete it if its value does nothing")
    for use in uses:
        if reason := _why_not_there(walk, value, use.node, alone=len(uses) == 1):
            raise _refuse(f"in line {use.node.start_point.row + 1} {reason}")
    statement, source = statement_of(value), snapshot.source
    line_start = statement.start_byte - len(indent_before(snapshot, statement.start_byte) or "")
    line_end = source.find(b"\n", statement.end_byte)
    replacements: list[Replacement] = [(Region(line_start, line_end + 1 if line_end >= 0 else len(source)), [""])]
    replacements += [(use.region, [_instead(snapshot, value, use)]) for use in uses]
    return rewritten(snapshot, replacements, summary=f"inline {binding.name}")


def _value(snapshot: Snapshot, walk: Walk, binding: Binding) -> Node:
    """What the variable stands for. Raises Refused if that is not one expression, known from its only declaration."""
    name, declared = binding.name, [o for o in binding.occurrences if o.role not in ("use", "shorthand")]
    declarator = declared[0].node.parent if declared else None
    if (
        len(declared) != 1
        or declared[0].role != "bind"
        or declarator is None
        or declarator.type != "variable_declarator"
    ):
        raise _refuse(f"{name} is no variable with one plain declaration")
    declaration, value = declarator.parent, declarator.child_by_field_name("value")
    if value is None or declaration is None or declarator.child_by_field_name("name") != declared[0].node:
        raise _refuse(f"{name} gets its value by no plain declaration")
    line = snapshot.source[declaration.end_byte :].split(b"\n", 1)[0].strip()
    rules = {
        f"{name} is declared together with another variable": declaration.named_child_count != 1,
        "only what stands in a function can go; names of a module are seen by others": binding.scope.function
        is walk.module,
        f"{name} gets a value more than once": any(
            is_written(o.node) for o in binding.occurrences if o is not declared[0]
        ),
        f"{name} is declared in the head of a loop, or without braces": declaration.parent is None
        or declaration.parent.type not in BLOCKS,
        "its declaration shares the line with something else": bool(line)
        or indent_before(snapshot, declaration.start_byte) is None,
        "its type is written down, which may say more than its value": declarator.child_by_field_name("type")
        is not None,
        "its value waits for others": any(p.type in ("await_expression", "yield_expression") for p in running(value)),
        "its value is code that has its name": value.type in LATER,
        "a comment in it would be lost": any(p.type == "comment" for p in below(declaration)),
        "the file looks names up by their text": looks_names_up(walk, declaration),
    }
    if reason := next((reason for reason, holds in rules.items() if holds), ""):
        raise _refuse(reason)
    return value


def _why_not_there(walk: Walk, value: Node, use: Node, *, alone: bool) -> str:
    """Why the value cannot run where the variable is used; "" if it comes to the same."""
    statement = statement_of(value)
    block = statement.parent
    assert block is not None, "a declaration stands in a block"
    rules = {
        "it may be used without having got this value": use.start_byte < statement.end_byte
        or use.end_byte > block.end_byte,
        "it stands in a type": in_type(use),
        "it is called, and would be called with another object": is_called(use)
        and value.type not in ("identifier", "parenthesized_expression"),
        "a name in its value means something else": any(_shadows(walk, part, use) for part in below(value)),
    }
    if reason := next((reason for reason, holds in rules.items() if holds), ""):
        return reason
    path = [
        p for _, p in above(use) if p.start_byte >= statement.end_byte and p.end_byte <= block.end_byte and p != block
    ]
    return "" if is_constant(value) else _why_not_same(walk, value, use, path, alone=alone)


def _why_not_same(walk: Walk, value: Node, use: Node, path: list[Node], *, alone: bool) -> str:
    """Why the value may be another at the use, or run another number of times. `path`: the nodes around, below the block."""
    statement = statement_of(value)
    kinds = {parent.type for parent in path}
    end = (path[-1] if path else use).end_byte if kinds & LOOPS else use.start_byte
    if kinds & LATER:
        return "it is used later, when its value may be another"
    if rebound(walk, value, statement.end_byte, end):
        return "a name in its value has another value"
    if is_stable(walk, value):
        return ""
    if not alone:
        return "it is used once more, and its value may not be the same, or do something, each time"
    if statement_of(use).parent != statement.parent or kinds & LOOPS:
        return "it is used in some cases only, or more than once"
    return _why_not_once(walk, value, use)


def _why_not_once(walk: Walk, value: Node, use: Node) -> str:
    """Why a value that may do something, or be changed, cannot run in a later statement of its block instead."""
    statement, last = statement_of(value), statement_of(use)
    assert last.parent is not None, "it stands in a block"
    between = [c for c in last.parent.named_children if statement.end_byte <= c.start_byte < last.start_byte]
    if any(acts(child) for child in between) or acts_between([last], last.start_byte, use.start_byte):
        return "what runs before may change its value"
    if not acts(value):
        return why_not_first(walk, use)
    if any(_reads(child) for child in between):
        return "what is read before it may be changed by its value"
    if any(_after_target(child, parent) for child, parent in above(use)):
        return "the assignment reads its target before it"
    return _why_not_acting(walk, use)


def _why_not_acting(walk: Walk, use: Node) -> str:
    """Why a value that may change something cannot run at the use: it has to be the first that runs in its statement."""
    if reason := why_not_first(walk, use):
        return reason
    statement = statement_of(use)
    before = [p for p in running(statement) if p.end_byte <= use.start_byte and not is_written(p)]
    read = [p for p in before if p.type in ("member_expression", "subscript_expression", "identifier", "this")]
    declared = [p for p in read if p.parent is not None and p.parent.type == "variable_declarator"]
    return "what is read before it may be changed by its value" if len(read) > len(declared) else ""


def _after_target(child: Node, parent: Node) -> bool:
    left = parent.child_by_field_name("left") if parent.type.endswith("assignment_expression") else None
    return left is not None and left != child and left.type != "identifier"


def _reads(statement: Node) -> bool:
    return any(p.type in ("identifier", "member_expression", "subscript_expression") for p in running(statement))


def _shadows(walk: Walk, part: Node, use: Node) -> bool:
    """Whether the name means something else where the variable is used."""
    if part.type not in ("identifier", "shorthand_property_identifier"):
        return False
    name, binding = (part.text or b"").decode("utf-8"), walk.binding_at(part)
    around = walk.names.occurrence_at(use.start_byte)
    declared = next((s for s in around.scope.around() if name in s.names), None) if around is not None else None
    return declared is not (binding.scope if binding is not None else None)


def _instead(snapshot: Snapshot, value: Node, use: Occurrence) -> str:
    """The value as it stands in place of the use: in parentheses where it could be read another way."""
    text, parent = str(snapshot.text(Region(value.start_byte, value.end_byte))), use.node.parent
    optional = any(p.type == "optional_chain" for p in below(value))
    plain = value.type in ATOMS and not optional
    if value.type == "number" and parent is not None and parent.type == "member_expression":
        plain = False
    alone = parent is not None and parent.type in (
        "arguments",
        "variable_declarator",
        "return_statement",
        "array",
        "pair",
    )
    if alone and "\n" not in text:
        plain = True
    before = f"{use.name}: " if use.role == "shorthand" else ""
    return before + (text if plain else f"({text})")


def _refuse(reason: str) -> Refused:
    return Refused(f"not inlined: {reason}")
