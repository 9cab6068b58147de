"""The refactoring `inline-variable`: what a variable stands for comes in its places, and the variable goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsp_server.code.scopes.analysis import leaf_at, walk_of
from lsp_server.transforms.extract.effects import (
    acts,
    acts_between,
    is_constant,
    is_own,
    is_stable,
    rebound,
    why_not_first,
)
from lsp_server.transforms.extract.javascript import inline as javascript
from lsp_server.transforms.extract.javascript.syntax import LANGUAGES
from lsp_server.transforms.extract.syntax import (
    ATOMS,
    BRACKETED,
    above,
    below,
    field_of,
    indent_before,
    statement_of,
    words,
)
from lsp_server.transforms.refactoring import Answers, Change, Refused, Replacement, rewritten
from lsp_server.types import Region, Snapshot

if TYPE_CHECKING:
    from tree_sitter import Node

    from lsp_server.code.scopes.names import Binding
    from lsp_server.code.scopes.walk import Walk

_LOOPS = words("while_statement for_statement")
_LATER = words(
    """lambda function_definition class_definition list_comprehension set_comprehension dictionary_comprehension
    generator_expression"""
)
_OPEN = words("return_statement assignment parenthesized_expression")
_READERS = words("locals vars dir eval exec")


@dataclass(frozen=True, kw_only=True)
class InlineVariable:
    """Needs no model."""

    name: str = "inline-variable"
    kind: str = "refactor.inline.variable"

    def title(self, snapshot: Snapshot, region: Region) -> str | None:
        if snapshot.language.name in LANGUAGES:
            return javascript.title(snapshot, region)
        leaf = leaf_at(snapshot, region) if snapshot.language.name == "python" else None
        if leaf is None or leaf.type != "identifier":
            return None
        statement = statement_of(leaf)
        inner = statement.named_children[0] if statement.type == "expression_statement" else None
        bound = inner is not None and inner.type == "assignment" and inner.child_by_field_name("left") == leaf
        return "Inline the variable" if bound else None

    def change(self, snapshot: Snapshot, region: Region, *, answers: Answers) -> Change:  # noqa: ARG002
        if snapshot.language.name in LANGUAGES:
            return javascript.change(snapshot, region)
        walk = walk_of(snapshot) if snapshot.language.name == "python" else None
        binding = walk.binding_at(leaf_at(snapshot, region)) if walk is not None else None
        if walk is None or binding is None:
            raise _refuse("put the cursor on a variable of this file")
        value = _value(snapshot, walk, binding)
        uses = [o.node for o in binding.occurrences if o.role == "use"]
        if not uses:
            raise _refuse(f"{binding.name} is not used; delete it if its value does nothing")
        for use in uses:
            if reason := _why_not_there(walk, value, use, alone=len(uses) == 1):
                raise _refuse(f"in line {use.start_point.row + 1} {reason}")
        replacements: list[Replacement] = [_without_statement(snapshot, value)]
        replacements += [(Region(u.start_byte, u.end_byte), [_instead(snapshot, value, u)]) for u in uses]
        return rewritten(snapshot, replacements, summary=f"inline {binding.name}")


def _value(snapshot: Snapshot, walk: Walk, binding: Binding) -> Node:
    """What the variable stands for. Raises Refused if that is not one expression, known from its only assignment."""
    name = binding.name
    if binding.scope.kind != "function":
        raise _refuse(f"{name} is no variable of a function, so others may use it")
    if not is_own(binding):
        raise _refuse(f"{name} is shared with other functions")
    bound = [o.node for o in binding.occurrences if o.role != "use"]
    if len(bound) > 1:
        raise _refuse(f"{name} gets a value more than once")
    assignment = bound[0].parent
    value = (
        assignment.child_by_field_name("right") if assignment is not None and assignment.type == "assignment" else None
    )
    if assignment is None or value is None or assignment.child_by_field_name("left") != bound[0]:
        raise _refuse(f"{name} gets its value by no plain assignment")
    if assignment.parent is None or assignment.parent.type != "expression_statement" or value.type == "assignment":
        raise _refuse(f"{name} gets its value together with another variable")
    statement = assignment.parent
    after = snapshot.source[statement.end_byte :].split(b"\n", 1)[0].strip()
    if indent_before(snapshot, statement.start_byte) is None or after[:1] not in (b"", b"#"):
        raise _refuse("its assignment shares the line with another statement; put it on a line of its own first")
    if any(part.type in ("yield", "await") for part in below(value)):
        raise _refuse("its value waits for others")
    if any(_text(c.child_by_field_name("function")) in _READERS and binding.scope in s.around() for c, s in walk.calls):
        raise _refuse("the function looks names up by their text")
    return value


def _why_not_there(walk: Walk, value: Node, use: Node, *, alone: bool) -> str:
    """Why the value cannot run where the variable is used; "" if it comes to the same."""
    statement = statement_of(value)
    block = statement.parent
    path = [(child, parent) for child, parent in above(use) if parent != block and block is not None
            and block.start_byte <= parent.start_byte and parent.end_byte <= block.end_byte]  # fmt: skip
    if block is None or use.start_byte < statement.end_byte or use.end_byte > block.end_byte:
        return "it may be used without having got this value"
    if any(parent.type == "interpolation" for _, parent in path) and not _fits_f_string(value):
        return "it stands in an f-string, where its value cannot be written"
    if is_constant(value):
        return ""
    return _why_not_same(walk, value, use, [parent for _, parent in path], alone=alone)


def _why_not_same(walk: Walk, value: Node, use: Node, path: list[Node], *, alone: bool) -> str:
    """Why the value may be another at the use, or run another number of times. `path`: the nodes around, below the block."""
    statement = statement_of(value)
    block = statement.parent
    kinds = {parent.type for parent in path}
    if kinds & _LATER or block is None:
        return "it is used later, when its value may be another"
    top = path[-1] if path else use
    end = top.end_byte if kinds & _LOOPS else use.start_byte
    if rebound(walk, value, statement.end_byte, end):
        return "a name in its value has another value"
    if acts_between(block, statement.end_byte, end):
        return "what runs before may change its value"
    if is_stable(walk, value) and not _can_fail(value):
        return ""
    if not alone:
        return "it is used once more, and its value may not be the same, or do something, each time"
    return _why_not_once(walk, value, use, loops=bool(kinds & _LOOPS))


def _why_not_once(walk: Walk, value: Node, use: Node, *, loops: bool) -> str:
    """Why a value that may do something cannot run where the variable is used once."""
    statement = statement_of(value)
    block = statement.parent
    if block is None or statement_of(use).parent != block or loops:
        return "it is used in some cases only, or more than once"
    if reason := why_not_first(walk, use):
        return reason
    between = acts(value) and _looks_between(block, statement.end_byte, use)
    return "what is read before it may be changed by its value" if between else ""


def _can_fail(value: Node) -> bool:
    """Whether running it elsewhere could raise an error there instead of here: all operators may."""
    return any(part.type.endswith("_operator") for part in below(value))


def _looks_between(block: Node, start: int, use: Node) -> bool:
    """Whether anything is read between the assignment and the use, which the value could change when it runs later."""
    return any(
        start < part.end_byte <= use.start_byte and part.type in ("identifier", "attribute", "subscript")
        and not _is_callee(part, use) and not _is_bound(part)
        for part in below(block)
    )  # fmt: skip


def _is_callee(part: Node, use: Node) -> bool:
    """Whether the part names the function that is called with the use, which no value changes: a plain name."""
    parent = part.parent
    return (
        parent is not None
        and parent.type == "call"
        and field_of(part) == "function"
        and parent.end_byte > use.start_byte
        and part.type == "identifier"
    )


def _is_bound(part: Node) -> bool:
    parent = part.parent
    return parent is not None and parent.type == "assignment" and field_of(part) == "left"


def _fits_f_string(value: Node) -> bool:
    text = value.text or b""
    return not any(mark in text for mark in (b"'", b'"', b"\\", b"\n", b"{", b"}", b":", b"!", b"#"))


def _without_statement(snapshot: Snapshot, value: Node) -> Replacement:
    """The assignment's lines go; a comment behind it keeps its line."""
    statement = statement_of(value)
    source = snapshot.source
    line_start = source.rfind(b"\n", 0, statement.start_byte) + 1
    line_end = source.find(b"\n", statement.end_byte)
    rest = source[statement.end_byte : line_end if line_end >= 0 else len(source)]
    if rest.strip():
        return Region(statement.start_byte, statement.end_byte + len(rest) - len(rest.lstrip())), [""]
    return Region(line_start, line_end + 1 if line_end >= 0 else len(source)), [""]


def _instead(snapshot: Snapshot, value: Node, use: Node) -> str:
    """The value as it stands in place of the use: in parentheses where it could be read another way."""
    text = str(snapshot.text(Region(value.start_byte, value.end_byte)))
    parent = use.parent
    open_place = parent is not None and parent.type in _OPEN and not (parent.type == "assignment" and "\n" in text)
    argument = parent is not None and parent.type == "argument_list" and value.type != "generator_expression"
    if value.type in BRACKETED:
        return text
    if "\n" in text and not argument:
        return f"({text})"
    if value.type in ATOMS or (
        value.type in ("integer", "float") and parent is not None and parent.type != "attribute"
    ):
        return text
    plain = value.type not in ("expression_list", "yield", "lambda")
    return text if plain and (argument or (open_place and parent is not None)) else f"({text})"


def _text(node: Node | None) -> str:
    return node.text.decode("utf-8") if node is not None and node.text is not None else ""


def _refuse(reason: str) -> Refused:
    return Refused(f"not inlined: {reason}")
