"""How a function ends: what it raises, whether it returns or yields a value; and the comment that documents it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from lsp_server.code.definitions.functions import Function, text_of
from lsp_server.types import Region

_RAISED = re.compile(r"(?:raise|throw)\s+(?:new\s+)?([A-Za-z_][\w.:]*)")
_CAUGHT = re.compile(r"except\s*\(?([\w., ]+)|catch\s*\(\s*(?:const\s+)?([\w:]+)")
_SCOPES = frozenset(
    {"function_definition", "lambda", "class_definition", "arrow_function", "function_expression",
     "function_declaration", "closure_expression", "func_literal", "lambda_expression", "class_declaration"}
)  # fmt: skip
_NOTHING = ("void", "()", "None", "undefined", ": void", ": Promise<void>", ": undefined", "Promise<void>")


def raised(function: Function) -> tuple[str, ...]:
    """The names of what the function itself raises and does not catch, in the order of the file."""
    found: dict[str, None] = {}
    for node in _inside(function.body):
        if node.type in function.form.raises:
            match = _RAISED.match(text_of(node))
            if match and match[1].rpartition(".")[2][:1].isupper() and not _caught(node, match[1], function.body):
                found[match[1]] = None
    return tuple(found)


def gives(function: Function) -> str:
    """What it does with a value for its caller: "returns" or "yields" it; "" where there is none."""
    returns = text_of(function.returns) if function.returns is not None else None
    if returns is not None and returns.strip() in _NOTHING:
        return ""
    nodes = list(_inside(function.body))
    if any(node.type in ("yield", "yield_expression") for node in nodes):
        return "yields"
    if any(node.type == "return_statement" and _has_value(node) for node in nodes):
        return "returns"
    if function.language in ("rust", "java", "go") and returns is not None:
        return "returns"
    return ""


def doc_comment(function: Function) -> Region | None:
    """The comment that ends on the line above the function, or the docstring; None where it is not documented."""
    if function.docstring is not None:
        return Region(function.docstring.start_byte, function.docstring.end_byte)
    if function.language == "python":
        return None
    first = _first(function)
    above = first.prev_sibling
    if above is None or "comment" not in above.type:
        return None
    between = function.source[above.end_byte : first.start_byte]
    return Region(above.start_byte, above.end_byte) if between.count(b"\n") <= 1 else None


def doc_place(function: Function) -> int:
    """Where a comment that documents the function is put: above its attributes."""
    return _first(function).start_byte


def _first(function: Function) -> Node:
    first = function.outer
    while first.prev_sibling is not None and first.prev_sibling.type in ("attribute_item", "decorator"):
        first = first.prev_sibling
    return first


def _inside(node: Node) -> Iterator[Node]:
    """The nodes of a function's body in the order of the file, nested functions apart."""
    waiting = [node]
    while waiting:
        at = waiting.pop()
        yield at
        waiting += [child for child in reversed(at.named_children) if child.type not in _SCOPES]


def _has_value(node: Node) -> bool:
    return any(child.type not in ("comment", "none", "null", "undefined") for child in node.named_children)


def _caught(node: Node, name: str, body: Node) -> bool:
    """Whether a `try` around the statement catches that name, or everything."""
    inner, at = node, node.parent
    while at is not None and inner.id != body.id:
        if at.type == "try_statement" and inner.id == _tried(at):
            handlers = [child for child in at.children if child.type in ("except_clause", "catch_clause")]
            return any(_handles(text_of(handler).split("\n", 1)[0], name) for handler in handlers)
        inner, at = at, at.parent
    return False


def _tried(node: Node) -> int:
    body = node.child_by_field_name("body")
    return body.id if body is not None else -1


def _handles(head: str, name: str) -> bool:
    match = _CAUGHT.match(head)
    names = re.split(r"[, ]+", (match[1] or match[2] or "") if match else "")
    return not match or name in names or "Exception" in names or "BaseException" in names
