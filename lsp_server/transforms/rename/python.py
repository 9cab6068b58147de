"""Renaming in Python: which places mean the same, and what the file alone cannot know."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lsp_server.code.scopes.names import Binding, Occurrence, Scope
from lsp_server.transforms.rename.attributes import attribute_plan, class_of_self
from lsp_server.transforms.rename.parameters import keyword_spots, parameter_of
from lsp_server.transforms.rename.plan import Plan, line_of, refuse, spots_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from lsp_server.code.scopes.walk import Walk

_READS_LOCALS = frozenset({"locals", "eval", "exec", "vars", "dir"})
_READS_GLOBALS = _READS_LOCALS | {"globals"}


def plan(walk: Walk, leaf: Node, *, file: str, only_here: bool) -> Plan:
    """The places of what the name at `leaf` means. Raises Refused.

    `only_here`: rename it in this file also if others may use it. `file`: its name, of which `__init__.py` exports all.
    """
    occurrence = walk.names.occurrence_at(leaf.start_byte)
    binding = walk.names.binding_of(occurrence) if occurrence is not None else None
    if binding is None:
        return _plan_without_binding(walk, leaf, occurrence, only_here=only_here)
    if binding.scope.kind == "class":
        return attribute_plan(walk, binding.scope, binding.name, only_here=only_here)
    _check(walk, binding, file=file, only_here=only_here)
    spots = [*spots_of(binding)]
    if parameter_of(binding) is not None:
        spots += keyword_spots(walk, binding, only_here=only_here)
    return Plan(old=binding.name, spots=tuple(sorted(spots)))


def _plan_without_binding(walk: Walk, leaf: Node, occurrence: Occurrence | None, *, only_here: bool) -> Plan:
    name = text_of(leaf)
    for attribute in walk.attributes:
        if attribute.name == leaf:
            owner = class_of_self(walk, attribute.object)
            if owner is None:
                raise refuse(f"whose .{name} this is cannot be told from the file; try it at its definition")
            return attribute_plan(walk, owner, name, only_here=only_here)
    if any(keyword.name == leaf for keyword in walk.keywords):
        raise refuse(f"{name} names an argument of a call; rename the parameter where the function is defined")
    if occurrence is not None and walk.wildcards:
        raise refuse(f"{name} may come from an `import *`; import it by name first")
    if occurrence is not None:
        raise refuse(f"{name} is not defined in this file")
    raise refuse(f"{name} is no name that this file defines; put the cursor on one")


def _check(walk: Walk, binding: Binding, *, file: str, only_here: bool) -> None:
    """Raises Refused where the file does not tell all that the name means."""
    name, scope = binding.name, binding.scope
    at_module = scope.kind == "module"
    if name.startswith("__"):
        raise refuse(f"{name} has a meaning of its own to Python, or another name inside of classes")
    if binding.has("package"):
        raise refuse(f"a dotted import binds {name}; import the module under another name first: import … as …")
    for occurrence in binding.occurrences:
        if _says_itself(occurrence.node):
            raise refuse(f"line {line_of(occurrence.node)} prints the name {name} by {{{name}=}}")
    reader = next(_readers(walk, scope), None)
    if reader is not None:
        raise refuse(f"line {line_of(reader)} looks names up by their text ({text_of(reader)})")
    for string in walk.strings:
        if _may_mean(string, name, at_module=at_module) and _within(string, scope.node):
            raise refuse(f"{name} stands in a string in line {line_of(string)}, which may mean it")
    if at_module and not only_here:
        _check_leaves(binding, file)


def _check_leaves(binding: Binding, file: str) -> None:
    name = binding.name
    imported = all(o.role in ("import", "use") for o in binding.occurrences) or _is_import(binding)
    if not imported and not name.startswith("_"):
        raise refuse(f"other files can import {name}; rename it with --in-this-file if none does")
    if imported and file.endswith(("__init__.py", ".pyi")):
        raise refuse(f"{file} hands {name} on to who imports it; rename it with --in-this-file if nobody uses it")


def _is_import(binding: Binding) -> bool:
    bound = [o.node for o in binding.occurrences if o.role not in ("use", "shorthand")]
    return all(node.parent is not None and node.parent.type == "aliased_import" for node in bound)


def _says_itself(node: Node) -> bool:
    r"""Whether it stands in an f-string's `{name=}`."""
    around = node.parent
    while around is not None and around.type not in ("interpolation", "expression_statement", "block"):
        around = around.parent
    return around is not None and around.type == "interpolation" and any(c.type == "=" for c in around.children)


def _readers(walk: Walk, scope: Scope) -> Iterator[Node]:
    """Calls that look up by text what names of the scope stand for."""
    words = _READS_GLOBALS if scope.kind == "module" else _READS_LOCALS
    for call, place in walk.calls:
        called, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
        word = text_of(called)
        if word not in words or scope not in place.around():
            continue
        if word in ("vars", "dir") and arguments is not None and arguments.named_child_count:
            continue
        yield call


def _may_mean(string: Node, name: str, *, at_module: bool) -> bool:
    """Whether a string names it: alone, in a type, or in an example of a docstring."""
    content = b"".join(c.text or b"" for c in string.named_children if c.type == "string_content")
    if name.encode() not in content or not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", content.decode("utf-8")):
        return False
    if string.parent is not None and _in_type(string):
        return True
    if not at_module:
        return False
    whole = all(c.type != "interpolation" for c in string.named_children)
    return (whole and content.decode("utf-8") == name) or b">>>" in content


def _in_type(node: Node) -> bool:
    around = node.parent
    while around is not None and around.type in ("type", "generic_type", "subscript", "tuple", "binary_operator",
                                                 "type_parameter", "argument_list"):  # fmt: skip
        if around.type == "type":
            return True
        around = around.parent
    return False


def _within(node: Node, scope: Node) -> bool:
    return scope.start_byte <= node.start_byte and node.end_byte <= scope.end_byte
