"""A loop that only collects becomes a comprehension, and the other way round."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from lsp_server.code.definitions.bodies import deeper
from lsp_server.transforms.convert.place import Place, names
from lsp_server.transforms.refactoring import Replacement
from lsp_server.types import Region

_LEAVES = (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)
_BRACKETS = {"list": "[]", "set": "{}", "dict": "{}"}


def to_comprehension(place: Place) -> Replacement | str:
    """The assignment and the loop as one comprehension; why not, if not."""
    for block in place.blocks():
        for first, loop in pairwise(block):
            region = Region(place.line_of(first).start, place.span(loop).end)
            here = isinstance(loop, ast.For) and region.start <= place.region.start <= region.end
            if here and isinstance(loop, ast.For) and (found := _collected(place, first, loop)) is not None:
                return found
    return "no loop that only collects: put the cursor on `x = []` with `for … in …: x.append(…)` right below it"


def _collected(place: Place, first: ast.stmt, loop: ast.For) -> Replacement | str | None:  # noqa: PLR0911  a reason each
    if not isinstance(first, ast.Assign) or len(first.targets) != 1 or not isinstance(first.targets[0], ast.Name):
        return None
    into, kind = first.targets[0].id, _empty(first.value)
    body, conditions = loop.body, list[ast.expr]()
    while len(body) == 1 and isinstance(body[0], ast.If) and not body[0].orelse:
        conditions.append(body[0].test)
        body = body[0].body
    collects = _collects(body, into, kind) if kind else None
    if collects is None or loop.orelse or loop.type_comment:
        return None
    parts = [*collects, *conditions, loop.iter]
    if into in set().union(*map(names, parts)) or into in names(loop.target):
        return f"{into} is read while it is collected: a comprehension would not have it"
    if any(isinstance(n, _LEAVES) for part in parts for n in ast.walk(part)):
        return "an await, yield or := in the loop means something else in a comprehension"
    if problem := _scoping(place, loop):
        return problem
    region = Region(place.span(first).start, place.span(loop).end)
    if place.has_comment(region):
        return "a comment in the loop would be lost: move it above"
    brackets = _BRACKETS[kind]
    opening, closing = brackets[0], brackets[1]
    said = ": ".join(
        _operand(place, part) if isinstance(part, ast.Tuple | ast.Lambda) else place.text(part) for part in collects
    )
    wheres = "".join(f" if {_operand(place, c)}" for c in conditions)
    target = place.text(loop.target)
    return region, [f"{into} = {opening}{said} for {target} in {_operand(place, loop.iter)}{wheres}{closing}"]


def to_loop(place: Place) -> Replacement | str:
    """An assignment of a comprehension as a loop; why not, if not."""
    for statement in place.holding(ast.Assign):
        value, target = statement.value, statement.targets[0]
        if not isinstance(value, ast.ListComp | ast.SetComp | ast.DictComp) or len(statement.targets) != 1:
            continue
        if not isinstance(target, ast.Name) or place.indent(statement).strip():
            continue
        bound = set().union(*(names(g.target) for g in value.generators))
        if any(g.is_async for g in value.generators):
            return "an asynchronous comprehension is not converted"
        if target.id in names(value) or bound & _elsewhere(place, statement):
            return "a name of the comprehension is used around it: as a loop it would change what that name holds"
        if isinstance(place.scope_of(statement), ast.ClassDef | ast.Module):
            return "in a class or module the loop's names would stay behind"
        if place.has_comment(place.span(statement)):
            return "a comment in the comprehension would be lost: move it above"
        return place.span(statement), [_looped(place, target.id, value, place.indent(statement))]
    return "no comprehension is assigned to a name here"


def _looped(place: Place, into: str, value: ast.ListComp | ast.SetComp | ast.DictComp, indent: str) -> str:
    empty = {ast.ListComp: "[]", ast.SetComp: "set()", ast.DictComp: "{}"}[type(value)]
    lines = [f"{into} = {empty}"]
    at = indent
    for generator in value.generators:
        lines.append(f"{at}for {place.text(generator.target)} in {place.text(generator.iter)}:")
        at = deeper(at, place.source)
        for test in generator.ifs:
            lines.append(f"{at}if {place.text(test)}:")
            at = deeper(at, place.source)
    if isinstance(value, ast.DictComp):
        lines.append(f"{at}{into}[{place.text(value.key)}] = {place.text(value.value)}")
    else:
        method = "append" if isinstance(value, ast.ListComp) else "add"
        lines.append(f"{at}{into}.{method}({place.text(value.elt)})")
    return "\n".join(lines)


def _empty(value: ast.expr) -> str:
    if isinstance(value, ast.List) and not value.elts:
        return "list"
    if isinstance(value, ast.Dict) and not value.keys:
        return "dict"
    called = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and not value.args and not value.keywords
    return value.func.id if called and value.func.id in _BRACKETS else ""  # type: ignore[attr-defined]  # a Call, a Name


def _collects(body: list[ast.stmt], into: str, kind: str) -> list[ast.expr] | None:
    """What is collected: an element, or a key and its value."""
    if len(body) != 1:
        return None
    (statement,) = body
    if kind == "dict":
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            return None
        target = statement.targets[0]
        own = isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id == into
        return [target.slice, statement.value] if own and isinstance(target, ast.Subscript) else None
    call = statement.value if isinstance(statement, ast.Expr) else None
    method = {"list": "append", "set": "add"}[kind]
    if not isinstance(call, ast.Call) or len(call.args) != 1 or call.keywords or isinstance(call.args[0], ast.Starred):
        return None
    func = call.func
    own = (
        isinstance(func, ast.Attribute)
        and func.attr == method
        and isinstance(func.value, ast.Name)
        and func.value.id == into
    )
    return [call.args[0]] if own else None


def _scoping(place: Place, loop: ast.For) -> str:
    """Why the loop's names may not become those of a comprehension."""
    if not isinstance(loop.target, ast.Name | ast.Tuple | ast.List) or any(
        isinstance(n, ast.Attribute | ast.Subscript) for n in ast.walk(loop.target)
    ):
        return "the loop assigns to more than names"
    scope = place.scope_of(loop)
    if isinstance(scope, ast.ClassDef | ast.Module):
        return "in a class or module the loop's names are seen from outside"
    if names(loop.target) & _elsewhere(place, loop):
        return "a name of the loop is used outside of it: after a comprehension it would be gone"
    return ""


def _elsewhere(place: Place, node: ast.stmt) -> set[str]:
    """The names that the scope of a statement mentions outside of it."""
    inside = {id(n) for n in ast.walk(node)}
    scope = place.scope_of(node)
    found = {n.id for n in ast.walk(scope) if isinstance(n, ast.Name) and id(n) not in inside}
    found |= {name for n in ast.walk(scope) if isinstance(n, ast.Global | ast.Nonlocal) for name in n.names}
    return found | set(_arguments(scope))


def _arguments(scope: ast.AST) -> Iterator[str]:
    if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        yield from (n.arg for n in ast.walk(scope.args) if isinstance(n, ast.arg))


def _operand(place: Place, node: ast.expr) -> str:
    """The text, in parentheses where a comprehension would read it otherwise."""
    text = place.text(node)
    return (
        f"({text})"
        if isinstance(node, ast.IfExp | ast.Lambda) or (isinstance(node, ast.Tuple) and text[:1] != "(")
        else text
    )
