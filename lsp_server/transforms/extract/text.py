"""Lines of code moved to another depth, what stands in strings left as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsp_server.transforms.extract.syntax import above, below, indent_before
from lsp_server.types import Snapshot

if TYPE_CHECKING:
    from tree_sitter import Node

_AS_THEY_ARE = ("string", "template_string")
"""Nodes whose lines are what a program prints."""


def unit_of(snapshot: Snapshot, node: Node) -> str:
    """One level of indentation, as the innermost function around indents its body."""
    for child, parent in above(node):
        if child.type == "block" and parent.type == "function_definition":
            body = indent_before(snapshot, child.start_byte)
            head = indent_before(snapshot, parent.start_byte)
            if body and head is not None and body.startswith(head) and body != head:
                return body[len(head) :]
    return "    "


def body_lines(snapshot: Snapshot, nodes: tuple[Node, ...], unit: str) -> str:
    """The text of the nodes with `unit` before each line in place of their own indentation."""
    start, end = nodes[0].start_byte, nodes[-1].end_byte
    own = indent_before(snapshot, start) or ""
    inside = [(n.start_byte, n.end_byte) for node in nodes for n in below(node) if n.type in _AS_THEY_ARE]
    lines, at = [], start
    for line in snapshot.source[start:end].split(b"\n"):
        text = line.decode("utf-8")
        in_string = any(a < at < b for a, b in inside)
        if at == start:
            lines.append(unit + text)
        elif in_string or not text.strip():
            lines.append(text)
        elif text.startswith(own):
            lines.append(unit + text[len(own) :])
        else:
            lines.append(unit + text.lstrip())
        at += len(line) + 1
    return "\n".join(lines)
