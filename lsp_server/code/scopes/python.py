"""The names of a Python file (language reference, "Naming and binding"; PEP 227, 572, 634, 695, 709)."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, ClassVar

from lsp_server.code.scopes.names import Occurrence, Role, Scope
from lsp_server.code.scopes.walk import Attribute, Keyword, Walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Node

_COMPREHENSIONS = ("list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression")
_SPLATS = ("list_splat_pattern", "dictionary_splat_pattern")


class PythonWalk(Walk):
    """Reads Python."""

    readers: ClassVar[Mapping[str, str]] = {
        "identifier": "name",
        "attribute": "attribute",
        "call": "call",
        "keyword_argument": "keyword",
        "function_definition": "function",
        "lambda": "function",
        "class_definition": "definition_of_class",
        "type_alias_statement": "type_alias",
        "for_statement": "loop",
        "assignment": "assignment",
        "augmented_assignment": "assignment",
        "named_expression": "walrus",
        "delete_statement": "deletion",
        "as_pattern": "alias",
        "import_statement": "imports",
        "import_from_statement": "imports",
        "future_import_statement": "nothing",
        "global_statement": "declaration",
        "nonlocal_statement": "declaration",
        "case_clause": "case",
        "string": "string",
        "subscript": "expression",
        "type": "expression",
    } | dict.fromkeys(_COMPREHENSIONS, "comprehension")

    def resolve(self, occurrence: Occurrence) -> Scope | None:
        start, name = occurrence.scope, occurrence.name
        declared = start.outer.get(name)
        if declared == "global":
            return self.module
        for scope in start.around():
            if scope.kind == "class" and scope is not start and not (start.kind == "types" and start.parent is scope):
                continue
            if scope.outer.get(name) == "global":
                return self.module
            if name in scope.names and not (declared == "nonlocal" and scope.kind == "module"):
                return scope
        return None

    def nothing(self, node: Node, scope: Scope, role: Role) -> None:
        """No names here."""

    def name(self, node: Node, scope: Scope, role: Role) -> None:
        self.note(node, scope, role)

    def expression(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        """What stands in a target and is no target itself."""
        self.push(node.named_children, scope)

    def attribute(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        value, name = node.child_by_field_name("object"), node.child_by_field_name("attribute")
        if value is not None and name is not None:
            self.attributes.append(Attribute(node, name, value, scope))
        self.push([value], scope)

    def call(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        self.calls.append((node, scope))
        self.push(node.named_children, scope)

    def keyword(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        name = node.child_by_field_name("name")
        call = node.parent.parent if node.parent is not None else None
        if name is not None and call is not None:
            self.keywords.append(Keyword(call, name, scope))
        self.push([node.child_by_field_name("value")], scope)

    def function(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        name = node.child_by_field_name("name")
        if name is not None:
            self.note(name, scope, "function")
        outer = self._types(node, scope)
        inner = self.scope("function", node, outer)
        parameters = node.child_by_field_name("parameters")
        for parameter in parameters.named_children if parameters is not None else ():
            self._parameter(parameter, inner, outer)
        self.push([node.child_by_field_name("return_type")], outer)
        self.push([node.child_by_field_name("body")], inner)

    def _types(self, node: Node, scope: Scope) -> Scope:
        """The scope of the type parameters around a definition, if it has any."""
        parameters = node.child_by_field_name("type_parameters")
        if parameters is None:
            return scope
        types = self.scope("types", node, scope)
        self._type_parameters(parameters, types)
        return types

    def _type_parameters(self, parameters: Node, types: Scope) -> None:
        for parameter in parameters.named_children:
            inner = next(iter(parameter.named_children), None)
            if inner is not None and inner.type == "constrained_type":
                self.push(inner.named_children[1:], types)
                name = inner.named_children[0]
                inner = next(iter(name.named_children), None)
            elif inner is not None and inner.type == "splat_type":
                inner = next(iter(inner.named_children), None)
            if inner is not None and inner.type == "identifier":
                self.note(inner, types, "type-parameter")
            else:
                self.push([inner], types)

    def _parameter(self, node: Node, inner: Scope, outer: Scope) -> None:
        """A parameter: its name is declared inside; its type and its default are read outside."""
        self.push([node.child_by_field_name("type"), node.child_by_field_name("value")], outer)
        name = node.child_by_field_name("name")
        if name is None:
            name = next(iter(node.named_children), None) if node.type in ("typed_parameter", *_SPLATS) else node
        splat = node.type in _SPLATS
        if name is not None and name.type in _SPLATS:
            name, splat = next(iter(name.named_children), None), True
        if name is not None and name.type == "identifier":
            self.note(name, inner, "splat" if splat else "parameter")

    def definition_of_class(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        name = node.child_by_field_name("name")
        if name is not None:
            self.note(name, scope, "class")
        outer = self._types(node, scope)
        self.push([node.child_by_field_name("superclasses")], outer)
        self.push([node.child_by_field_name("body")], self.scope("class", node, outer))

    def type_alias(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        inner = next(iter(left.named_children), None) if left is not None else None
        types = scope
        if inner is not None and inner.type == "generic_type":
            types = self.scope("types", node, scope)
            self._type_parameters(inner.named_children[1], types)
            inner = next(iter(inner.named_children), None)
        if inner is not None and inner.type == "identifier":
            self.note(inner, scope, "bind")
        self.push([right], types)

    def comprehension(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        inner = self.scope("comprehension", node, scope)
        first = True
        for child in node.named_children:
            if child.type == "for_in_clause":
                self.push([child.child_by_field_name("left")], inner, "bind")
                self.push(child.children_by_field_name("right"), scope if first else inner)
                first = False
            else:
                self.push([child], inner)

    def loop(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        left = node.child_by_field_name("left")
        self.push([left], scope, "bind")
        self.push((child for child in node.named_children if child != left), scope)

    def assignment(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        left = node.child_by_field_name("left")
        self.push([left], scope, "bind")
        self.push([node.child_by_field_name("type"), node.child_by_field_name("right")], scope)

    def walrus(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        name = node.child_by_field_name("name")
        if name is not None:
            self.note(name, next(s for s in scope.around() if s.kind != "comprehension"), "bind")
        self.push([node.child_by_field_name("value")], scope)

    def deletion(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        self.push(node.named_children, scope, "bind")

    def alias(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        *values, target = node.named_children
        self.push([target], scope, "bind")
        self.push(values, scope)

    def imports(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        if any(child.type == "wildcard_import" for child in node.named_children):
            self.wildcards.append(scope)
        for name in node.children_by_field_name("name"):
            if name.type == "aliased_import":
                alias = name.child_by_field_name("alias")
                if alias is not None:
                    self.note(alias, scope, "bind")
            elif name.named_children:
                self.note(name.named_children[0], scope, "import" if len(name.named_children) == 1 else "package")

    def declaration(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        kind = "global" if node.type == "global_statement" else "nonlocal"
        for name in node.named_children:
            if name.text is None:
                continue
            text = name.text.decode("utf-8")
            scope.outer[text] = kind  # type: ignore[assignment]
            scope.names.discard(text)  # a declaration may stand below a use; the walk has no order
            if kind == "global":
                self.module.names.add(text)
            self.note(name, scope, "declared")

    def case(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        consequence, guard = node.child_by_field_name("consequence"), node.child_by_field_name("guard")
        self.push([consequence, guard], scope)
        waiting = [child for child in node.named_children if child not in (consequence, guard)]
        while waiting:
            pattern = waiting.pop()
            kind, children = pattern.type, pattern.named_children
            if kind == "identifier":
                self.note(pattern, scope, "bind")
            elif kind == "dotted_name":
                self._dotted_pattern(pattern, scope)
            elif kind == "class_pattern":
                self.push(children[0].named_children[:1], scope)
                waiting += children[1:]
            elif kind == "keyword_pattern":
                waiting += children[1:]
            elif kind == "string":
                self.push([pattern], scope)
            else:
                waiting += children

    def _dotted_pattern(self, pattern: Node, scope: Scope) -> None:
        """`name` captures, unless it is `_`; `module.NAME` is looked up."""
        first = pattern.named_children[0]
        if len(pattern.named_children) > 1:
            self.note(first, scope, "use")
        elif first.text != b"_":
            self.note(first, scope, "bind")

    def string(self, node: Node, scope: Scope, role: Role) -> None:  # noqa: ARG002
        self.strings.append(node)
        self.push(
            chain.from_iterable(c.named_children for c in node.named_children if c.type == "interpolation"), scope
        )
