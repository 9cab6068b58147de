"""Implement: the body of a function that has none yet, or the methods that an abstract base of the file asks for."""

from __future__ import annotations

from dataclasses import replace

from lsp_server.code.definitions.bodies import Missing, deeper, missing_body
from lsp_server.code.definitions.functions import Function, class_at, function_at, indent_at
from lsp_server.code.definitions.inheritance import Debt, debt_of
from lsp_server.code.definitions.mentions import evidence
from lsp_server.code.definitions.type_names import known_names
from lsp_server.transforms.refactoring import Answers, Blank, Change, Refused, rewritten
from lsp_server.transforms.writing.body_names import BodyNames
from lsp_server.types import Region, Snapshot

_CANDIDATES = 4
"""The likeliest body is often the shortest, and of no use."""
_MOST_METHODS = 6
"""Fill at most this many bodies at once: more are read by nobody."""


class Implement:
    """See `Refactoring`."""

    name = "implement"
    kind = "refactor.rewrite.implement"

    def title(self, snapshot: Snapshot, region: Region) -> str | None:
        """What the menu says where a body or an abstract method is missing."""
        function = function_at(snapshot, region)
        if function is not None:
            return f"Implement {function.name or 'this function'}" if missing_body(function) is not None else None
        debt = _debt(snapshot, region)
        return f"Implement {', '.join(owed.name for owed in debt.methods)}" if debt is not None else None

    def change(self, snapshot: Snapshot, region: Region, *, answers: Answers) -> Change:  # noqa: ARG002
        """A hole for the body; or one for each method that the class owes. Raises Refused."""
        function = function_at(snapshot, region)
        if function is not None:
            missing = missing_body(function)
            if missing is None:
                raise Refused(
                    f"{function.name or 'the function'} has a body: select it and fill it to write it anew, or put"
                    " the cursor on a function without one"
                )
            return _body(snapshot, function, missing)
        debt = _debt(snapshot, region)
        if debt is None:
            raise Refused(
                "no function without a body here: put the cursor on one whose body is missing (`pass`, `...`, a TODO,"
                " empty braces), or on a class that lacks methods of a base in this file"
            )
        return _methods(snapshot, debt)


def _debt(snapshot: Snapshot, region: Region) -> Debt | None:
    holder = class_at(snapshot, region)
    debt = debt_of(snapshot, holder) if holder is not None else None
    return replace(debt, methods=debt.methods[:_MOST_METHODS]) if debt is not None else None


def _body(snapshot: Snapshot, function: Function, missing: Missing) -> Change:
    """The body's hole, on lines of its own."""
    region = missing.region
    old = str(snapshot.text(region))
    blank = Blank(placeholder=old or _todo(snapshot))
    parts: list[str | Blank] = [blank]
    source = snapshot.source
    line_start = source.rfind(b"\n", 0, region.start) + 1
    if source[line_start : region.start].strip() or not old:
        inner = _inner_indent(source, function)
        region = _with_blanks(source, region)
        closed = source[region.end : region.end + 1] == b"}"
        parts = [f"\n{inner}", blank, f"\n{function.indent}" if closed else ""]
    change = rewritten(snapshot, [(region, parts)], summary=f"implement {function.name or 'a function'}")
    comment = snapshot.language.line_comment or "//"
    known = [*missing.todo.split("\n"), *evidence(snapshot, function)]
    said = [line if line.startswith((comment, "/*")) else f"{comment} {line}" for line in known if line.strip()]
    context = "".join(f"{function.indent}{line}\n" for line in said)
    change = replace(change, context=context, context_at=function.outer.start_byte if context else None)
    if snapshot.language.name != "python":
        return change
    names = BodyNames(change, [p.name for p in function.parameters], set(known_names(snapshot)))
    return replace(change, objection=names.objection, order=names.unused, candidates=_CANDIDATES)


def _inner_indent(source: bytes, function: Function) -> str:
    """The indentation of the body: that of its docstring, if that stands on a line of its own."""
    if function.docstring is not None:
        own = indent_at(source, function.docstring.start_byte)
        if len(own) > len(function.indent):
            return own
    return deeper(function.indent, source)


def _with_blanks(source: bytes, region: Region) -> Region:
    """The region with the blanks around it: behind it up to a closing brace only, for else they are not its own."""
    start = len(source[: region.start].rstrip())
    behind = source[region.end :]
    closer = len(behind) - len(behind.lstrip())
    return Region(start, region.end + closer if behind[closer : closer + 1] == b"}" else region.end)


def _todo(snapshot: Snapshot) -> str:
    return "pass" if snapshot.language.name == "python" else f"{snapshot.language.line_comment} TODO"


def _methods(snapshot: Snapshot, debt: Debt) -> Change:
    """The methods at the end of the class, in the order of the base."""
    indent, inner = debt.indent, deeper(debt.indent, snapshot.source)
    braces = snapshot.language.name != "python"
    parts: list[str | Blank] = []
    for number, owed in enumerate(debt.methods):
        gap = "\n" if number == 0 and debt.empty else "\n\n"
        parts += [f"{gap}{owed.header}\n{inner}", Blank(placeholder=_todo(snapshot))]
        parts += [f"\n{indent}}}"] if braces else []
    if braces and debt.empty:
        parts.append("\n" + indent.removesuffix(inner.removeprefix(indent)))
    names = ", ".join(owed.name for owed in debt.methods)
    return rewritten(snapshot, [(debt.place, parts)], summary=f"implement {names}")
