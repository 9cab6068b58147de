"""tree-sitter queries: patterns of syntax, and what they capture in a tree."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from tree_sitter import Query, QueryCursor

from lsp_server.code.languages.grammar import grammar_of

if TYPE_CHECKING:
    from tree_sitter import Node

    from lsp_server.code.languages.language import Language


def query_of(language: Language, text: str) -> Query:
    """The query; predicates such as `#eq?` and settings such as `(#set! key "value")` are understood."""
    return Query(grammar_of(language), text)


class Captures:
    """What a query captures in the tree of `root`: nodes by the names of the captures, in the order of its patterns."""

    def __init__(self, query: Query, root: Node) -> None:
        matches = sorted(QueryCursor(query).matches(root), key=lambda match: match[0])
        self._matches = [(captured, query.pattern_settings(pattern)) for pattern, captured in matches]
        self._ids: dict[tuple[str, ...], frozenset[int]] = {}

    @cached_property
    def _nodes(self) -> dict[str, dict[int, tuple[Node, str]]]:
        found: dict[str, dict[int, tuple[Node, str]]] = {}
        for captured, settings in self._matches:
            for name, nodes in captured.items():
                for node in nodes:
                    found.setdefault(name, {})[node.id] = node, settings.get("reason") or ""
        return found

    def nodes(self, name: str) -> list[Node]:
        """The nodes of a capture, each once."""
        return [node for node, _ in self._nodes.get(name, {}).values()]

    def with_reasons(self, name: str) -> list[tuple[Node, str]]:
        """The nodes with what their patterns set as `reason`."""
        return list(self._nodes.get(name, {}).values())

    def ids(self, *names: str) -> frozenset[int]:
        """The ids of the nodes that one of the captures has."""
        if names not in self._ids:
            self._ids[names] = frozenset(i for name in names for i in self._nodes.get(name, ()))
        return self._ids[names]

    def pairs(self, one: str, other: str) -> Iterator[tuple[Node, Node]]:
        """The nodes that were captured by one pattern together."""
        for captured, _ in self._matches:
            if one in captured and other in captured:
                yield from ((a, b) for a in captured[one] for b in captured[other])

    def setting(self, name: str, key: str) -> str:
        """What a pattern with that capture sets; "" if none has matched."""
        return next((s[key] or "" for captured, s in self._matches if name in captured and key in s), "")

    def beside(self, names: tuple[str, ...], other: str) -> dict[int, Node]:
        """By the ids of nodes that one of the captures `names` has, the node that `other` has in the same match."""
        return {a.id: b for name in names for a, b in self.pairs(name, other)}
