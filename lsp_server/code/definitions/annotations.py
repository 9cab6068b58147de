"""Where types are missing in functions and classes of Python and TypeScript, and how each is written there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from lsp_server.code.definitions.bodies import missing_body
from lsp_server.code.definitions.functions import Function, Parameter, text_of
from lsp_server.types import Region

_RETURNS_NOTHING = frozenset({"__init__", "__init_subclass__", "__setattr__", "__delattr__", "__set_name__"})
_TESTED = re.compile(r"(?:NamedTuple|Enum|TypedDict|Flag|Model|Structure)\b")
_OWN_SCOPES = frozenset({"function_definition", "lambda", "class_definition"})
_BARE = frozenset({"identifier", "property_identifier", "private_property_identifier"})


@dataclass(frozen=True, kw_only=True)
class Untyped:
    """A place for a type. `region` gives way to `before`, the type with its `lead` (": " or " -> "), `after`.

    `fixed`: the only type there can be; "" where that has to be found out. `what`: of which the type is.
    """

    region: Region
    lead: str
    what: str
    before: str = ""
    after: str = ""
    fixed: str = ""


def untyped(function: Function) -> Iterator[Untyped]:
    """The parameters and the return value without a type, in the order of the file."""
    if function.language == "python":
        yield from (place for p in function.parameters if (place := _python_parameter(p)) is not None)
        if function.returns is None and (held := function.node.child_by_field_name("parameters")) is not None:
            yield Untyped(region=Region(held.end_byte, held.end_byte), lead=" -> ", what=f"what {function.name} returns",
                          fixed="None" if _returns_nothing(function) else "")  # fmt: skip
    elif function.language in ("typescript", "tsx"):
        yield from _typescript(function)


def untyped_attributes(holder: Node, language: str) -> Iterator[Untyped]:
    """The attributes of a class without a type that may get one without a change of what the class is."""
    body = holder.child_by_field_name("body")
    if body is None:
        return
    if language in ("typescript", "tsx"):
        for field in body.named_children:
            at = field.child_by_field_name("name")
            if field.type == "public_field_definition" and at is not None and not field.child_by_field_name("type"):
                yield Untyped(region=Region(at.end_byte, at.end_byte), lead=": ", what=text_of(at))
        return
    known = {name for name, _ in _assigned(body, typed=True)}
    for name, left in _assigned(body, typed=False):
        own = name.startswith("self.") or _is_plain(holder)
        if own and name not in known and not name.endswith("__"):
            known.add(name)
            yield Untyped(region=Region(left.end_byte, left.end_byte), lead=": ", what=name)


def _python_parameter(parameter: Parameter) -> Untyped | None:
    node = parameter.node
    if node.type in ("identifier", "list_splat_pattern", "dictionary_splat_pattern"):
        return Untyped(region=Region(node.end_byte, node.end_byte), lead=": ", what=parameter.name)
    name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
    if node.type == "default_parameter" and name is not None and value is not None and name.type == "identifier":
        region = Region(name.end_byte, value.start_byte)
        return Untyped(region=region, lead=": ", what=parameter.name, after=" = ")
    return None


def _returns_nothing(function: Function) -> bool:
    """Whether the function can return nothing but None: it has a body, and no `return` with a value nor a `yield`."""
    if function.name in _RETURNS_NOTHING:
        return True
    if (
        missing_body(function) is not None
        or b"abstract" in function.source[function.header.start : function.header.end]
    ):
        return False
    raising = [c for c in function.body.named_children if c.type not in ("comment", "expression_statement")]
    if raising and raising[-1].type == "raise_statement":
        return False
    waiting = list(function.body.named_children)
    while waiting:
        node = waiting.pop()
        if node.type == "yield" or (node.type == "return_statement" and node.named_child_count):
            return False
        if node.type not in _OWN_SCOPES:
            waiting += node.named_children
    return True


def _typescript(function: Function) -> Iterator[Untyped]:
    single = function.node.child_by_field_name("parameter")
    if single is not None:
        region = Region(single.start_byte, single.end_byte)
        name = text_of(single)
        yield Untyped(region=region, lead=": ", what=name, before=f"({name}", after=")")
        return
    held = function.node.child_by_field_name("parameters")
    for node in held.named_children if held is not None else ():
        pattern = node.child_by_field_name("pattern")
        if pattern is None or node.child_by_field_name("type") is not None or text_of(pattern) == "this":
            continue
        value = node.child_by_field_name("value")
        end = pattern.end_byte + (node.type == "optional_parameter")
        name = text_of(pattern).removeprefix("...")
        if value is None:
            yield Untyped(region=Region(end, end), lead=": ", what=name)
        else:
            yield Untyped(region=Region(end, value.start_byte), lead=": ", what=name, after=" = ")
    if held is not None and function.returns is None and not _sets(function):
        yield Untyped(region=Region(held.end_byte, held.end_byte), lead=": ", what=f"what {function.name} returns")


def _sets(function: Function) -> bool:
    """Whether it is a constructor or a setter: these have no return type."""
    return function.name == "constructor" or any(child.type == "set" for child in function.node.children)


def _is_plain(holder: Node) -> bool:
    """Whether a type makes no field of a class attribute: neither decorators nor bases give types a meaning."""
    decorated = holder.parent is not None and holder.parent.type == "decorated_definition"
    bases = holder.child_by_field_name("superclasses")
    return not decorated and (bases is None or not _TESTED.search(text_of(bases)))


def _assigned(body: Node, *, typed: bool) -> Iterator[tuple[str, Node]]:
    """(name, what is assigned to) of the class's own attributes, and of those that its `__init__` sets at its top level."""
    for statement in body.named_children:
        yield from _assignments(statement, typed=typed, of_self=False)
        inner = statement.child_by_field_name("definition") or statement
        name, block = inner.child_by_field_name("name"), inner.child_by_field_name("body")
        if (
            inner.type == "function_definition"
            and name is not None
            and text_of(name) == "__init__"
            and block is not None
        ):
            for line in block.named_children:
                yield from _assignments(line, typed=typed, of_self=True)


def _assignments(statement: Node, *, typed: bool, of_self: bool) -> Iterator[tuple[str, Node]]:
    for node in statement.named_children if statement.type == "expression_statement" else ():
        left = node.child_by_field_name("left")
        if node.type != "assignment" or left is None or (node.child_by_field_name("type") is not None) != typed:
            continue
        if left.type == "attribute" if of_self else left.type in _BARE:
            name = text_of(left)
            right = node.child_by_field_name("right")
            chained = right is not None and right.type == "assignment"
            if not chained and (not of_self or name.startswith("self.")):
                yield name, left
