"""The names of TypeScript's types: interfaces, aliases, enums, namespaces and type parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lsp_server.code.scopes.names import Role, Scope
from lsp_server.code.scopes.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Node


class TypeWalk(Walk):
    """Reads what JavaScript does not have."""

    readers: ClassVar[Mapping[str, str]] = {
        "interface_declaration": "definition_of_type",
        "type_alias_declaration": "definition_of_type",
        "nested_type_identifier": "nested_type",
        "nested_identifier": "nested_type",
        "enum_declaration": "enumeration",
        "internal_module": "namespace",
        "type_parameter": "type_parameter",
        "infer_type": "inferred",
        "mapped_type_clause": "mapped",
        "index_signature": "signature",
        "labeled_tuple_element": "nothing_named",
    }

    def nested_type(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        """`A.B.C`: only the first is a name."""
        self.push(node.named_children[:1], scope)

    def definition_of_type(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        name = node.child_by_field_name("name")
        if name is not None:
            self.note(name, scope, "class")
        self.push([child for child in node.named_children if child != name], self.scope("types", node, scope))

    def enumeration(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is not None:
            self.note(name, scope, "class")
        inner = self.scope("types", node, scope)
        for member in body.named_children if body is not None else ():
            word = member.child_by_field_name("name") if member.type == "enum_assignment" else member
            if word is not None and word.type == "property_identifier":
                self.note(word, inner, "declared")
            self.push([member.child_by_field_name("value")], inner)

    def namespace(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is not None and name.type == "identifier":
            self.note(name, scope, "class")
        inner = self.scope("function", node, scope)
        self.push(body.named_children if body is not None else (), inner)

    def type_parameter(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        name = node.child_by_field_name("name")
        if name is not None:
            self.note(name, scope, "type-parameter")
        self.push([child for child in node.named_children if child != name], scope)

    def inferred(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        for child in node.named_children[:1]:
            self.note(child, scope, "type-parameter")
        self.push(node.named_children[1:], scope)

    def mapped(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        name = node.child_by_field_name("name")
        if name is not None:
            self.note(name, scope, "type-parameter")
        self.push([child for child in node.named_children if child != name], scope)

    def signature(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        inner = self.scope("types", node, scope)
        name = node.child_by_field_name("name")
        if name is not None and name.type == "identifier":
            self.note(name, inner, "parameter")
        self.push([child for child in node.named_children if child != name], inner)

    def nothing_named(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        self.push(node.named_children[1:], scope)
