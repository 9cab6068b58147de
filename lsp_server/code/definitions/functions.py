"""The functions of a file: their names, parameters and bodies, whatever the language writes them as."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tree_sitter import Node

from lsp_server.code.definitions.forms import FORMS, Form
from lsp_server.code.syntax.nodes import first_child_after
from lsp_server.code.text.positions import line_around
from lsp_server.types import Region, Snapshot

_NESTED_DECLARATORS = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Parameter:
    """One parameter. `splat`: "*" or "**" (in other languages "..." counts as "*")."""

    node: Node
    name: str
    splat: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Function:
    """A function that has a body. `outer`: with its decorators, `export`, or the variable that it is set to."""

    node: Node
    outer: Node
    body: Node
    form: Form
    source: bytes
    language: str

    @cached_property
    def name(self) -> str:
        """Its own, or that of the variable or key that it is set to; "" without one."""
        for node in (self.node, self.node.parent):
            named = _declared(node, self.form) if node is not None else None
            if named is not None:
                return text_of(named)
        return ""

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """All but the object itself, in order."""
        held = field_of(self.node, "parameters")
        single = self.node.child_by_field_name("parameter")
        nodes = [single] if single is not None else held.named_children if held is not None else []
        found = [p for node in nodes if node.type in self.form.parameter_kinds for p in _parameters(node, self.form)]
        return tuple(
            p for i, p in enumerate(found) if not (i == 0 and self.is_method and p.name in self.form.receivers)
        )

    @property
    def returns(self) -> Node | None:
        """Its return type."""
        return field_of(self.node, self.form.returns)

    @cached_property
    def is_method(self) -> bool:
        """Whether it stands in a class."""
        return self.holder is not None

    @cached_property
    def holder(self) -> Node | None:
        """The class whose method it is."""
        node = self.outer.parent
        for _ in range(2):  # a class and its body
            if node is not None and node.type in self.form.classes:
                return node
            node = node.parent if node is not None else None
        return None

    @cached_property
    def docstring(self) -> Node | None:
        """The string that is the first statement of a Python function."""
        if self.language != "python":
            return None
        first = next((child for child in self.body.named_children if child.type != "comment"), None)
        if first is None or first.type != "expression_statement" or first.named_child_count != 1:
            return None
        return first if first.named_children[0].type in ("string", "concatenated_string") else None

    @property
    def header(self) -> Region:
        """From its first decorator to where its body begins."""
        return Region(self.outer.start_byte, self.body.start_byte)

    @cached_property
    def indent(self) -> str:
        """The white space before its first line."""
        return indent_at(self.source, self.outer.start_byte)


def functions(snapshot: Snapshot) -> Iterator[Function]:
    """Every function of the file that has a body and no syntax error in its header, outer ones first."""
    form = FORMS.get(snapshot.language.name)
    if form is None or snapshot.tree is None:
        return
    waiting = [snapshot.tree.root_node]
    while waiting:
        node = waiting.pop()
        if (found := _function(node, form, snapshot)) is not None:
            yield found
        waiting += reversed(node.named_children)


def function_at(snapshot: Snapshot, region: Region) -> Function | None:
    """The innermost function that holds `region`, its decorators and the line of its header included."""
    form = FORMS.get(snapshot.language.name)
    if form is None or snapshot.tree is None:
        return None
    region, line = _on_text(snapshot.source, region), line_around(snapshot.source, region.start)
    node: Node | None = snapshot.tree.root_node
    best: Function | None = None
    while node is not None and node.start_byte <= region.start:
        found = _function(node, form, snapshot)
        if found is None and node.type in form.wrappers:
            found = next((f for child in node.named_children if (f := _function(child, form, snapshot))), None)
        if found is not None and region.end <= max(found.outer.end_byte, line.end + 1):
            best = found
        node = first_child_after(node, region.start)
    return best


def class_at(snapshot: Snapshot, region: Region) -> Node | None:
    """The innermost class that holds `region`."""
    form = FORMS.get(snapshot.language.name)
    node: Node | None = snapshot.tree.root_node if snapshot.tree is not None else None
    best, region = None, _on_text(snapshot.source, region)
    while form is not None and node is not None and node.start_byte <= region.start:
        if node.type in form.classes and region.end <= node.end_byte + 1:
            best = node
        node = first_child_after(node, region.start)
    return best


def text_of(node: Node) -> str:
    """The node's text."""
    return (node.text or b"").decode("utf-8", "replace")


def field_of(node: Node, name: str) -> Node | None:
    """The child in the field `name`, of the node or of its declarators."""
    at: Node | None = node
    for _ in range(_NESTED_DECLARATORS):
        if at is None:
            return None
        found = at.child_by_field_name(name)
        if found is not None:
            return found
        at = at.child_by_field_name("declarator")
    return None


def indent_at(source: bytes, offset: int) -> str:
    """The white space that the line of byte `offset` begins with."""
    line = source[line_around(source, offset).start : offset].decode("utf-8", "replace")
    return line[: len(line) - len(line.lstrip(" \t"))]


def _on_text(source: bytes, region: Region) -> Region:
    """The region from a word on: a cursor on the indentation means what the line begins with, one at its end that end."""
    line = line_around(source, region.start)
    before, behind = source[line.start : region.start], source[region.start : line.end]
    start = region.start
    if not before.strip() and behind.strip():
        start += len(behind) - len(behind.lstrip())
    elif not behind.strip() and before.strip():
        start = line.start + len(before.rstrip()) - 1
    return Region(start, max(start, region.end))


def _function(node: Node, form: Form, snapshot: Snapshot) -> Function | None:
    if node.type not in form.functions:
        return None
    body = node.child_by_field_name("body")
    if body is None or body.type not in form.blocks:
        return None
    outer = node
    while outer.parent is not None and outer.parent.type in form.wrappers:
        outer = outer.parent
    if any(child.is_error or child.is_missing for child in node.children):
        return None
    return Function(
        node=node, outer=outer, body=body, form=form, source=snapshot.source, language=snapshot.language.name
    )


def _declared(node: Node, form: Form) -> Node | None:
    """The node that names what `node` declares."""
    named = node.child_by_field_name("name") or node.child_by_field_name("key")
    at: Node | None = node
    while named is None and at is not None:
        at = at.child_by_field_name("declarator")
        if at is not None and at.type in form.names:
            named = at
    return named


def _parameters(node: Node, form: Form) -> Iterator[Parameter]:
    """The parameters that a node stands for: in Go several."""
    inner = node.child_by_field_name("pattern") or node.child_by_field_name("left") or node
    kinds = {"list_splat_pattern": "*", "dictionary_splat_pattern": "**", "rest_pattern": "*", "spread_parameter": "*",
             "variadic_parameter_declaration": "*"}  # fmt: skip
    splat = kinds.get(inner.type, "")
    if not splat and inner.named_children:
        splat = kinds.get(inner.named_children[0].type, "") if inner.type == "typed_parameter" else ""
    names = node.children_by_field_name("name") or [inner]
    for name in names:
        found = _named(name, form)
        if found is not None:
            yield Parameter(node=node, name=text_of(found), splat=splat)


def _named(node: Node, form: Form) -> Node | None:
    """The name in a parameter, before its type and default."""
    if node.type in form.names or node.type in ("self", "this"):
        return node
    held = node.child_by_field_name("declarator")
    children = [held] if held is not None else node.named_children
    skipped = {node.child_by_field_name("type"), node.child_by_field_name("value")}
    for child in children:
        if child not in skipped and (found := _named(child, form)) is not None:
            return found
    return None
