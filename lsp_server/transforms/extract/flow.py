"""What goes into code and what comes out of it, when it becomes a function of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from lsp_server.transforms.extract.reaching import always_leaves, dominates, reads_too, setter
from lsp_server.transforms.extract.syntax import EXPRESSIONS, above, below, words

if TYPE_CHECKING:
    from tree_sitter import Node

    from lsp_server.code.scopes.names import Binding, Occurrence, Scope
    from lsp_server.code.scopes.walk import Walk

Refuse: TypeAlias = Callable[[str], Exception]

_LOOPS = words("for_statement while_statement")
_SHIELDS = words("try_statement with_statement")
_READERS = words("locals vars dir eval exec super")
_FIXED = words(
    """type type_alias_statement decorator default_parameter typed_default_parameter format_specifier concatenated_string
    case_pattern"""
)


@dataclass(frozen=True, kw_only=True)
class Flow:
    """`inputs`: the variables that are passed; `outputs`: those that come back. `returns`: it ends in `return` on all ways,
    or the function ends with it. `waits`: it has to be async. `expression`: it is one.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    returns: bool
    waits: bool
    expression: bool


def flow_of(walk: Walk, nodes: Sequence[Node], *, refuse: Refuse) -> Flow:
    """What goes in and out of the statements, or the one expression. Raises what `refuse` makes, with the reason."""
    return _Reading(walk, nodes, refuse).flow()


class _Reading:
    def __init__(self, walk: Walk, nodes: Sequence[Node], refuse: Refuse) -> None:
        self.walk, self.nodes, self.refuse = walk, nodes, refuse
        self.start, self.end = nodes[0].start_byte, nodes[-1].end_byte
        self.expression = len(nodes) == 1 and nodes[0].type in EXPRESSIONS
        self.around = [p for _, p in above(nodes[0])]
        self.function = next((p for p in self.around if p.type in ("function_definition", "lambda")), None)
        self.loops = [p for p in self._in_function() if p.type in _LOOPS]
        self.parts = [part for node in nodes for part in below(node)]

    def flow(self) -> Flow:
        if self.function is None:
            raise self.refuse("only what stands in a function can become one; names of a module are seen by others")
        self._check_kinds()
        returns = self._returns()
        inputs: list[tuple[int, str]] = []
        outputs: list[tuple[int, str]] = []
        for binding in self.walk.names.bindings:
            inside = [o for o in binding.occurrences if self._holds(o.node)]
            if binding.scope.kind == "module" and any(o.role != "use" and not self._is_inner(o.scope) for o in inside):
                raise self.refuse(f"{binding.name} is declared global, or belongs to the module")
            if binding.scope.kind == "module" or self._is_inner(binding.scope):
                continue
            if inside:
                self._check_binding(binding, inside)
                comes_out = not returns and self._comes_out(binding, inside)
                if self._goes_in(binding, inside, comes_out=comes_out):
                    inputs.append((inside[0].node.start_byte, binding.name))
                if comes_out:
                    outputs.append((inside[0].node.start_byte, binding.name))
        waits = any(
            part.type == "await" or any(c.type == "async" for c in part.children)
            for part in self._own_parts()
            if part.type != "function_definition"
        )
        return Flow(
            inputs=tuple(name for _, name in sorted(inputs)),
            outputs=tuple(name for _, name in sorted(outputs)),
            returns=returns,
            waits=waits,
            expression=self.expression,
        )

    def _in_function(self) -> list[Node]:
        """The nodes around, up to the function."""
        found = []
        for node in self.around:
            if node == self.function:
                break
            found.append(node)
        return found

    def _holds(self, node: Node) -> bool:
        return self.start <= node.start_byte and node.end_byte <= self.end

    def _is_inner(self, scope: Scope) -> bool:
        return self._holds(scope.node)

    def _own_parts(self) -> list[Node]:
        """The parts that run in the selection itself, not in a function that it defines."""
        inner = [p for p in self.parts if p.type in ("function_definition", "lambda", "class_definition")]
        return [
            p
            for p in self.parts
            if not any(i != p and i.start_byte <= p.start_byte and p.end_byte <= i.end_byte for i in inner)
        ]

    def _check_kinds(self) -> None:
        for part in self._own_parts():
            if reason := self._why_not_part(part):
                raise self.refuse(reason)
        for part in self.parts:
            if reason := _why_not_elsewhere(part):
                raise self.refuse(reason)
        for child, parent in above(self.nodes[0]):
            if self.expression and parent.type in _FIXED:
                raise self.refuse(f"it stands in a {parent.type.replace('_', ' ')}")
            if parent.type == "interpolation" and any(c.type == "=" for c in parent.children):
                raise self.refuse("its text is printed, too")
            if child == self.function:
                break

    def _why_not_part(self, part: Node) -> str:
        """Why a statement or expression that runs in the selection keeps it from becoming a function."""
        if part.type == "yield":
            return "it yields, and a function with yield is a generator"
        if part.type in ("global_statement", "nonlocal_statement", "delete_statement"):
            return f"{part.type.replace('_', ' ')}s speak of the function's own names"
        if part.type in ("break_statement", "continue_statement") and not self._loop_inside(part):
            return f"{part.type.partition('_')[0]} leaves a loop that is not selected"
        return "it gives a variable its value" if self.expression and part.type == "named_expression" else ""

    def _loop_inside(self, part: Node) -> bool:
        return any(p.type in _LOOPS and self._holds(p) and c.type != "else_clause" for c, p in above(part))

    def _returns(self) -> bool:
        """Whether the call has to be returned."""
        found = [p for p in self._own_parts() if p.type == "return_statement"]
        if self.expression or not found or self.function is None:
            return False
        asynchronous = any(c.type == "async" for c in self.function.children)
        if asynchronous and any(p.type == "yield" for p in below(self.function)):
            raise self.refuse("an async generator returns nothing")
        if always_leaves(self.nodes[-1]) or self._ends_function():
            return True
        raise self.refuse("it returns on some ways, and goes on to what stands below on others")

    def _ends_function(self) -> bool:
        """Whether the function ends where the selection does."""
        block = self.nodes[-1].parent
        last = block.named_children[-1] if block is not None else None
        return last == self.nodes[-1] and block is not None and block.parent == self.function

    def _check_binding(self, binding: Binding, inside: Sequence[Occurrence]) -> None:
        name = binding.name
        bound_inside = [o for o in inside if o.role != "use"]
        outside = [o for o in binding.occurrences if not self._holds(o.node)]
        if bound_inside and binding.has("declared"):
            raise self.refuse(f"{name} is declared global or nonlocal")
        if bound_inside and binding.scope.node != self.function and binding.scope.kind != "comprehension":
            raise self.refuse(f"{name} belongs to another function")
        function = binding.scope.function
        closed_over = [o for o in inside if o.scope is not binding.scope and o.scope.function is not function]
        rebound = [o for o in outside if o.role not in ("use", "parameter", "splat")]
        later = [o for o in rebound if o.node.start_byte >= self.start or self.loops]
        if closed_over and (later or (bound_inside and outside)):
            raise self.refuse(f"a function in it sees {name}, which changes outside")
        if bound_inside and any(o.scope.function is not function for o in outside):
            raise self.refuse(f"another function sees {name}, which changes in it")
        shield = next((p for p in self._in_function() if p.type in _SHIELDS), None)
        if (
            bound_inside
            and shield is not None
            and any(self._after_error(shield, o.node) for o in outside if o.role == "use")
        ):
            raise self.refuse(f"{name} is used after an error, too, and would be as it was before")

    def _after_error(self, shield: Node, node: Node) -> bool:
        """Whether the node can run after an error in the selection: behind it, but not in the same body."""
        body = next(c for c, p in above(self.nodes[0]) if p == shield)
        inside_body = body.start_byte <= node.start_byte and node.end_byte <= body.end_byte
        return not inside_body and (node.start_byte >= body.end_byte or bool(self.loops))

    def _goes_in(self, binding: Binding, inside: Sequence[Occurrence], *, comes_out: bool) -> bool:
        """Whether its value before is needed. Raises where it may have none."""
        if not any(not self._holds(o.node) and o.role != "use" for o in binding.occurrences):
            return False
        bound = [o.node for o in inside if o.role != "use"]
        reads = [o.node for o in inside if o.role == "use" or reads_too(o.node)]
        needed = any(not any(dominates(b, r) for b in bound) for r in reads)
        if not needed and comes_out:
            needed = not any(self._surely(b) for b in bound)
        if not needed:
            return False
        before = [o for o in binding.occurrences if not self._holds(o.node)]
        if not any(self._is_set_before(o) for o in before if o.role != "use"):
            raise self.refuse(f"{binding.name} may have no value there yet")
        if any(o.node.parent is not None and o.node.parent.type == "delete_statement" for o in before):
            raise self.refuse(f"{binding.name} is deleted somewhere")
        return True

    def _is_set_before(self, occurrence: Occurrence) -> bool:
        if occurrence.role in ("parameter", "splat") or occurrence.scope.node != self.function:
            return True
        return dominates(occurrence.node, self.nodes[0])

    def _comes_out(self, binding: Binding, inside: Sequence[Occurrence]) -> bool:
        """Whether its value is used afterwards. Raises where it may get none."""
        bound = [o.node for o in inside if o.role != "use"]
        if not bound or self.expression:
            return False
        outside = [o for o in binding.occurrences if not self._holds(o.node)]
        rebound = [o.node for o in outside if o.role not in ("use", "parameter", "splat") and not reads_too(o.node)]
        loop = self.loops[-1] if self.loops else None
        for o in outside:
            if o.role != "use" and not reads_too(o.node):
                continue
            again = loop is not None and loop.start_byte <= o.node.start_byte < self.start
            if o.node.start_byte < self.end and not again:
                continue
            first = self.end if not again or loop is None else loop.start_byte
            if not any(b.start_byte >= first and dominates(b, o.node) for b in rebound):
                if not any(self._surely(b) for b in bound) and not self._has_value(binding):
                    raise self.refuse(f"{binding.name} may get no value in it")
                return True
        return False

    def _has_value(self, binding: Binding) -> bool:
        return any(self._is_set_before(o) for o in binding.occurrences if o.role != "use" and not self._holds(o.node))

    def _surely(self, bound: Node) -> bool:
        """Whether the selection, when it comes to its end, has set it: by a statement of its own block."""
        statement = setter(bound)
        return statement is not None and statement in self.nodes and statement.type not in _LOOPS


def _why_not_elsewhere(part: Node) -> str:
    """Why something in the selection means another thing in a function of the module."""
    text = (part.text or b"").decode("utf-8") if part.type == "identifier" else ""
    if text == "__class__" or (text.startswith("__") and not text.endswith("__")):
        return f"{text} means something else outside of its class"
    called = part.child_by_field_name("function") if part.type == "call" else None
    name = (called.text or b"").decode("utf-8") if called is not None else ""
    return f"{name}() depends on the function that calls it" if name in _READERS else ""
