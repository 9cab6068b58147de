"""Renaming in JavaScript and TypeScript: which places mean the same, and what the file alone cannot know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsp_server.transforms.rename.plan import Plan, line_of, refuse, spots_of, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

    from lsp_server.code.scopes.names import Binding
    from lsp_server.code.scopes.walk import Walk

_PROPERTY = frozenset({"accessibility_modifier", "override_modifier", "readonly"})
_MODULE = ("import_statement", "export_statement")


def plan(walk: Walk, leaf: Node, *, file: str, only_here: bool) -> Plan:  # noqa: ARG001
    """The places of what the name at `leaf` means. Raises Refused. See `python.plan`."""
    binding, name = walk.binding_at(leaf), text_of(leaf)
    if binding is None:
        raise refuse(f"{name} is not defined in this file")
    if walk.wildcards:
        raise refuse("a `with` statement makes names of what an object has")
    dynamic = next((c for c, s in walk.calls if text_of(c.child_by_field_name("function")) == "eval"
                    and binding.scope in s.around()), None)  # fmt: skip
    if dynamic is not None:
        raise refuse(f"line {line_of(dynamic)} looks names up by their text (eval)")
    for occurrence in binding.occurrences:
        if reason := _why_not(occurrence.node, binding):
            raise refuse(reason)
    if not only_here:
        _check_leaves(walk, binding)
    return Plan(old=name, spots=tuple(sorted(spots_of(binding))))


def _why_not(node: Node, binding: Binding) -> str:
    name, parent = binding.name, node.parent
    kind = parent.type if parent is not None else ""
    in_block = kind in ("function_declaration", "generator_function_declaration") and binding.scope.kind == "block"
    modifiers = {child.type for child in parent.children} if parent is not None else set()
    rules = {
        f"line {line_of(node)} uses {name} as a tag, whose case has a meaning": kind.startswith("jsx_"),
        f"{name} is a member of an enum, which others use by its name": binding.scope.node.type == "enum_declaration",
        f"{name} is a property of the class, too": bool(modifiers & _PROPERTY),
        f"{name} is a function in a block, which some engines declare outside of it, too": in_block,
        f"{name} has a meaning of its own": name in ("arguments", "undefined", "require", "module", "exports"),
    }
    return next((reason for reason, holds in rules.items() if holds), "")


def _check_leaves(walk: Walk, binding: Binding) -> None:
    """Raises Refused where other files may use the name."""
    name = binding.name
    for occurrence in binding.occurrences:
        around = occurrence.node.parent
        while around is not None and around.type not in (
            "export_statement",
            "statement_block",
            "class_body",
            "arguments",
        ):
            around = around.parent
        declared = occurrence.role in ("bind", "function", "class", "shorthand-bind")
        if declared and around is not None and around.type == "export_statement" and not _is_default(around):
            raise refuse(f"other files can import {name}; rename it with --in-this-file if none does")
    if binding.scope is walk.module and not _is_module(walk):
        raise refuse(f"other scripts of the page can see {name}; rename it with --in-this-file if none does")


def _is_default(statement: Node) -> bool:
    return any(child.type == "default" for child in statement.children)


def _is_module(walk: Walk) -> bool:
    """Whether the file has names of its own: it imports, exports, or is a CommonJS module."""
    if any(child.type in _MODULE for child in walk.root.named_children):
        return True
    own = {text_of(a.object) for a in walk.attributes} | {o.name for o in walk.names.occurrences}
    return bool({"require", "module", "exports", "module.exports"} & own)
