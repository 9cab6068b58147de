"""Renaming of local names in the languages that a query describes: parameters and variables of functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsp_server.transforms.rename.plan import Plan, line_of, refuse, spots_of, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

    from lsp_server.code.scopes.walk import Walk


def plan(walk: Walk, leaf: Node, *, file: str, only_here: bool) -> Plan:  # noqa: ARG001
    """The places of the variable at `leaf`. Raises Refused, also for what other files can see: see `python.plan`."""
    binding, name = walk.binding_at(leaf), text_of(leaf)
    if leaf.id in walk.unclear and binding is None:
        raise refuse(f"{name} {walk.unclear[leaf.id]}")
    if binding is None:
        raise refuse(f"{name} is no variable or parameter of a function here, so other files may use it")
    if binding.scope.node.has_error:
        raise refuse("there is a syntax error where it is known")
    if reason := walk.reserved.get(name):
        raise refuse(f"{name} {reason}")
    for occurrence in binding.occurrences:
        if reason := walk.unclear.get(occurrence.node.id):
            raise refuse(f"{name} {reason}, in line {line_of(occurrence.node)}")
    return Plan(old=name, spots=tuple(sorted(spots_of(binding))))
