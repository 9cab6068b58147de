"""Python's own tree of a file, by bytes: what the exact conversions look at."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from lsp_server.code.text.lines import rows
from lsp_server.types import Region, Snapshot

Node = TypeVar("Node", bound=ast.AST)
Scope: TypeAlias = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
_SCOPES = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """A file that Python can read, and what is selected in it."""

    source: bytes
    tree: ast.Module
    starts: tuple[int, ...]
    region: Region

    @classmethod
    def of(cls, snapshot: Snapshot, region: Region) -> Place | None:
        """None for other languages, and for what Python cannot read."""
        if snapshot.language.name != "python":
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(snapshot.source)
        except (SyntaxError, ValueError, RecursionError):
            return None
        lines = rows(snapshot.source).split(b"\n")
        starts = [0]
        for line in lines:
            starts.append(starts[-1] + len(line) + 1)
        return cls(source=snapshot.source, tree=tree, starts=tuple(starts), region=region)

    def span(self, node: ast.expr | ast.stmt) -> Region:
        """The node's bytes."""
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return Region(self.starts[node.lineno - 1] + node.col_offset, self.starts[end_line - 1] + end_column)

    def text(self, node: ast.expr | ast.stmt) -> str:
        """The node as it is written."""
        return self.within(self.span(node))

    def within(self, region: Region) -> str:
        """What stands in a region."""
        return self.source[region.start : region.end].decode("utf-8")

    def line_of(self, node: ast.expr | ast.stmt) -> Region:
        """The node's bytes, from the start of its first line."""
        return Region(self.starts[node.lineno - 1], self.span(node).end)

    def indent(self, node: ast.stmt) -> str:
        """The white space before a statement; what stands before it if it does not begin its line."""
        return self.within(Region(self.starts[node.lineno - 1], self.span(node).start))

    def holding(self, kind: type[Node]) -> Iterator[Node]:
        """The nodes of a kind whose lines hold the selection, the innermost first."""
        found = [node for node in ast.walk(self.tree) if isinstance(node, kind) and self._holds(node)]
        yield from sorted(found, key=self._size)

    def blocks(self) -> Iterator[list[ast.stmt]]:
        """Every list of statements of the file."""
        for node in ast.walk(self.tree):
            for name in ("body", "orelse", "finalbody"):
                block = getattr(node, name, None)
                if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                    yield block

    def scope_of(self, node: ast.AST) -> Scope:
        """The function, class or module that holds a node."""
        best: Scope = self.tree
        waiting: list[tuple[ast.AST, Scope]] = [(self.tree, self.tree)]
        while waiting:
            at, scope = waiting.pop()
            if at is node:
                return scope
            inner = at if isinstance(at, _SCOPES) else scope
            waiting += [(child, inner) for child in ast.iter_child_nodes(at)]
        return best

    def has_comment(self, region: Region) -> bool:
        """Whether a comment stands in the region, or what cannot be read as tokens."""
        try:
            tokens = list(tokenize.tokenize(io.BytesIO(self.source).readline))
        except (tokenize.TokenError, SyntaxError, IndentationError):
            return True
        first, last = region.start, region.end
        return any(
            token.type == tokenize.COMMENT and first <= self.starts[token.start[0] - 1] + len(token.line[: token.start[1]].encode()) < last
            for token in tokens
        )  # fmt: skip

    def _holds(self, node: ast.AST) -> bool:
        if not isinstance(node, ast.expr | ast.stmt):
            return False
        span = self.span(node)
        return self.starts[node.lineno - 1] <= self.region.start <= span.end and self.region.end <= span.end + 1

    def _size(self, node: ast.AST) -> int:
        assert isinstance(node, ast.expr | ast.stmt)
        span = self.span(node)
        return span.end - span.start


def names(node: ast.AST) -> set[str]:
    """The names that a node mentions."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
