"""What goes into JavaScript code and what comes out of it, when it becomes a function of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from lsp_server.transforms.extract.javascript.syntax import FUNCTIONS, LATER, LOOPS, is_written
from lsp_server.transforms.extract.syntax import above, below

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from lsp_server.code.scopes.names import Binding, Occurrence
    from lsp_server.code.scopes.walk import Walk

Refuse: TypeAlias = Callable[[str], Exception]
_OWN = {
    "this": "`this` is another one in a function of its own",
    "super": "`super` is known in methods only",
    "meta_property": "`new.target` is another one in a function of its own",
    "private_property_identifier": "private names are known in their class only",
    "yield_expression": "it yields, and a function with yield is a generator",
    "labeled_statement": "it has a label",
    "debugger_statement": "it stops the debugger",
}


@dataclass(frozen=True, kw_only=True)
class Output:
    """A variable that comes back. `keyword`: that of its declaration, if it is declared in the code; else ""."""

    name: str
    keyword: str


@dataclass(frozen=True, kw_only=True)
class JavaScriptFlow:
    """`inputs`: the variables that are passed; `outputs`: those that come back. `returns`: the call has to be returned.
    `waits`: the function has to be async.
    """

    inputs: tuple[str, ...]
    outputs: tuple[Output, ...]
    returns: bool
    waits: bool


def flow_of(walk: Walk, nodes: Sequence[Node], *, expression: bool, refuse: Refuse) -> JavaScriptFlow:
    """What goes in and out of the statements, or the one expression. Raises what `refuse` makes, with the reason."""
    return _Reading(walk, nodes, expression, refuse).flow()


class _Reading:
    def __init__(self, walk: Walk, nodes: Sequence[Node], expression: bool, refuse: Refuse) -> None:
        self.walk, self.nodes, self.expression, self.refuse = walk, nodes, expression, refuse
        self.start, self.end = nodes[0].start_byte, nodes[-1].end_byte
        self.around = [parent for _, parent in above(nodes[0])]
        self.function = next((p for p in self.around if p.type in FUNCTIONS and p.type != "class_static_block"), None)
        self.inside = list(self._in_function())

    def flow(self) -> JavaScriptFlow:
        if self.function is None:
            raise self.refuse("only what stands in a function can become one; names of a module are seen by others")
        own = [part for node in self.nodes for part in own_parts(node)]
        for part in own:
            if reason := self._why_not(part):
                raise self.refuse(reason)
        returns = self._returns(own)
        inputs: list[str] = []
        outputs: list[Output] = []
        for binding in self.walk.names.bindings:
            inside = [o for o in binding.occurrences if self._holds(o.node)]
            scope = binding.scope
            if not inside or scope is self.walk.module or self._holds(scope.node):
                continue
            outside = [o for o in binding.occurrences if not self._holds(o.node)]
            self._check(binding, inside, outside)
            if any(_declares(o) for o in outside):
                inputs.append(binding.name)
            if not returns and any(_changes(o) for o in inside) and self._used_after(outside):
                outputs.append(Output(name=binding.name, keyword=self._keyword(binding, inside)))
        waits = any(
            p.type == "await_expression" or (p.type == "for_in_statement" and b"await" in _head(p)) for p in own
        )
        return JavaScriptFlow(inputs=tuple(inputs), outputs=tuple(outputs), returns=returns, waits=waits)

    def _in_function(self) -> Iterator[Node]:
        for node in self.around:
            if node == self.function:
                return
            yield node

    def _holds(self, node: Node) -> bool:
        return self.start <= node.start_byte and node.end_byte <= self.end

    def _why_not(self, part: Node) -> str:
        if reason := _OWN.get(part.type):
            return reason
        if part.type == "identifier" and part.text == b"arguments" and self.walk.binding_at(part) is None:
            return "`arguments` are others in a function of its own"
        if part.type in ("break_statement", "continue_statement"):
            targets = LOOPS | {"switch_statement"} if part.type == "break_statement" else LOOPS
            if part.named_child_count or not any(p.type in targets and self._holds(p) for _, p in above(part)):
                return f"{part.type.partition('_')[0]} leaves a loop that is not selected"
        return ""

    def _returns(self, own: Sequence[Node]) -> bool:
        """Whether the call has to be returned."""
        if self.expression or not any(p.type == "return_statement" for p in own):
            return False
        block = self.nodes[-1].parent
        last = [c for c in block.named_children if c.type != "comment"][-1] if block is not None else None
        ends = last == self.nodes[-1] and block is not None and block.parent == self.function
        if ends or _always_leaves(self.nodes[-1]):
            return True
        raise self.refuse("it returns on some ways, and goes on to what stands below on others")

    def _check(self, binding: Binding, inside: Sequence[Occurrence], outside: Sequence[Occurrence]) -> None:
        """Raises where the variable is one for others, too, or may have no value."""
        name, home = binding.name, binding.scope.function
        changed = [o for o in inside if _changes(o)]
        closed = [o for o in binding.occurrences if o.scope.function is not home]
        ours = home.node == self.function
        if changed and (closed or not ours) and (outside or not ours):
            raise self.refuse(f"another function sees {name}, which changes in it")
        later = [o for o in outside if _changes(o) and not (o.role != "use" and o.node.start_byte < self.start)]
        looped = any(p.type in LOOPS for p in self.inside) and any(o.role == "use" and _changes(o) for o in outside)
        if any(o in closed for o in inside) and ours and (later or looped):
            raise self.refuse(f"a function in it sees {name}, which changes outside")
        if not ours and any(o.role == "use" and _changes(o) for o in outside):
            raise self.refuse(f"{name} belongs to another function, which changes it")
        known = [o for o in outside if _declares(o)]
        hoisted = any(o.role == "function" for o in known)
        if known and ours and not hoisted and not any(o.node.start_byte < self.start for o in known):
            raise self.refuse(f"{name} may have no value there yet")
        if known and any(_declares(o) for o in inside):
            raise self.refuse(f"{name} is declared in it and outside")
        if any(_declares(o) for o in inside) and any(o.node.start_byte < self.start for o in outside):
            raise self.refuse(f"{name} is used before it is declared")
        if changed and outside and any(p.type == "try_statement" for p in self.inside):
            raise self.refuse(f"{name} is used after an error, too, and would be as it was before")

    def _used_after(self, outside: Sequence[Occurrence]) -> bool:
        loop = any(p.type in LOOPS for p in self.inside)
        return any(o.node.start_byte >= self.end or (loop and not _declares(o)) for o in outside)

    def _keyword(self, binding: Binding, inside: Sequence[Occurrence]) -> str:
        declared = next((o for o in inside if _declares(o)), None)
        if declared is None:
            if self.expression:
                raise self.refuse(f"it gives {binding.name} its value")
            return ""
        statement = next(
            (p for _, p in above(declared.node) if p.type in ("lexical_declaration", "variable_declaration")), None
        )
        if statement is None or statement not in self.nodes or declared.role not in ("bind", "shorthand-bind"):
            raise self.refuse(f"{binding.name} may get no value in it")
        return (statement.children[0].text or b"").decode("utf-8")


def own_parts(node: Node) -> Iterator[Node]:
    """The parts that have the `this` and the returns of the function around; arrow functions only the former."""
    waiting = [(node, False)]
    while waiting:
        one, arrow = waiting.pop()
        leaves = one.type in ("return_statement", "await_expression", "yield_expression", "break_statement",
                              "continue_statement", "labeled_statement")  # fmt: skip
        if not (arrow and leaves):
            yield one
        if one.type == "arrow_function":
            waiting += [(c, True) for c in one.named_children]
        elif one.type not in LATER or one.type == "class_body":
            waiting += [(c, arrow) for c in one.children]


def _changes(occurrence: Occurrence) -> bool:
    return occurrence.role not in ("use", "shorthand", "export") or is_written(occurrence.node)


def _declares(occurrence: Occurrence) -> bool:
    return occurrence.role not in ("use", "shorthand", "export")


def _head(loop: Node) -> bytes:
    return b" ".join(c.text or b"" for c in loop.children if not c.is_named)


def _always_leaves(node: Node) -> bool:
    if node.type in ("return_statement", "throw_statement"):
        return True
    if node.type == "statement_block":
        inner = [c for c in node.named_children if c.type != "comment"]
        return bool(inner) and _always_leaves(inner[-1])
    if node.type == "if_statement":
        one, other = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
        return (
            one is not None and other is not None and _always_leaves(one) and _always_leaves(other.named_children[-1])
        )
    return False


def uses_strict(node: Node) -> bool:
    """Whether a function around is strict by a directive of its own."""
    return any(
        part.type == "string_fragment" and part.text == b"use strict"
        for _, around in above(node)
        if around.type in FUNCTIONS and (body := around.child_by_field_name("body")) is not None
        for first in body.named_children[:1]
        for part in below(first)
    )
