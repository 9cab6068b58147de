"""Names among the tokens of a macro whose arguments are expressions, as Rust's `assert!` and `println!`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

_DECLARES = re.compile(r"(?<!\|)\|(?!\|)|=>|[{]|\b(let|fn|match)\b|\w\s*!(?!=)")
"""What may declare something in the arguments, or makes a struct or a macro of them. (`|` alone: of a closure.)"""
_NAMED_IN_FORMAT = re.compile(r"(?<!\{)(?:\{\{)*\{([^\W\d]\w*)[:}]|([^\W\d]\w*)\$")


def tokens_that_are_names(tree: Node) -> list[Node] | None:
    """The tokens that are looked up as names, in file order; None if some of them may declare others.

    Punctuation is not in the tree: it is read in the text.
    """
    text, start = tree.text or b"", tree.start_byte
    tokens = [token for token in _tokens(tree) if token.is_named]
    bare, at = [], 0
    for token in tokens:
        if token.type.endswith(("literal", "comment")):
            bare.append(text[at : token.start_byte - start])
            at = token.end_byte - start
    bare.append(text[at:])
    if _DECLARES.search(b" ".join(bare).decode("utf-8", "replace")):
        return None
    found = []
    for token in tokens:
        before, after = text[: token.start_byte - start].rstrip(), text[token.end_byte - start :].lstrip()
        member = (before.endswith(b".") and not before.endswith(b"..")) or before.endswith((b"::", b"'"))
        named = after.startswith(b"::") or (after.startswith(b"=") and not after.startswith(b"=="))
        if token.type == "identifier" and not member and not named:
            found.append(token)
    return found


def format_words(tree: Node) -> set[str]:
    """The names that stand in the texts of formats: `{name}`, `{name:?}`, `{:width$}`."""
    return {
        word
        for token in _strings(tree)
        for pair in _NAMED_IN_FORMAT.findall((token.text or b"").decode("utf-8", "replace"))
        for word in pair
        if word
    }


def _tokens(tree: Node) -> Iterator[Node]:
    for child in tree.children:
        if child.type == "token_tree":
            yield from _tokens(child)
        else:
            yield child


def _strings(tree: Node) -> Iterator[Node]:
    return (token for token in _tokens(tree) if token.type.endswith("string_literal"))
