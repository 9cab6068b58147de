"""`%` and `.format` become f-strings, where they say exactly the same."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator

from lsp_server.transforms.convert.place import Place
from lsp_server.transforms.refactoring import Replacement

_PERCENT = re.compile(r"%(?:(%)|([sr]))")
_SIMPLE = (ast.Name, ast.Constant, ast.Attribute)
_LITERAL = re.compile(r"""(["'])((?:(?!\1)[^\\\n]|\\.)*)\1\Z""")


def to_f_string(place: Place) -> Replacement | str:
    """The formatted string at the cursor as an f-string; why not, if not."""
    for node in place.holding(ast.expr):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and _is_text(node.left):
            return _converted(place, node, node.left, _from_percent(place, node))
        func = node.func if isinstance(node, ast.Call) else None
        if (
            isinstance(node, ast.Call)
            and isinstance(func, ast.Attribute)
            and func.attr == "format"
            and _is_text(func.value)
        ):
            return _converted(place, node, func.value, _from_format(place, node, func.value))
    return "no string with `%` or `.format` here"


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _converted(place: Place, node: ast.expr, literal: ast.expr, inner: str) -> Replacement | str:
    if inner.startswith("!"):
        return inner[1:].strip()
    if place.has_comment(place.span(node)):
        return "a comment in the expression would be lost: move it above"
    quote = place.text(literal)[0]
    return place.span(node), [f"f{quote}{inner}{quote}"]


def _literal(place: Place, node: ast.expr) -> tuple[str, str] | None:
    """(quote, what stands between) of one plain literal."""
    found = _LITERAL.match(place.text(node))
    return (
        (found[1], found[2])
        if found and isinstance(node, ast.Constant) and ast.literal_eval(found[0]) == node.value
        else None
    )


def _from_percent(place: Place, node: ast.BinOp) -> str:
    literal = _literal(place, node.left)
    if literal is None:
        return "! a string with a prefix, in triple quotes or in several pieces is not converted"
    quote, text = literal
    if not isinstance(node.right, ast.Tuple):
        return "! what is formatted may be a tuple: only `% (a, b)` says the same as an f-string for certain"
    values = [_value(place, value, quote) for value in node.right.elts]
    if any(value is None for value in values):
        return "! a value holds quotes, a backslash, a line end or *: name it first"
    left = _PERCENT.sub("", text)
    used = [m for m in _PERCENT.finditer(text) if m[2]]
    if "%" in left or len(used) != len(values):
        return "! only %s and %r mean the same in an f-string"
    given = iter(values)

    def put(match: re.Match[str]) -> str:
        return "%" if match[1] else f"{{{next(given)}{'!r' if match[2] == 'r' else '!s'}}}"

    braced = text.replace("{", "{{").replace("}", "}}")
    return _PERCENT.sub(put, braced) if "\\N{" not in text else "! a named character is not converted"


def _from_format(place: Place, call: ast.Call, node: ast.expr) -> str:
    literal = _literal(place, node)
    if literal is None:
        return "! a string with a prefix, in triple quotes or in several pieces is not converted"
    quote, text = literal
    keywords = {k.arg: k.value for k in call.keywords}
    if None in keywords or any(isinstance(a, ast.Starred) for a in call.args) or "\\N{" in text:
        return "! what * and ** bring along is not known"
    parts, used = [], list[ast.expr]()
    try:
        for lead, field, spec, conversion in _fields(text):
            parts.append(lead.replace("{", "{{").replace("}", "}}"))
            if field is None:
                continue
            value = call.args[int(field)] if field.isdigit() else keywords[field]
            used.append(value)
            said = _value(place, value, quote)
            if said is None or "{" in (spec or ""):
                return "! a value holds quotes, a backslash or a line end, or the width is computed: name it first"
            parts.append(f"{{{said}{'!' + conversion if conversion else ''}{':' + spec if spec else ''}}}")
    except (ValueError, KeyError, IndexError):
        return "! a field names an attribute, an item, or what is not given"
    given = [*call.args, *keywords.values()]
    if len(used) != len(given) or [*map(id, used)] != [*map(id, given)]:
        simple = all(isinstance(value, _SIMPLE) for value in given)
        if not simple or {*map(id, used)} != {*map(id, given)}:
            return "! the values would be computed in another order, or not as often"
    return "".join(parts)


def _fields(text: str) -> Iterator[tuple[str, str | None, str | None, str | None]]:
    number, named = 0, False
    for lead, field, spec, conversion in string.Formatter().parse(text):
        named = named or bool(field and field.isdigit())
        if field == "":
            field, number = str(number), number + 1  # noqa: PLW2901
        if number and named:
            raise ValueError("numbered fields beside others raise an error as they stand")
        yield lead, field, spec, conversion


def _value(place: Place, node: ast.expr, quote: str) -> str | None:
    """The text of a value as it may stand in an f-string of any Python; None if it may not."""
    text = place.text(node)
    if isinstance(node, ast.Starred) or any(c in text for c in (quote, "\\", "\n", "#", "!")):
        return None
    wrapped = isinstance(
        node, ast.Lambda | ast.IfExp | ast.NamedExpr | ast.Yield | ast.Await | ast.GeneratorExp | ast.Tuple
    )
    if text.startswith("{"):
        return f" {text}"
    apart = wrapped or (":" in text and text[0] not in "([")
    return f"({text})" if apart and not text.startswith("(") else text
