"""Python as it is written elsewhere: a notebook's commands, and syntax that is newer than the interpreter that runs this.

Both are replaced, byte for byte, by what any Python reads, so that everything around them is still judged strictly.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax.parse import parse

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

_COMMAND = re.compile(
    rb"^([ \t]*)(%{1,2}[A-Za-z_][^\r\n]*|![^=\r\n][^\r\n]*|\?{1,2}[A-Za-z_][\w.]*[ \t]*"
    rb"|[A-Za-z_][\w.]*\?{1,2}[ \t]*|[A-Za-z_][\w, \t]*=[ \t]*(?:%[A-Za-z_]|!)[^\r\n]*)(?=\r?$)",
    re.MULTILINE,
)
_CELL = re.compile(rb"\s*%%(\w+)")
_PYTHON_CELLS = frozenset({b"time", b"timeit", b"capture", b"prun", b"memit", b"mprun", b"lprun"})
_MAY_BE_NEWER = re.compile(rb"\btype\s+\w|\b(?:def|class)\s+\w+\s*\[|\b[rR]?[fFtT][rR]?[\"']|\bexcept\s+[\w.]+\s*,")
_GENERIC = frozenset({"class_definition", "function_definition"})
_NAME = re.compile(rb"(?:\w+\.)*[A-Z]\w*")


def foreign_cell(source: bytes) -> bool:
    """Whether the text is a notebook's cell in another language (`%%bash`)."""
    found = _CELL.match(source)
    return found is not None and found.group(1) not in _PYTHON_CELLS


def without_commands(source: bytes, tree: Tree) -> bytes:
    """The source with `pass` in place of a notebook's commands (`%timeit f()`, `!ls`, `x?`), and as long.

    `tree` tells a command from the second line of an expression: only the former is an error.
    """
    if not tree.root_node.has_error:
        return source

    def replaced(found: re.Match[bytes]) -> bytes:
        start, end = found.span(2)
        if not _is_wrong(tree, start, end):
            return found.group()
        return _stand_in(found)

    return _COMMAND.sub(replaced, source)


def without_commands_in(text: str) -> str:
    """The same of a fill's further lines, in a file that has such commands: a cell goes on as it began."""
    head, line_end, rest = text.partition("\n")
    return head + line_end + _COMMAND.sub(_stand_in, rest.encode()).decode() if rest else text


def _stand_in(found: re.Match[bytes]) -> bytes:
    start, end = found.span(2)
    stand_in = b"pass" if end - start >= len(b"pass") else b"0"
    return found.group(1) + stand_in.ljust(end - start)


def for_this_python(source: bytes) -> bytes:
    """The source without what is newer than the running Python, and as long."""
    if sys.version_info >= (3, 14) or not _MAY_BE_NEWER.search(source):
        return source
    tree = parse(source, by_name("python"))
    if tree is None:
        return source
    text = bytearray(source)
    for start, end, stand_in in _newer(tree.root_node, source):
        blank = bytes(c if c in b"\r\n" else 32 for c in source[start:end])
        text[start:end] = stand_in + blank[len(stand_in) :]
    return bytes(text)


def _newer(root: Node, source: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(start, end, what stands for it) of each place that is newer than the running Python."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        kind, begin, end = node.type, node.start_byte, node.end_byte
        if sys.version_info < (3, 12) and kind == "type_alias_statement":
            yield begin, end, b"pass"
            continue
        if sys.version_info < (3, 12) and kind == "type_parameter" and node.parent and node.parent.type in _GENERIC:
            yield begin, end, b""
            continue
        if kind == "string" and node.children and _is_newer_string(node, source):
            text = source[begin:end]
            yield begin, end, b"''" if b"\n" not in text else b'""""""'
            continue
        if kind == "except_clause":
            names = node.children_by_field_name("value")
            capital = all(_NAME.fullmatch(source[n.start_byte : n.end_byte]) for n in names)
            if len(names) > 1 and capital:  # in Python 2 the second was a variable
                yield names[0].end_byte, names[-1].end_byte, b""
        waiting += node.children


def _is_newer_string(node: Node, source: bytes) -> bool:
    """Whether it is a template string, or a formatted one whose fields hold its own quotes, a backslash or a line end."""
    opener = source[node.start_byte : node.children[0].end_byte]
    prefix, quote = opener.rstrip(b"\"'").lower(), opener.lstrip(b"fFtTrRbBuU")
    if b"t" in prefix:
        return True
    if b"f" not in prefix or sys.version_info >= (3, 12):
        return False
    fields = [source[c.start_byte : c.end_byte] for c in node.children if c.type == "interpolation"]
    return any(quote in field or b"\\" in field or (b"\n" in field and len(quote) == 1) for field in fields)


def _is_wrong(tree: Tree, start: int, end: int) -> bool:
    """Whether an error touches these bytes of one line, and none but an error holds them and more."""
    node: Node | None = tree.root_node.descendant_for_byte_range(start, max(start, end - 1))
    if node is None or node.type in ("string_content", "comment", "string"):
        return False
    return node.has_error or node.is_error or (node.parent is not None and node.parent.is_error)
