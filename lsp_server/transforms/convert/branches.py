"""A chain of `if x == …` becomes a `match`."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from lsp_server.code.definitions.bodies import deeper
from lsp_server.transforms.convert.place import Place
from lsp_server.transforms.refactoring import Replacement

_LEAST_CASES = 2
_PLAIN = (ast.Name, ast.Attribute)


def to_match(place: Place) -> Replacement | str:
    """The chain at the cursor as a match; why not, if not."""
    for node in place.holding(ast.If):
        chain = _chain(node)
        cases = [_patterns(place, test) for test, _ in chain[0]]
        subjects = {case[0] for case in cases if case is not None}
        if None in cases or len(subjects) != 1 or len(cases) < _LEAST_CASES:
            continue
        indent = place.indent(node)
        if indent.strip():
            continue  # an `elif`: the chain begins above
        if _has_long_string(node):
            return "a string of several lines would be indented along"
        return place.span(node), [_matched(place, subjects.pop(), indent, cases, *chain)]
    return "no chain of comparisons of one name with literals: `if x == 1: … elif x == 2: …`"


def _chain(node: ast.If) -> tuple[list[tuple[ast.expr, list[ast.stmt]]], list[ast.stmt]]:
    """(test and body of each branch, the body of `else`)."""
    branches, last = [], node
    while True:
        branches.append((last.test, last.body))
        if len(last.orelse) != 1 or not isinstance(last.orelse[0], ast.If):
            return branches, last.orelse
        last = last.orelse[0]


def _patterns(place: Place, test: ast.expr) -> tuple[str, list[str]] | None:  # noqa: PLR0911  a line for each form of test
    """(what is compared, the literals it may be); None for any other test."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        parts = [_patterns(place, value) for value in test.values]
        if all(parts) and len({part[0] for part in parts if part}) == 1:
            first = parts[0]
            assert first is not None
            return first[0], [literal for part in parts if part for literal in part[1]]
        return None
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.left, _PLAIN):
        return None
    (operator,), (right,) = test.ops, test.comparators
    if isinstance(operator, ast.Eq) and _is_literal(right):
        return place.text(test.left), [place.text(right)]
    if isinstance(operator, ast.Is) and isinstance(right, ast.Constant) and right.value in (None, True, False):
        return place.text(test.left), [place.text(right)]
    if (
        isinstance(operator, ast.In)
        and isinstance(right, ast.Tuple)
        and right.elts
        and all(map(_is_literal, right.elts))
    ):
        return place.text(test.left), [place.text(element) for element in right.elts]
    return None


def _is_literal(node: ast.expr) -> bool:
    """A literal that a pattern compares by `==`: not True, False and None, which it compares by identity."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
        return isinstance(node, ast.Constant) and type(node.value) in (int, float)
    return isinstance(node, ast.Constant) and type(node.value) in (int, float, str, bytes)


def _has_long_string(node: ast.If) -> bool:
    return any(
        n.lineno != n.end_lineno
        for n in ast.walk(node)
        if isinstance(n, ast.JoinedStr) or (isinstance(n, ast.Constant) and isinstance(n.value, str | bytes))
    )


def _matched(
    place: Place,
    subject: str,
    indent: str,
    cases: Sequence[tuple[str, list[str]] | None],
    branches: Sequence[tuple[ast.expr, list[ast.stmt]]],
    otherwise: Sequence[ast.stmt],
) -> str:
    inner = deeper(indent, place.source)
    lines = [f"match {subject}:"]
    heads = [f"{inner}case {' | '.join(case[1])}:" for case in cases if case is not None]
    bodies = [body for _, body in branches]
    if otherwise:
        heads.append(f"{inner}case _:")
        bodies.append(list(otherwise))
    added = inner.removeprefix(indent)
    for head, body in zip(heads, bodies, strict=True):
        lines += [head, *(added + line if line.strip() else line for line in _body(place, body, indent))]
    return "\n".join(lines)


def _body(place: Place, body: Sequence[ast.stmt], indent: str) -> list[str]:
    """The lines of a branch, with the comments above its first statement."""
    first = place.starts[body[0].lineno - 1]
    if place.indent(body[0]).strip():  # on the line of its test
        text = place.within(type(place.region)(place.span(body[0]).start, place.span(body[-1]).end))
        return [deeper(indent, place.source) + text]
    start = first
    lines = place.source[:first].split(b"\n")
    while len(lines) > 1 and lines[-2].strip().startswith(b"#"):
        start -= len(lines[-2]) + 1
        lines = place.source[:start].split(b"\n")
    end = place.source.find(b"\n", place.span(body[-1]).end)
    return place.within(type(place.region)(start, end if end >= 0 else len(place.source))).split("\n")
