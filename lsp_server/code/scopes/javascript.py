"""The names of a JavaScript or TypeScript file (ECMA-262, "Environment Records"; hoisting as in strict code).

Types and values share their names here: where both have one, both are renamed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lsp_server.code.scopes.names import Role, Scope
from lsp_server.code.scopes.typescript import TypeWalk
from lsp_server.code.scopes.walk import Attribute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Node

_FUNCTIONS = (
    "function_declaration generator_function_declaration function_expression generator_function arrow_function "
    "method_definition function_signature method_signature abstract_method_signature function_type constructor_type "
    "call_signature construct_signature"
)
_NAMED_INSIDE = frozenset({"function_expression", "generator_function"})
_CLASSES = "class_declaration class abstract_class_declaration"


class JavaScriptWalk(TypeWalk):
    """Reads JavaScript, TypeScript, and JSX in either."""

    readers: ClassVar[Mapping[str, str]] = (
        {
            "identifier": "name",
            "type_identifier": "name",
            "shorthand_property_identifier": "shorthand",
            "shorthand_property_identifier_pattern": "shorthand_pattern",
            "member_expression": "member",
            "jsx_opening_element": "element",
            "jsx_self_closing_element": "element",
            "jsx_closing_element": "element",
            "lexical_declaration": "declaration",
            "variable_declaration": "declaration",
            "for_in_statement": "loop",
            "for_statement": "block",
            "statement_block": "block",
            "switch_body": "block",
            "class_static_block": "static_block",
            "catch_clause": "catch",
            "assignment_pattern": "default",
            "object_assignment_pattern": "default",
            "pair_pattern": "pair",
            "computed_property_name": "expression",
            "subscript_expression": "expression",
            "import_statement": "imports",
            "export_specifier": "exported",
            "string": "string",
            "template_string": "template",
            "call_expression": "call",
            "with_statement": "dynamic",
        }
        | dict.fromkeys(_FUNCTIONS.split(), "function")
        | dict.fromkeys(_CLASSES.split(), "definition_of_class")
        | dict(TypeWalk.readers)
    )

    def name(self, node: Node, scope: Scope, role: Role) -> None:
        self.note(node, scope, role)

    def expression(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        self.push(node.named_children, scope)

    def shorthand(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        self.note(node, scope, "shorthand")

    def shorthand_pattern(self, node: Node, scope: Scope, role: Role) -> None:
        self.note(node, scope, "shorthand" if role == "use" else "shorthand-bind")

    def member(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        value, name = node.child_by_field_name("object"), node.child_by_field_name("property")
        if value is not None and name is not None:
            self.attributes.append(Attribute(node, name, value, scope))
        self.push([value], scope)

    def element(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        """`<Name …>`: a name in lower case is a tag's, and no name of the file."""
        name = node.child_by_field_name("name")
        if name is not None and not (name.type == "identifier" and (name.text or b"")[:1].islower()):
            self.push([name], scope)
        self.push([child for child in node.named_children if child != name], scope)

    def declaration(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        where = scope.function if node.type == "variable_declaration" else scope
        for declarator in node.named_children:
            if declarator.type != "variable_declarator":
                self.push([declarator], scope)
                continue
            self._pattern(declarator.child_by_field_name("name"), where, scope)
            self.push([declarator.child_by_field_name("type"), declarator.child_by_field_name("value")], scope)

    def _pattern(self, node: Node | None, where: Scope, scope: Scope, role: Role = "bind") -> None:
        """Names that a pattern declares in `where`; its defaults and computed keys are read in `scope`."""
        waiting = [node] if node is not None else []
        while waiting:
            part = waiting.pop()
            if part.type in ("identifier", "shorthand_property_identifier_pattern"):
                self.note(part, where, "shorthand-bind" if part.type.startswith("short") else role)
            elif part.type in ("assignment_pattern", "object_assignment_pattern"):
                left = part.child_by_field_name("left")
                waiting += [left] if left is not None else []
                self.push([part.child_by_field_name("right")], scope)
            elif part.type == "pair_pattern":
                value = part.child_by_field_name("value")
                waiting += [value] if value is not None else []
                self.push([part.child_by_field_name("key")], scope)
            elif part.type in ("object_pattern", "array_pattern", "rest_pattern"):
                waiting += part.named_children
            else:
                self.push([part], scope)

    def default(self, node: Node, scope: Scope, role: Role) -> None:
        self.push([node.child_by_field_name("left")], scope, role)
        self.push([node.child_by_field_name("right")], scope)

    def pair(self, node: Node, scope: Scope, role: Role) -> None:
        self.push([node.child_by_field_name("key")], scope)
        self.push([node.child_by_field_name("value")], scope, role)

    def loop(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        inner = self.scope("block", node, scope)
        kind, left = node.child_by_field_name("kind"), node.child_by_field_name("left")
        if kind is None:
            self.push([left], inner)
        else:
            self._pattern(left, scope.function if kind.text == b"var" else inner, inner)
        self.push([node.child_by_field_name("right"), node.child_by_field_name("body")], inner)

    def block(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        self.push(node.named_children, self.scope("block", node, scope))

    def static_block(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        self.push(node.named_children, self.scope("function", node, scope))

    def catch(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        inner = self.scope("block", node, scope)
        self._pattern(node.child_by_field_name("parameter"), inner, inner)
        self.push([node.child_by_field_name("type"), node.child_by_field_name("body")], inner)

    def function(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        name = node.child_by_field_name("name")
        if name is not None and name.type == "identifier":
            if node.type in _NAMED_INSIDE:
                scope = self.scope("block", node, scope)
            self.note(name, scope, "function")
        elif name is not None:
            self.push([name], scope)
        inner = self.scope("function", node, scope)
        self._pattern(node.child_by_field_name("parameter"), inner, inner, "parameter")
        parameters = node.child_by_field_name("parameters")
        for parameter in parameters.named_children if parameters is not None else ():
            pattern = parameter.child_by_field_name("pattern")
            self.push([parameter.child_by_field_name("type"), parameter.child_by_field_name("value")], inner)
            if parameter.type in ("required_parameter", "optional_parameter"):
                self.push([c for c in parameter.named_children if c.type == "decorator"], scope)
                self._pattern(pattern, inner, inner, "parameter")
            else:
                self._pattern(parameter, inner, inner, "parameter")
        fields = ("name", "parameter", "parameters", "body")
        known = [node.child_by_field_name(field) for field in fields]
        self.push([child for child in node.named_children if child not in known], inner)
        body = node.child_by_field_name("body")
        # Names of parameters and of the body's own block may not meet in `let`, so one scope does for both.
        self.push(body.named_children if body is not None and body.type == "statement_block" else [body], inner)

    def definition_of_class(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        name = node.child_by_field_name("name")
        if name is not None:
            if node.type == "class":
                scope = self.scope("block", node, scope)
            self.note(name, scope, "class")
        inner = self.scope("class", node, scope)
        self.push([child for child in node.named_children if child != name], inner)

    def imports(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        waiting = [child for child in node.named_children if child.type not in ("string", "import_attribute")]
        while waiting:
            part = waiting.pop()
            if part.type == "import_specifier":
                name, alias = part.child_by_field_name("name"), part.child_by_field_name("alias")
                if alias is not None:
                    self.note(alias, scope, "bind")
                elif name is not None:
                    self.note(name, scope, "import")
            elif part.type == "identifier":
                self.note(part, scope, "bind")
            elif part.type != "string":
                waiting += part.named_children

    def exported(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        statement = node.parent.parent if node.parent is not None else None
        if statement is not None and statement.child_by_field_name("source") is not None:
            return  # `export {a} from "b"`: names of the other file
        name, alias = node.child_by_field_name("name"), node.child_by_field_name("alias")
        if name is not None and name.type == "identifier":
            self.note(name, scope, "use" if alias is not None else "export")

    def string(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        self.strings.append(node)

    def template(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        self.push(node.named_children, scope)

    def call(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        self.calls.append((node, scope))
        self.push(node.named_children, scope)

    def dynamic(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        self.wildcards.append(scope)
        self.push(node.named_children, scope)
