"""Occurrences of names, grouped by what they mean: the result of a scope analysis, whatever the language."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from lsp_server.types import Region

if TYPE_CHECKING:
    from tree_sitter import Node

Role: TypeAlias = Literal[
    "use", "bind", "parameter", "splat", "function", "class", "import", "package", "declared", "shorthand",
    "shorthand-bind", "keyword", "type-parameter", "export",
]  # fmt: skip
"""How a name stands there.

bind: it gets a value. splat: it is a parameter that takes any number of arguments. import: it is brought in under its own
name; package: so is `a` by `import a.b`. declared: `global a`. shorthand: it is a property's name, too, as in `{a}`;
shorthand-bind: so it is in a pattern. keyword: it names an argument. export: it is one that other files see.
"""

ScopeKind: TypeAlias = Literal["module", "function", "class", "comprehension", "block", "types"]


@dataclass(eq=False)
class Scope:
    """Where names are declared. `node` is the syntax that makes it; `names` are those that it declares."""

    kind: ScopeKind
    node: Node
    parent: Scope | None
    names: set[str] = field(default_factory=set)
    outer: dict[str, Literal["global", "nonlocal"]] = field(default_factory=dict)

    def around(self) -> Iterator[Scope]:
        """The scope itself and those that it stands in, the nearest first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    @property
    def function(self) -> Scope:
        """The nearest scope that is a function's, or the module's."""
        return next(scope for scope in self.around() if scope.kind in ("function", "module"))


@dataclass(frozen=True, eq=False)
class Occurrence:
    """A name in the file, in the scope in which it is looked up."""

    name: str
    node: Node
    scope: Scope
    role: Role

    @property
    def region(self) -> Region:
        return Region(self.node.start_byte, self.node.end_byte)


@dataclass(frozen=True, eq=False)
class Binding:
    """What a name means: the scope that declares it, and all of its occurrences, in file order."""

    name: str
    scope: Scope
    occurrences: tuple[Occurrence, ...]

    def has(self, *roles: Role) -> bool:
        """Whether it occurs in one of these roles."""
        return any(occurrence.role in roles for occurrence in self.occurrences)


class Names:
    """All names of a file. `pairs`: each occurrence with the scope that declares it (None: nothing in the file does)."""

    def __init__(self, pairs: Iterable[tuple[Occurrence, Scope | None]]) -> None:
        found = sorted(pairs, key=lambda pair: (pair[0].node.start_byte, pair[0].node.end_byte))
        self.occurrences = [occurrence for occurrence, _ in found]
        self._starts = [occurrence.node.start_byte for occurrence in self.occurrences]
        groups: dict[tuple[str, int], list[Occurrence]] = {}
        scopes: dict[tuple[str, int], Scope] = {}
        self.free: set[str] = set()
        for occurrence, scope in found:
            if scope is None:
                self.free.add(occurrence.name)
                continue
            key = (occurrence.name, id(scope))
            groups.setdefault(key, []).append(occurrence)
            scopes[key] = scope
        self.bindings = [
            Binding(name=key[0], scope=scopes[key], occurrences=tuple(group)) for key, group in groups.items()
        ]
        self._of = {id(occurrence): binding for binding in self.bindings for occurrence in binding.occurrences}

    def occurrence_at(self, offset: int) -> Occurrence | None:
        """The occurrence that holds the byte at `offset`, or ends there."""
        for index in range(bisect_right(self._starts, offset) - 1, max(-1, bisect_right(self._starts, offset) - 3), -1):
            occurrence = self.occurrences[index]
            if occurrence.node.start_byte <= offset <= occurrence.node.end_byte:
                return occurrence
        return None

    def binding_of(self, occurrence: Occurrence) -> Binding | None:
        """What it means; None if nothing in the file declares it."""
        return self._of.get(id(occurrence))

    def inside(self, region: Region) -> list[Occurrence]:
        """The occurrences in a region, in file order."""
        return [o for o in self.occurrences if region.start <= o.node.start_byte and o.node.end_byte <= region.end]

    def pattern(self) -> list[int | str]:
        """For each occurrence the number of the first one that means the same, or the name of what is not declared here.

        Two files in which the same names mean the same have the same pattern, whatever the names are.
        """
        first: dict[int, int] = {}
        found: list[int | str] = []
        for number, occurrence in enumerate(self.occurrences):
            binding = self.binding_of(occurrence)
            found.append(occurrence.name if binding is None else first.setdefault(id(binding), number))
        return found
