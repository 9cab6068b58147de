"""The refactoring `extract-function`: statements or an expression become a function of the module, called in their place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lsp_server.code.scopes.analysis import walk_of
from lsp_server.transforms.extract.flow import Flow, flow_of
from lsp_server.transforms.extract.javascript import function as javascript
from lsp_server.transforms.extract.javascript.syntax import LANGUAGES
from lsp_server.transforms.extract.naming import named, objection, placeholder
from lsp_server.transforms.extract.syntax import above, expression_at, indent_before, statements_at
from lsp_server.transforms.extract.text import body_lines, unit_of
from lsp_server.transforms.refactoring import Answers, Blank, Change, Refused, Replacement, rewritten
from lsp_server.types import Region, Snapshot

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True, kw_only=True)
class ExtractFunction:
    """The answer `name` is the function's. Its parameters keep the names that they have as variables."""

    name: str = "extract-function"
    kind: str = "refactor.extract.function"

    def title(self, snapshot: Snapshot, region: Region) -> str | None:
        if snapshot.language.name in LANGUAGES:
            return javascript.title(snapshot, region)
        if snapshot.language.name != "python" or region.start == region.end:
            return None
        nodes = _selected(snapshot, region)
        inside = nodes is not None and any(p.type == "function_definition" for _, p in above(nodes[0]))
        return "Extract into a function above" if inside else None

    def change(self, snapshot: Snapshot, region: Region, *, answers: Answers) -> Change:
        if snapshot.language.name in LANGUAGES:
            return javascript.change(snapshot, region, answers)
        nodes = _selected(snapshot, region) if snapshot.language.name == "python" else None
        if nodes is None:
            raise _refuse("select whole statements of one block, or one expression")
        walk = walk_of(snapshot)
        assert walk is not None, "there is a tree"
        flow = flow_of(walk, nodes, refuse=_refuse)
        name = named(
            walk, walk.module, snapshot, answers, refuse=_refuse, proposal=placeholder(walk, walk.module, "extracted")
        )
        body = _body(snapshot, nodes, flow)
        place = _place(snapshot, nodes[0])
        asynchronous = "async " if flow.waits else ""
        header: list[str | Blank] = [f"{asynchronous}def ", name, f"({', '.join(flow.inputs)}):\n{body}\n\n\n"]
        region = Region(nodes[0].start_byte, nodes[-1].end_byte)
        replacements: list[Replacement] = [(Region(place, place), header), (region, _call(flow, name))]
        change = rewritten(snapshot, replacements, summary="extract a function")
        return replace(change, objection=objection(walk, walk.module, snapshot)) if change.gaps else change


def _selected(snapshot: Snapshot, region: Region) -> tuple[Node, ...] | None:
    statements = statements_at(snapshot, region)
    if statements is not None:
        first = statements.nodes[0]
        return statements.nodes if indent_before(snapshot, first.start_byte) is not None else None
    expression = expression_at(snapshot, region)
    return (expression,) if expression is not None else None


def _body(snapshot: Snapshot, nodes: tuple[Node, ...], flow: Flow) -> str:
    """The lines of the function's body, without a line end at last."""
    unit = unit_of(snapshot, nodes[0])
    text = str(snapshot.text(Region(nodes[0].start_byte, nodes[-1].end_byte)))
    if flow.expression:
        return f"{unit}return ({text})" if "\n" in text else f"{unit}return {text}"
    lines = body_lines(snapshot, nodes, unit)
    if flow.outputs:
        lines += f"\n{unit}return {', '.join(flow.outputs)}"
    return lines


def _call(flow: Flow, name: str | Blank) -> list[str | Blank]:
    wait = "await " if flow.waits else ""
    inputs = f"({', '.join(flow.inputs)})"
    if flow.expression:
        return ["(", wait, name, f"{inputs})"] if wait else [name, inputs]
    if flow.returns:
        return [f"return {wait}", name, inputs]
    return [f"{', '.join(flow.outputs)} = {wait}" if flow.outputs else wait, name, inputs]


def _place(snapshot: Snapshot, node: Node) -> int:
    """Where the top-level statement around begins, with the comments right above it."""
    top = node
    while top.parent is not None and top.parent.parent is not None:
        top = top.parent
    start = top.start_byte
    while (line := snapshot.source[: start - 1 if start else 0].rpartition(b"\n")[2]).startswith(b"#") and start:
        start -= len(line) + 1
    return start


def _refuse(reason: str) -> Refused:
    return Refused(f"not extracted: {reason}")
