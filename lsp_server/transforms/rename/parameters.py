"""Parameters of Python functions: calls in the file may name them, and so may others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsp_server.code.scopes.names import Binding, Scope
from lsp_server.transforms.rename.attributes import class_of_self
from lsp_server.transforms.rename.plan import Spot, line_of, refuse, text_of
from lsp_server.types import Region

if TYPE_CHECKING:
    from tree_sitter import Node

    from lsp_server.code.scopes.walk import Walk

_HARMLESS = frozenset({"staticmethod", "classmethod", "property", "abstractmethod", "override", "final", "cache"})
"""Decorators that do not look at the names of parameters."""


def parameter_of(binding: Binding) -> Node | None:
    """The node of the parameter that it is, if a call can name it."""
    return next((o.node for o in binding.occurrences if o.role == "parameter"), None)


def keyword_spots(walk: Walk, binding: Binding, *, only_here: bool) -> list[Spot]:
    """The places of calls that name the parameter. Raises Refused where not all of them are known."""
    function, name = binding.scope.node, binding.name
    parameter = parameter_of(binding)
    assert parameter is not None
    if _by_position_alone(binding, parameter):
        return []
    own = walk.binding_at(function.child_by_field_name("name"))
    if own is not None:
        _check_callers(own, function, name, only_here=only_here)
    spots = [
        Spot(Region(keyword.name.start_byte, keyword.name.end_byte))
        for keyword in walk.keywords
        if text_of(keyword.name) == name and _calls(walk, keyword.call, own, name)
    ]
    for call, _ in walk.calls:
        arguments = call.child_by_field_name("arguments")
        unpacked = arguments is not None and any(c.type == "dictionary_splat" for c in arguments.named_children)
        if unpacked and _calls(walk, call, own, name):
            raise refuse(f"line {line_of(call)} passes arguments by ** whose names cannot be told")
    return spots


def _by_position_alone(binding: Binding, parameter: Node) -> bool:
    """Whether no call can name it: it stands before `/`, or is the object of a method."""
    top = parameter
    while top.parent is not None and top.parent.type not in ("parameters", "lambda_parameters"):
        top = top.parent
    if top.parent is None:
        return False
    siblings = top.parent.named_children
    if any(c.type == "positional_separator" and c.start_byte > top.start_byte for c in siblings):
        return True
    scope = binding.scope
    in_class = scope.parent is not None and scope.parent.kind == "class"
    return in_class and siblings[0] == top and "staticmethod" not in decorators(scope.node)


def _check_callers(own: Binding, function: Node, name: str, *, only_here: bool) -> None:
    called = own.name
    unknown = [d for d in decorators(function) if d not in _HARMLESS]
    if unknown:
        raise refuse(f"the decorator @{unknown[0]} may read the names of the parameters of {called}")
    if called.startswith("test"):
        raise refuse(f"pytest finds what to pass to {called} by the names of its parameters")
    if sum(o.role == "function" for o in own.occurrences) > 1:
        raise refuse(f"{called} is defined more than once, and a call may mean another one")
    if only_here:
        return
    public = own.scope.kind == "module" and not called.startswith("_")
    method = own.scope.kind == "class" and (not called.startswith("_") or called.startswith("__"))
    if public or method:
        raise refuse(f"other files may call {called} with {name}=…; rename it with --in-this-file if none does")
    if any(o.role == "use" and not _is_called(o.node) for o in own.occurrences):
        raise refuse(
            f"{called} is handed on, and who gets it may call it with {name}=…; rename it with --in-this-file if nobody does"
        )


def _is_called(node: Node) -> bool:
    parent = node.parent
    return parent is not None and parent.type == "call" and parent.child_by_field_name("function") == node


def _calls(walk: Walk, call: Node, own: Binding | None, name: str) -> bool:
    """Whether the call is of the function. Raises Refused if that cannot be told."""
    callee = call.child_by_field_name("function")
    if callee is not None and callee.type == "identifier":
        return _calls_by_name(walk, walk.binding_at(callee), call, own, name)
    if callee is None or callee.type != "attribute" or own is None or own.scope.kind != "class":
        return False
    method, receiver = callee.child_by_field_name("attribute"), callee.child_by_field_name("object")
    if text_of(method) != own.name or receiver is None:
        return False
    if class_of_self(walk, receiver) is own.scope:
        return True
    raise refuse(f"whose .{own.name} line {line_of(call)} calls with {name}=… cannot be told")


def _calls_by_name(walk: Walk, target: Binding | None, call: Node, own: Binding | None, name: str) -> bool:
    if target is not None and target is own:
        return True
    if own is not None and own.scope.kind == "class" and own.name in ("__init__", "__new__", "__call__"):
        return _constructs(walk, target, own.scope, call, name)
    handed_on = own is not None and any(
        o.node.parent is not None and o.node.parent.parent == call for o in own.occurrences
    )
    if handed_on or (own is None and target is not None and not _defines(target)):
        raise refuse(f"line {line_of(call)} passes {name} by keyword to what may be it")
    return False


def _defines(target: Binding) -> bool:
    """Whether all that the name stands for is a definition or an import of its own."""
    return not target.has("bind", "parameter", "splat")


def _constructs(walk: Walk, target: Binding | None, scope: Scope, call: Node, name: str) -> bool:
    """Whether a call of the class makes an object of the scope's class. Raises Refused if that cannot be told."""
    own_class = walk.binding_at(scope.node.child_by_field_name("name"))
    if target is not None and target is own_class:
        return True
    if target is not None and _defines(target) and not target.has("class"):
        return False
    if target is None or target.has("import"):
        return False
    raise refuse(f"what line {line_of(call)} calls with {name}=… cannot be told")


def decorators(function: Node) -> list[str]:
    """The last words of the names of a definition's decorators."""
    around = function.parent
    if around is None or around.type != "decorated_definition":
        return []
    found = []
    for child in around.named_children:
        if child.type == "decorator" and child.named_child_count:
            named = child.named_children[0]
            named = named.child_by_field_name("function") or named
            found.append(text_of(named).rpartition(".")[2])
    return found
