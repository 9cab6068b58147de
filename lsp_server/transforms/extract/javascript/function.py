"""`extract-function` in JavaScript: statements or an expression become a function below the statement of the module."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lsp_server.code.scopes.analysis import walk_of
from lsp_server.transforms.extract.javascript.flow import JavaScriptFlow, flow_of, uses_strict
from lsp_server.transforms.extract.javascript.order import looks_names_up
from lsp_server.transforms.extract.javascript.syntax import BLOCKS, FUNCTIONS, expression_at
from lsp_server.transforms.extract.javascript.variable import why_not_alone
from lsp_server.transforms.extract.naming import named, objection, placeholder
from lsp_server.transforms.extract.syntax import above, indent_before, statements_at
from lsp_server.transforms.extract.text import body_lines
from lsp_server.transforms.refactoring import Answers, Blank, Change, Refused, Replacement, rewritten
from lsp_server.types import Region, Snapshot

if TYPE_CHECKING:
    from tree_sitter import Node


def title(snapshot: Snapshot, region: Region) -> str | None:
    selected = _selected(snapshot, region)
    inside = selected is not None and any(p.type in FUNCTIONS for _, p in above(selected[0][0]))
    return "Extract into a function" if inside else None


def change(snapshot: Snapshot, region: Region, answers: Answers) -> Change:
    """See `ExtractFunction`. Raises Refused."""
    selected, walk = _selected(snapshot, region), walk_of(snapshot)
    if selected is None or walk is None:
        raise _refuse("select whole statements, or an expression")
    nodes, expression = selected
    if expression and (reason := why_not_alone(nodes[0])):
        raise _refuse(reason)
    if looks_names_up(walk, nodes[0]) or uses_strict(nodes[0]):
        raise _refuse("the file looks names up by their text, or a function is strict by itself")
    flow = flow_of(walk, [n for n in nodes if n.type != "comment"], expression=expression, refuse=_refuse)
    if flow.inputs and snapshot.language.name != "javascript":
        raise _refuse("its parameters would have no types")
    name = named(
        walk, walk.module, snapshot, answers, refuse=_refuse, proposal=placeholder(walk, walk.module, "extracted")
    )
    made = rewritten(snapshot, _replacements(snapshot, nodes, flow, name, expression), summary="extract a function")
    return replace(made, objection=objection(walk, walk.module, snapshot)) if made.gaps else made


def _selected(snapshot: Snapshot, region: Region) -> tuple[tuple[Node, ...], bool] | None:
    """The nodes, comments among them, and whether they are one expression."""
    if (expression := expression_at(snapshot, region)) is not None:
        return (expression,), True
    found = statements_at(snapshot, region, BLOCKS)
    if found is None or found.nodes[0].parent is None:
        return None
    inside = (c for c in found.nodes[0].parent.named_children
              if found.region.start <= c.start_byte and c.end_byte <= found.region.end)  # fmt: skip
    return tuple(inside), False


def _replacements(
    snapshot: Snapshot,
    nodes: tuple[Node, ...],
    flow: JavaScriptFlow,
    name: str | Blank,
    expression: bool,
) -> list[Replacement]:
    top = nodes[0]
    for _, parent in above(nodes[0]):
        top = parent if parent.type != "program" else top
    line_end = snapshot.source.find(b"\n", top.end_byte)
    rest = snapshot.source[top.end_byte : line_end if line_end >= 0 else len(snapshot.source)]
    if rest.strip():
        raise _refuse("something stands behind the end of its function; put it on a line of its own first")
    end = Region(top.end_byte + len(rest), top.end_byte + len(rest))
    unit, arguments = _unit(snapshot, nodes[0]), ", ".join(flow.inputs)
    before, after, last = _result(flow)
    call: list[str | Blank] = ["await " if flow.waits else "", name, f"({arguments})"]
    if expression:
        text = str(snapshot.text(Region(nodes[0].start_byte, nodes[0].end_byte)))
        body = f"{unit}return {text};"
        call = ["(", *call, ")"] if flow.waits else call
    else:
        body = body_lines(snapshot, nodes, unit) + (f"\n{unit}{last}" if last else "")
        call = [before, *call, after]
    head = "async function " if flow.waits else "function "
    made: Replacement = (end, [f"\n\n{head}", name, f"({arguments}) {{\n{body}\n}}"])
    return [(Region(nodes[0].start_byte, nodes[-1].end_byte), call), made]


def _result(flow: JavaScriptFlow) -> tuple[str, str, str]:
    """What stands before and after the call, and the last statement of the function."""
    names = [output.name for output in flow.outputs]
    keywords = {output.keyword for output in flow.outputs}
    if flow.returns:
        return "return ", ";", ""
    if not names:
        return "", ";", ""
    if len(names) == 1:
        keyword = keywords.pop()
        return f"{keyword} {names[0]} = " if keyword else f"{names[0]} = ", ";", f"return {names[0]};"
    if "" in keywords:
        raise _refuse(f"several variables come out of it: {', '.join(names)}")
    keyword = keywords.pop() if len(keywords) == 1 else "let"
    together = ", ".join(names)
    return f"{keyword} {{ {together} }} = ", ";", f"return {{ {together} }};"


def _unit(snapshot: Snapshot, node: Node) -> str:
    """One level of indentation, as the function around indents its body."""
    for child, parent in above(node):
        if child.type == "statement_block" and parent.type in FUNCTIONS and child.named_children:
            body = indent_before(snapshot, child.named_children[0].start_byte)
            head = indent_before(snapshot, child.end_byte - 1)
            if body and head is not None and body.startswith(head) and body != head:
                return body[len(head) :]
    return "  "


def _refuse(reason: str) -> Refused:
    return Refused(f"not extracted: {reason}")
