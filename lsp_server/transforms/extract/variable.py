"""The refactoring `extract-variable`: an expression gets a name; the same expression below takes it, too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lsp_server.code.scopes.analysis import walk_of
from lsp_server.transforms.extract.effects import acts_between, is_stable, rebound, why_not_first
from lsp_server.transforms.extract.javascript import variable as javascript
from lsp_server.transforms.extract.javascript.syntax import LANGUAGES
from lsp_server.transforms.extract.naming import named, objection, placeholder
from lsp_server.transforms.extract.syntax import (
    BRACKETED,
    above,
    below,
    expression_at,
    indent_before,
    statement_of,
    words,
)
from lsp_server.transforms.refactoring import Answers, Blank, Change, Refused, Replacement, rewritten
from lsp_server.types import Region, Snapshot

if TYPE_CHECKING:
    from tree_sitter import Node

    from lsp_server.code.scopes.names import Scope
    from lsp_server.code.scopes.walk import Walk


@dataclass(frozen=True, kw_only=True)
class ExtractVariable:
    """The answer `name` is the variable's."""

    name: str = "extract-variable"
    kind: str = "refactor.extract.variable"

    def title(self, snapshot: Snapshot, region: Region) -> str | None:
        if snapshot.language.name in LANGUAGES:
            return javascript.title(snapshot, region)
        if snapshot.language.name != "python":
            return None
        node = expression_at(snapshot, region)
        return "Extract into a variable" if node is not None and not why_not(snapshot, node) else None

    def change(self, snapshot: Snapshot, region: Region, *, answers: Answers) -> Change:
        if snapshot.language.name in LANGUAGES:
            return javascript.change(snapshot, region, answers)
        node = expression_at(snapshot, region) if snapshot.language.name == "python" else None
        if node is None:
            raise _refuse("select an expression, all of it and nothing else")
        if reason := why_not(snapshot, node):
            raise _refuse(reason)
        walk = walk_of(snapshot)
        assert walk is not None, "there is a tree"
        if reason := why_not_first(walk, node):
            raise _refuse(reason)
        scope = scope_at(walk, node)
        if scope.kind == "class":
            raise _refuse("it would become an attribute of the class")
        return _extracted(snapshot, walk, node, scope, answers)


def why_not(snapshot: Snapshot, node: Node) -> str:
    """Why the place does not allow it, as far as the nearest nodes tell."""
    statement = statement_of(node)
    if node.type == "identifier":
        return "it is a name already"
    if (
        statement.type == "expression_statement"
        and node.type in ("string", "concatenated_string")
        and node.parent == statement
    ):
        return "it is a docstring, or of no use"
    if indent_before(snapshot, statement.start_byte) is None:
        return "its statement shares the line with another one; put it on a line of its own first"
    return ""


_ELSEWHERE = words(
    """function_definition lambda class_definition delete_statement type type_alias_statement concatenated_string interpolation
    list_comprehension set_comprehension dictionary_comprehension generator_expression"""
)
"""Where the same text runs at another time, or is no expression."""
_LOOPS = words("for_statement while_statement")


def scope_at(walk: Walk, node: Node) -> Scope:
    """The innermost scope in which statements at the node run."""
    statement = statement_of(node)
    block = statement.parent
    around = [s for s in walk.scopes if s.kind in ("module", "function", "class")]
    inside = [
        s
        for s in around
        if block is not None and s.node.start_byte <= block.start_byte and block.end_byte <= s.node.end_byte
    ]
    return max(inside, key=lambda s: (s.node.start_byte, -s.node.end_byte), default=walk.module)


def _extracted(snapshot: Snapshot, walk: Walk, node: Node, scope: Scope, answers: Answers) -> Change:
    statement = statement_of(node)
    indent = indent_before(snapshot, statement.start_byte) or ""
    name = named(walk, scope, snapshot, answers, refuse=_refuse, proposal=placeholder(walk, scope, "value"))
    text = str(snapshot.text(Region(node.start_byte, node.end_byte)))
    if "\n" in text and node.type not in BRACKETED:
        text = f"({text})"
    start = Region(statement.start_byte, statement.start_byte)
    others = _same_below(walk, node) if is_stable(walk, node) else []
    replacements: list[Replacement] = [(start, [name, f" = {text}\n{indent}"])]
    replacements += [(Region(n.start_byte, n.end_byte), _instead(n, name)) for n in (node, *others)]
    if statement.start_byte == node.start_byte:  # both begin at one place: one replacement does both
        replacements[:2] = [(replacements[1][0], [*replacements[0][1], *replacements[1][1]])]
    change = rewritten(snapshot, replacements, summary="extract a variable")
    return replace(change, objection=objection(walk, scope, snapshot)) if change.gaps else change


def _instead(node: Node, name: str | Blank) -> list[str | Blank]:
    """The name in place of the node; of a lone generator's, which shares the parentheses of its call, in its own."""
    shares = node.type == "generator_expression" and node.parent is not None and node.parent.type == "call"
    return ["(", name, ")"] if shares else [name]


def _same_below(walk: Walk, node: Node) -> list[Node]:
    """The same expressions that run after the node in its block, and with the same values."""
    statement = statement_of(node)
    block = statement.parent
    found: list[Node] = []
    if block is None:
        return found
    for other in below(block):
        if other.type != node.type or other.start_byte < node.end_byte or other.text != node.text:
            continue
        path = [other, *(p for _, p in above(other) if p.start_byte >= statement.start_byte and p != block)]
        end, kinds = max(path[-1].end_byte, statement.end_byte), {p.type for p in path}
        before_it = end if kinds & _LOOPS else other.start_byte  # the end of a round comes before the next one
        if (
            not rebound(walk, node, statement.start_byte, end)
            and not _ELSEWHERE & kinds
            and not acts_between(block, node.end_byte, before_it)
        ):
            found.append(other)
    return found


def _refuse(reason: str) -> Refused:
    return Refused(f"not extracted: {reason}")
