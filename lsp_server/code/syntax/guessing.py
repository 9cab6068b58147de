"""Which language a text is in that comes without a name: the one whose grammar finds the fewest errors in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tree_sitter import Node, Tree

from lsp_server.code.languages.table import PLAIN, Language, by_name
from lsp_server.code.syntax.parse import parse

_CANDIDATES = ("python", "javascript", "typescript", "go", "rust", "java", "c", "cpp", "csharp", "lua", "ruby")
"""Of two that fit equally well the first counts."""
_WINDOW_BYTES = 3_000
_MOST_ERRONEOUS = 0.15
"""A text of which a larger share is erroneous in every language is in none of them."""


def guessed(source: bytes, offsets: Sequence[int]) -> Language:
    """The language of `source`, judged by the lines around the first of `offsets`; `PLAIN` where none fits."""
    middle = offsets[0] if offsets else 0
    above = source[max(middle - _WINDOW_BYTES, 0) : middle]
    if middle > _WINDOW_BYTES:
        above = above[above.find(b"\n") + 1 :]
    below = source[middle : middle + _WINDOW_BYTES]
    text = above + below
    if not text.strip():
        return PLAIN
    if text.lstrip().startswith(b"<?php"):
        return by_name("php")
    best, least = PLAIN, _MOST_ERRONEOUS * len(text)
    for name in _CANDIDATES:
        language = by_name(name)
        tree = parse(text, language)
        wrong = _erroneous_bytes(tree) if tree is not None else len(text)
        if wrong < least:
            best, least = language, wrong
        if not wrong:
            break
    return best


def _erroneous_bytes(tree: Tree) -> int:
    return sum(max(node.end_byte - node.start_byte, 1) for node in _errors(tree.root_node))


def _errors(node: Node) -> Iterator[Node]:
    if node.is_error or node.is_missing:
        yield node
    elif node.has_error:
        for child in node.children:
            yield from _errors(child)
