"""The walk that collects names: over the whole tree, without recursion, for statements may nest deeply."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lsp_server.code.scopes.names import Binding, Names, Occurrence, Role, Scope, ScopeKind

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True)
class Attribute:
    """`object.name`: the nodes, and the scope that it stands in."""

    node: Node
    name: Node
    object: Node
    scope: Scope


@dataclass(frozen=True)
class Keyword:
    """`name=` at a call: the call's node, the name's node, and the scope that it stands in."""

    call: Node
    name: Node
    scope: Scope


class Walk:
    """Collects the names of one tree; a language adds how its nodes are read.

    `readers`: by kind of node, the method that reads it: it notes names and says, by `push`, what to read next, in which
    scope and role. A node without a reader passes its scope and its role on to its children.

    `unclear`: why the meaning of a name is not known, by its node's id. `reserved`: why a name must not be used, or changed,
    by the name. `clashes`: how many names are declared where the language forbids it.
    """

    readers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, root: Node) -> None:
        self.root = root
        self.module = Scope("module", root, None)
        self.scopes = [self.module]
        self.occurrences: list[Occurrence] = []
        self.attributes: list[Attribute] = []
        self.keywords: list[Keyword] = []
        self.calls: list[tuple[Node, Scope]] = []
        self.strings: list[Node] = []
        self.wildcards: list[Scope] = []
        self.unclear: dict[int, str] = {}
        self.reserved: dict[str, str] = {}
        self.clashes = 0
        self._waiting: list[tuple[Node, Scope, Role]] = [(root, self.module, "use")]
        self._walk()
        self.names = Names((occurrence, self.resolve(occurrence)) for occurrence in self.occurrences)

    def resolve(self, occurrence: Occurrence) -> Scope | None:
        """The scope that declares it."""
        return next((scope for scope in occurrence.scope.around() if occurrence.name in scope.names), None)

    def binding_at(self, node: Node | None) -> Binding | None:
        """What the name that is this node means; None if it is no name, or nothing in the file declares it."""
        occurrence = self.names.occurrence_at(node.start_byte) if node is not None else None
        return self.names.binding_of(occurrence) if occurrence is not None and occurrence.node == node else None

    def scope(self, kind: ScopeKind, node: Node, parent: Scope) -> Scope:
        """A new scope."""
        made = Scope(kind, node, parent)
        self.scopes.append(made)
        return made

    def push(self, nodes: Iterable[Node | None], scope: Scope, role: Role = "use") -> None:
        """Read these nodes later."""
        self._waiting += [(node, scope, role) for node in nodes if node is not None]

    def note(self, node: Node, scope: Scope, role: Role) -> None:
        """A name stands here; all roles but `use`, `shorthand`, `export` and `keyword` declare it in the scope."""
        assert node.text is not None
        name = node.text.decode("utf-8")
        if role not in ("use", "shorthand", "keyword", "export") and name not in scope.outer:
            scope.names.add(name)
        self.occurrences.append(Occurrence(name, node, scope, role))

    def _walk(self) -> None:
        readers: dict[str, Callable[[Node, Scope, Role], None]] = {
            kind: getattr(self, method) for kind, method in self.readers.items()
        }
        while self._waiting:
            node, scope, role = self._waiting.pop()
            reader = readers.get(node.type)
            if reader is not None:
                reader(node, scope, role)
            else:
                self.push(node.named_children, scope, role)
