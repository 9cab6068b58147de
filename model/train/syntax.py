"""Holes by syntax, found once when the corpus is built: what a user would take out of a program in one piece."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

KINDS = ("docstring", "body", "block", "argument", "expression")
_EXPRESSIONS = (ast.BinOp, ast.BoolOp, ast.Compare, ast.Call, ast.IfExp, ast.Subscript, ast.Attribute)
_BLOCKS = ("body", "orelse", "finalbody")


def holes_in(text: str) -> list[tuple[str, int, int]]:
    """(kind, first byte, end) of the holes that the syntax of Python `text` offers; none if it is not valid Python.

    docstring: with its quotes. body: all statements of a function or class behind its docstring. block: those of a
    branch or a loop. Both are whole lines, the first one's indentation included. argument: of a call.
    expression: any other of more than one word.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes in strings that are not ours
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    starts = [0, *accumulate(len(line.encode()) for line in text.splitlines(keepends=True))]
    if len(text.split("\n")) != len(text.splitlines()) + text.endswith("\n"):
        return []  # form feeds and the like: the parser counts lines otherwise
    return [(kind, starts[first] + column, starts[last] + end) for kind, first, column, last, end in _positions(tree)]


def _positions(tree: ast.AST) -> Iterator[tuple[str, int, int, int, int]]:
    """(kind, first line, column, last line, end column), lines from 0, columns in bytes."""
    seen: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            statements = node.body
            if ast.get_docstring(node, clean=False) is not None:
                yield "docstring", *_span(statements[0])
                statements = statements[1:]
            yield from _lines("body", statements)
        elif isinstance(node, ast.stmt | ast.ExceptHandler):
            for name in _BLOCKS:
                yield from _lines("block", getattr(node, name, []))
        elif isinstance(node, ast.Call):
            for argument in (*node.args, *(k.value for k in node.keywords)):
                seen.add(id(argument))
                yield "argument", *_span(argument)
        if isinstance(node, _EXPRESSIONS) and id(node) not in seen:
            yield "expression", *_span(node)


def _span(node: ast.stmt | ast.expr) -> tuple[int, int, int, int]:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return node.lineno - 1, node.col_offset, node.end_lineno - 1, node.end_col_offset


def _lines(kind: str, statements: list[ast.stmt]) -> Iterator[tuple[str, int, int, int, int]]:
    if not statements or not isinstance(statements[0], ast.stmt):
        return
    decorated = getattr(statements[0], "decorator_list", [])
    first = min(statement.lineno for statement in (statements[0], *decorated)) - 1
    _, _, last, end = _span(statements[-1])
    yield kind, first, 0, last, end


def token_spans(
    found: list[tuple[str, int, int]], lengths_bytes: NDArray[np.int64], *, longest: int, rng: np.random.Generator
) -> NDArray[np.int32]:
    """int32 [n, 2]: first token and end of the holes, sorted, for tokens of these lengths.

    A hole takes the tokens that lie in it, and one that only begins earlier because a blank is joined to it. Of
    arguments and expressions, which are many, there are at most as many as one in sixteen tokens.
    """
    begins = np.concatenate([[0], np.cumsum(lengths_bytes)])
    spans: dict[bool, set[tuple[int, int]]] = {True: set(), False: set()}
    for kind, start, end in found:
        first = int(np.searchsorted(begins, start, side="left"))
        if first and begins[first] != start and begins[first - 1] == start - 1:
            first -= 1
        last = int(np.searchsorted(begins, end, side="right")) - 1
        if first < last <= first + longest:
            spans[kind in ("argument", "expression")].add((first, last))
    small = sorted(spans[True])
    most = max(1, len(lengths_bytes) // 16)
    if len(small) > most:
        small = [small[i] for i in rng.choice(len(small), most, replace=False)]
    return np.asarray(sorted([*spans[False], *small]), dtype=np.int32).reshape(-1, 2)
