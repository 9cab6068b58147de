"""Attributes of Python classes: `self.x`, `cls.x`, `Class.x`, and what the class body defines."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from lsp_server.code.scopes.names import Binding, Scope
from lsp_server.transforms.rename.plan import Plan, Spot, line_of, refuse, spots_of, text_of
from lsp_server.types import Region

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tree_sitter import Node

    from lsp_server.code.scopes.walk import Attribute, Walk

_PLAIN_BASES = frozenset(
    {"object", "ABC", "Exception", "ValueError", "TypeError", "RuntimeError", "KeyError", "OSError"}
)


def class_of_self(walk: Walk, receiver: Node) -> Scope | None:
    """The scope of the class of which the receiver of an attribute is an object, or which it is; None if that is unknown."""
    if receiver.type == "call" and text_of(receiver.child_by_field_name("function")) == "super":
        place = next((scope for call, scope in walk.calls if call == receiver), walk.module)
        return next((s for s in place.around() if s.kind == "class"), None)
    binding = walk.binding_at(receiver)
    if binding is None:
        return None
    return _scope_named(walk, binding) if binding.has("class") else _class_of_first_parameter(binding)


def _class_of_first_parameter(binding: Binding) -> Scope | None:
    """The class, if the binding is the first parameter of one of its methods, and stays what it is."""
    method, first = binding.scope, binding.scope.node.child_by_field_name("parameters")
    if method.kind != "function" or method.parent is None or method.parent.kind != "class" or first is None:
        return None
    head = first.named_children[:1]
    is_first = binding.occurrences[0].node in [*head, *(child for node in head for child in node.named_children[:1])]
    return method.parent if is_first and not binding.has("bind") and not _is_static(method.node) else None


def attribute_plan(walk: Walk, owner: Scope, name: str, *, only_here: bool) -> Plan:
    """The places of the attribute `name` of a class. Raises Refused."""
    family = _family(walk, owner)
    bindings = [b for b in walk.names.bindings if b.name == name and b.scope in family]
    _check(walk, family, bindings, name, only_here=only_here)
    spots = list(chain.from_iterable(map(spots_of, bindings)))
    for attribute in walk.attributes:
        if text_of(attribute.name) != name:
            continue
        receiver = class_of_self(walk, attribute.object)
        if receiver in family:
            spots.append(Spot(Region(attribute.name.start_byte, attribute.name.end_byte)))
        elif receiver is None and not _is_module(walk, attribute):
            raise refuse(f"whose .{name} line {line_of(attribute.name)} means cannot be told from the file")
    return Plan(old=name, spots=tuple(sorted(spots)), attributes=True)


def _check(walk: Walk, family: list[Scope], bindings: list[Binding], name: str, *, only_here: bool) -> None:
    if name.startswith("__"):
        raise refuse(f"{name} has a meaning of its own to Python, or another name outside of the class")
    if any(b.has("import", "package") for b in bindings):
        raise refuse(f"{name} is imported into the class")
    if any(_content(string) == name for string in walk.strings):
        line = next(line_of(string) for string in walk.strings if _content(string) == name)
        raise refuse(f"{name} stands in a string in line {line}, which may mean it")
    if any(text_of(node) == name for node in _pattern_words(walk.root)):
        raise refuse(f"a pattern of a `case` asks for {name}=…, of whatever class")
    decorated = [s for s in family if s.node.parent is not None and s.node.parent.type == "decorated_definition"]
    fields = [o for b in bindings for o in b.occurrences if o.role == "bind" and b.scope in decorated]
    if fields:
        raise refuse(f"a decorator of the class may read its attributes, {name} among them")
    if only_here:
        return
    if not name.startswith("_"):
        raise refuse(f"other files can use .{name}; rename it with --in-this-file if none does")
    strange = next((base for scope in family for base in _bases(scope) if not _is_known(walk, base, family)), None)
    if strange is not None:
        raise refuse(
            f"{name} may be an attribute of {text_of(strange)}, too, which is not in this file; "
            "rename it with --in-this-file if it is not"
        )


def _family(walk: Walk, owner: Scope) -> list[Scope]:
    """The class, and all of the file that it is related to by inheritance."""
    classes = [scope for scope in walk.scopes if scope.kind == "class"]
    links = {id(c): [b for base in _bases(c) if (b := _class_at(walk, base)) is not None] for c in classes}
    family, waiting = [owner], [owner]
    while waiting:
        one = waiting.pop()
        related = [*links[id(one)], *(c for c in classes if one in links[id(c)])]
        new = [c for c in related if c not in family]
        family += new
        waiting += new
    return family


def _bases(scope: Scope) -> list[Node]:
    superclasses = scope.node.child_by_field_name("superclasses")
    return [] if superclasses is None else [c for c in superclasses.named_children if c.type != "comment"]


def _class_at(walk: Walk, node: Node) -> Scope | None:
    binding = walk.binding_at(node)
    return _scope_named(walk, binding) if binding is not None and binding.has("class") else None


def _scope_named(walk: Walk, binding: Binding) -> Scope | None:
    """The scope of the class that the binding names, if it always names that one."""
    defined = [o.node for o in binding.occurrences if o.role == "class"]
    if len(defined) != 1 or binding.has("bind", "function", "import"):
        return None
    return next((s for s in walk.scopes if s.kind == "class" and s.node == defined[0].parent), None)


def _is_known(walk: Walk, base: Node, family: list[Scope]) -> bool:
    if base.type == "subscript":  # Generic[T], Protocol[T]
        return text_of(base.child_by_field_name("value")) in ("Generic", "Protocol")
    return _class_at(walk, base) in family or text_of(base).rpartition(".")[2] in _PLAIN_BASES


def _is_static(function: Node) -> bool:
    around = function.parent
    return (
        around is not None
        and around.type == "decorated_definition"
        and b"staticmethod" in (around.text or b"").split(b"def", 1)[0]
    )


def _is_module(walk: Walk, attribute: Attribute) -> bool:
    """Whether the receiver is an imported name: what it has is its own."""
    binding = walk.binding_at(attribute.object)
    return binding is not None and binding.has("import", "package") and not binding.has("bind", "parameter")


def _content(string: Node) -> str:
    return "".join(text_of(child) for child in string.named_children if child.type == "string_content").strip()


def _pattern_words(root: Node) -> Iterable[Node]:
    """The names of attributes in `case Class(name=…)`."""
    waiting = [root] if b"case" in (root.text or b"") else []
    while waiting:
        node = waiting.pop()
        if node.type == "keyword_pattern":
            yield node.named_children[0]
        waiting += node.named_children
