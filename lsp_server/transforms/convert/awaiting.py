"""`to-await`: a chain of `.then(callback)` in an async function of JavaScript becomes statements that await."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsp_server.code.scopes.analysis import leaf_at, walk_of
from lsp_server.transforms.extract.javascript.flow import own_parts
from lsp_server.transforms.extract.javascript.syntax import ATOMS, FUNCTIONS, LANGUAGES, is_written, statement_of
from lsp_server.transforms.extract.syntax import above, below, field_of, indent_before
from lsp_server.transforms.extract.text import body_lines
from lsp_server.transforms.refactoring import Answers, Change, Refused, rewritten
from lsp_server.types import Region, Snapshot

if TYPE_CHECKING:
    from tree_sitter import Node

    from lsp_server.code.scopes.walk import Walk


@dataclass(frozen=True, kw_only=True)
class ToAwait:
    """Needs no model."""

    name: str = "to-await"
    kind: str = "refactor.rewrite.convert"

    def title(self, snapshot: Snapshot, region: Region) -> str | None:
        try:
            return "Convert to await" if _Chain.at(snapshot, region) is not None else None
        except Refused:
            return None

    def change(self, snapshot: Snapshot, region: Region, *, answers: Answers) -> Change:  # noqa: ARG002
        chain, walk = _Chain.at(snapshot, region), walk_of(snapshot)
        if chain is None or walk is None:
            raise _refuse("no chain of .then() here that a statement returns or awaits")
        chain.check(walk)
        statement = chain.statement
        indent = indent_before(snapshot, statement.start_byte) or ""
        text = "\n".join(chain.lines(walk, indent)).removeprefix(indent)
        return rewritten(
            snapshot, [(Region(statement.start_byte, statement.end_byte), [text])], summary="convert to await"
        )


@dataclass(frozen=True, kw_only=True)
class _Chain:
    """`base.then(callback).then(callback)…`, whose value `statement` returns, awaits, or gives to a variable."""

    snapshot: Snapshot
    statement: Node
    base: Node
    callbacks: tuple[Node, ...]

    @classmethod
    def at(cls, snapshot: Snapshot, region: Region) -> _Chain | None:
        """The chain at the cursor. Raises Refused where there is one that cannot be converted."""
        leaf = leaf_at(snapshot, region) if snapshot.language.name in LANGUAGES else None
        for node in (p for _, p in above(leaf)) if leaf is not None else ():
            value = _value_of(node)
            if value is None or _then(value) is None:
                continue
            callbacks: list[Node] = []
            while (link := _then(value)) is not None:
                value, callback = link
                callbacks.insert(0, callback)
            chain = cls(snapshot=snapshot, statement=node, base=value, callbacks=tuple(callbacks))
            if reason := chain.why_not():
                raise _refuse(reason)
            return chain
        return None

    def why_not(self) -> str:
        """Why the place or a callback does not allow it."""
        function = next((p for _, p in above(self.statement) if p.type in FUNCTIONS), None)
        comments = [c for c in below(self.statement) if c.type == "comment"]
        kept = [self.base, *(part for callback in self.callbacks for part in _statements(callback))]
        shielded = any(p.type == "try_statement" for p in _within(self.statement, function))
        rules = {
            "the function is not async: what it throws at once would become a rejection": function is None
            or not any(c.type == "async" for c in function.children),
            "the statement has no braces of its own; put some around it first": statement_of(self.statement)
            != self.statement,
            "the statement shares the line with another one": indent_before(self.snapshot, self.statement.start_byte)
            is None,
            "a `try` around would catch what it did not": self.statement.type == "return_statement" and shielded,
            "a comment would be lost": any(
                not any(k.start_byte <= c.start_byte and c.end_byte <= k.end_byte for k in kept) for c in comments
            ),
        }
        found = next((reason for reason, holds in rules.items() if holds), "")
        return found or next((reason for callback in self.callbacks if (reason := _why_not_callback(callback))), "")

    def check(self, walk: Walk) -> None:
        """Raises Refused where a name of a callback means something else around it."""
        function = next(p for _, p in above(self.statement) if p.type in FUNCTIONS)
        for callback in self.callbacks:
            own = {b.name for b in walk.names.bindings if b.scope.node == callback}
            for o in walk.names.occurrences:
                outside = not (callback.start_byte <= o.node.start_byte < callback.end_byte)
                if o.name in own and outside and function.start_byte <= o.node.start_byte < function.end_byte:
                    raise _refuse(f"{o.name} is another variable in line {o.node.start_point.row + 1}")

    def lines(self, walk: Walk, indent: str) -> Iterator[str]:
        value = self._text(self.base) if self.base.type in ATOMS else f"({self._text(self.base)})"
        for callback in self.callbacks:
            parameter = _parameter(callback)
            if parameter is None:
                yield f"{indent}await {value};"
            else:
                yield f"{indent}{_keyword(walk, parameter)} {self._text(parameter)} = await {value};"
            statements, result = _statements(callback), _result(callback)
            if statements:
                yield body_lines(self.snapshot, tuple(statements), indent)
            value = self._text(result) if result is not None else "undefined"
            if result is not None and result.type not in ATOMS and callback != self.callbacks[-1]:
                value = f"({value})"
        yield from self._last(value, indent)

    def _last(self, value: str, indent: str) -> Iterator[str]:
        """What the statement does with the value of the last callback."""
        block, unset = self.statement.parent, value == "undefined"
        if self.statement.type == "return_statement":
            ends = block is not None and block.parent is not None and block.parent.type in FUNCTIONS
            last = ends and block is not None and block.named_children[-1] == self.statement
            if not (unset and last):
                yield f"{indent}return;" if unset else f"{indent}return {value};"
            return
        result = _result(self.callbacks[-1])
        awaited = value if unset else f"await {value if result is None or result.type in ATOMS else f'({value})'}"
        if self.statement.type == "lexical_declaration":
            keyword, declarator = self.statement.children[0], self.statement.named_children[0]
            yield f"{indent}{self._text(keyword)} {self._text(declarator.child_by_field_name('name'))} = {awaited};"
        elif not unset:
            yield f"{indent}{awaited};"

    def _text(self, node: Node | None) -> str:
        assert node is not None, "the node is there"
        return str(self.snapshot.text(Region(node.start_byte, node.end_byte)))


def _value_of(node: Node) -> Node | None:
    """What a statement returns, awaits, or awaits for its one variable."""
    found = node.named_children[0] if node.named_child_count == 1 else None
    if found is None or node.type not in ("return_statement", "expression_statement", "lexical_declaration"):
        return None
    if node.type == "lexical_declaration":
        found = found.child_by_field_name("value") if found.child_by_field_name("type") is None else None
    awaited = found is not None and found.type == "await_expression"
    if found is not None and awaited:
        return found.named_children[0]
    return found if node.type == "return_statement" else None


def _then(node: Node) -> tuple[Node, Node] | None:
    """`object.then(callback)`: the object and the callback."""
    called, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if node.type != "call_expression" or called is None or called.type != "member_expression" or arguments is None:
        return None
    name, base = called.child_by_field_name("property"), called.child_by_field_name("object")
    plain = not any(c.type == "optional_chain" for c in called.children)
    if base is None or name is None or name.text != b"then" or not plain or arguments.named_child_count != 1:
        return None
    callback = arguments.named_children[0]
    return (base, callback) if callback.type in ("arrow_function", "function_expression") else None


def _why_not_callback(callback: Node) -> str:
    parts = list(own_parts(callback.child_by_field_name("body") or callback))
    last = _last_statement(callback)
    plain = callback.type == "arrow_function"
    rules = {
        "a callback takes more than one value, or a default": _has_odd_parameters(callback),
        "a callback has a name": callback.child_by_field_name("name") is not None,
        "a callback has a `this` or `arguments` of its own": not plain
        and any(p.type in ("this", "super", "meta_property") or p.text == b"arguments" for p in parts),
        "a callback returns on some ways before its end": any(
            p.type == "return_statement" and p != last for p in parts
        ),
    }
    return next((reason for reason, holds in rules.items() if holds), "")


def _parameters(callback: Node) -> list[Node]:
    one, several = callback.child_by_field_name("parameter"), callback.child_by_field_name("parameters")
    return [one] if one is not None else list(several.named_children) if several is not None else []


def _has_odd_parameters(callback: Node) -> bool:
    found = [_pattern(parameter) for parameter in _parameters(callback)]
    kinds = ("identifier", "object_pattern", "array_pattern")
    return len(found) > 1 or any(p is None or p.type not in kinds for p in found)


def _pattern(parameter: Node) -> Node | None:
    """The name or pattern of a parameter; None if it has a type or a default."""
    if parameter.type != "required_parameter":
        return parameter
    return parameter.child_by_field_name("pattern") if parameter.named_child_count == 1 else None


def _parameter(callback: Node) -> Node | None:
    return next((_pattern(p) for p in _parameters(callback)), None)


def _keyword(walk: Walk, parameter: Node) -> str:
    names = [b for part in below(parameter) if (b := walk.binding_at(part)) is not None]
    return "let" if any(is_written(o.node) and o.role == "use" for b in names for o in b.occurrences) else "const"


def _last_statement(callback: Node) -> Node | None:
    body = callback.child_by_field_name("body")
    if body is None or body.type != "statement_block":
        return None
    return next((c for c in reversed(body.named_children) if c.type != "comment"), None)


def _statements(callback: Node) -> list[Node]:
    """The statements and comments of the body, without a return at its end."""
    body, last = callback.child_by_field_name("body"), _last_statement(callback)
    if body is None or body.type != "statement_block":
        return []
    return [c for c in body.named_children if c.type != "return_statement" or c != last]


def _result(callback: Node) -> Node | None:
    """The expression that the callback returns."""
    body, last = callback.child_by_field_name("body"), _last_statement(callback)
    if body is None or body.type != "statement_block":
        return body
    returned = last.named_children if last is not None and last.type == "return_statement" else []
    return returned[0] if returned else None


def _within(node: Node, function: Node | None) -> Iterator[Node]:
    for child, parent in above(node):
        if parent == function:
            return
        if parent.type == "try_statement" and field_of(child) == "body":
            yield parent


def _refuse(reason: str) -> Refused:
    return Refused(f"not converted to await: {reason}")
