"""The names in a Python body that was written: whether somebody defines them, and how many parameters it leaves unused."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lsp_server.transforms.refactoring import Change


@dataclass(frozen=True, kw_only=False)
class BodyNames:
    """Judges the texts of the one hole of `change`. `parameters` of the function; `known`: what the module defines."""

    change: Change
    parameters: Sequence[str]
    known: set[str]

    def objection(self, texts: tuple[str, ...]) -> str:
        """Why the body will not do: it names what nobody defines. Nothing of bodies that cannot be read."""
        function = self._function(texts[0])
        tree = ast.parse(self._source(texts[0])) if function is not None else None
        if function is None or tree is None:
            return ""
        if any(isinstance(n, ast.ImportFrom) and n.names[0].name == "*" for n in ast.walk(tree)):
            return ""
        around = {name for outer in _holding(tree, function) for name in _bound(outer)}
        defined = self.known | around | set(_bound(function)) | {"__file__", "__name__", "__class__", "__doc__"}
        unknown = sorted({n.id for n in ast.walk(function) if isinstance(n, ast.Name)} - defined)
        return f"nothing found: the model named {unknown[0]}, which nobody defines; try another seed" if unknown else ""

    def unused(self, texts: tuple[str, ...]) -> float:
        """The share of the parameters that the body does not name, in [0, 1]."""
        function = self._function(texts[0])
        if function is None or not self.parameters:
            return 0.0
        named = {n.id for statement in function.body for n in ast.walk(statement) if isinstance(n, ast.Name)}
        return sum(parameter not in named for parameter in self.parameters) / len(self.parameters)

    def _source(self, text: str) -> bytes:
        (gap,) = self.change.gaps
        source = self.change.source
        return source[: gap.region.start] + text.encode() + source[gap.region.end :]

    def _function(self, text: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The innermost function that holds the hole."""
        (gap,) = self.change.gaps
        line = self.change.source.count(b"\n", 0, gap.region.start) + 1
        try:
            tree = ast.parse(self._source(text))
        except (SyntaxError, ValueError, RecursionError):
            return None
        found = [
            n for n in ast.walk(tree)
            if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.lineno <= line <= (n.end_lineno or line)
            and n.body and n.body[0].lineno <= line
        ]  # fmt: skip
        # Functions that the body itself defines begin on its lines, or below.
        outside = [n for n in found if n.lineno < line or n.body[0].lineno == n.lineno]
        return max(outside, key=lambda node: node.lineno, default=None)


def _holding(tree: ast.AST, inner: ast.AST) -> Iterator[ast.AST]:
    """The functions around one."""
    for node in ast.walk(tree):
        scope = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node is not inner
        if scope and any(child is inner for child in ast.walk(node)):
            yield node


def _bound(function: ast.AST) -> Iterator[str]:
    """What a function binds anywhere in it."""
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).split(".")[0]
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names
