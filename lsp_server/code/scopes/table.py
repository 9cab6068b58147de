"""The local names of a language that is described by a query: `locals/<language>.scm`, in the style of tree-sitter's locals.

The captures:
`@scope`: names declared in the node are known in it alone; `@scope.not` takes that back.
`@local`, `@local.parameter`, `@local.shorthand`: a name is declared (shorthand: it is a field's name, too).
`@binder`: what declares the names in it, up to the next binder; they are known in `@place`, or else in the nearest scope
that holds the binder, from its start or from the end of `@after`, up to the end of `@until`. `@binder.after`: from the
binder's end. `@binder.from`: from the name's end. `@fresh`: a second binder makes a second variable.
`@wall`: what is declared around the node is not known in it. `@members`: it may have members of the same name.
`@name`: a name that is looked up, if it is no `@other`, and in no `@outside`. `@shorthand`: as the declaration.
`@constant`: a name that declares no variable, wherever it stands.
`@opaque`: what its names mean is not known; `@opaque.everywhere`: wherever it is used. `@expressions`: tokens that are
expressions. `@called` and `@arguments`: the arguments are opaque if a constant is called.
`@unclear`: whether the name is a variable is not known, unless it is `@clear`; `@doubtful`: so are all names in it.
`@foreign`: what it declares is known in other files. These four say why by `(#set! reason "…")`.
`(#set! shadowing "forbidden")`: a variable must not have the name of one that is known there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lsp_server.code.languages.queries import Captures, query_of
from lsp_server.code.languages.table import by_name
from lsp_server.code.scopes.names import Occurrence, Role, Scope
from lsp_server.code.scopes.tokens import format_words, tokens_that_are_names
from lsp_server.code.scopes.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tree_sitter import Node, Query

_QUERIES: Mapping[str, tuple[str, ...]] = {
    "go": ("go",), "rust": ("rust",), "java": ("java",), "c": ("c",), "cpp": ("c", "cpp"),
}  # fmt: skip
TABLES = tuple(_QUERIES)
"""The languages that have a query."""
_ROLES: Mapping[str, Role] = {"local": "bind", "local.parameter": "parameter", "local.shorthand": "shorthand-bind"}
_WORD = re.compile(rb"[^\W\d]\w*")


@dataclass(eq=False, kw_only=True)
class Local:
    """A variable: known in the node `place` from byte `start` to byte `end`."""

    place: Node
    end: int
    scope: Scope
    start: int

    def knows(self, node: Node) -> bool:
        return self.start <= node.start_byte < self.end


@cache
def _query(language: str) -> Query:
    folder = Path(__file__).with_name("locals")
    return query_of(by_name(language), "".join((folder / f"{n}.scm").read_text("utf-8") for n in _QUERIES[language]))


class TableWalk(Walk):
    """Reads the local names of one function after another; all other names are nothing that the file declares."""

    def __init__(self, root: Node, *, language: str) -> None:
        self.captures = Captures(_query(language), root)
        binders = "binder", "binder.after", "binder.from"
        self._beside = {word: self.captures.beside(binders, word) for word in ("place", "after", "until")}
        self.locals: dict[str, list[Local]] = {}
        self._own: dict[int, Local] = {}
        super().__init__(root)
        if self.captures.setting("rules", "shadowing"):
            self.clashes = sum(1 for _ in self._clashing())

    def resolve(self, occurrence: Occurrence) -> Scope | None:
        own = self._own.get(occurrence.node.id)
        found = own or self._known(occurrence.name, occurrence.node)
        if found is None:
            return None
        if reason := self._member_reason(found, occurrence.node):
            self.unclear[occurrence.node.id] = reason
        return found.scope

    def _walk(self) -> None:
        self._constants = {_text(node) for node in self.captures.nodes("constant")}
        self._read_macros()
        names = {node.id: node for node in self.captures.nodes("name")}
        for capture in ("other", "outside"):
            for node in self.captures.nodes(capture):
                for part in _below(node) if capture == "outside" else (node,):
                    names.pop(part.id, None)
        self._declare(names)
        shorthand = {node.id for node in self.captures.nodes("shorthand")}
        for node in names.values():
            role: Role = "shorthand" if node.id in shorthand else "use"
            if node.id in self._own:
                role = self._role[node.id]
            self.occurrences.append(Occurrence(_text(node), node, self.module, role))
        known = set(names)
        for node, reason in self._read_tokens():
            if node.id not in known:
                known.add(node.id)
                self.occurrences.append(Occurrence(_text(node), node, self.module, "use"))
            if reason:
                self.unclear[node.id] = reason
        self._read_doubts()

    def _declare(self, names: Mapping[int, Node]) -> None:
        """Find where the variables are known."""
        self._role: dict[int, Role] = {}
        groups: dict[tuple[str, int, int], Local] = {}
        fresh = {node.id for node in self.captures.nodes("fresh")}
        for capture, role in _ROLES.items():
            for node in self.captures.nodes(capture):
                name = _text(node)
                binder = self._binder_of(node) if node.id in names and name not in self._constants else None
                extent = self._extent(binder, node) if binder is not None else None
                if binder is None or extent is None:
                    continue
                place, start, end = extent
                key = name, place.id, binder.id if binder.id in fresh else 0
                local = groups.get(key)
                if local is None:
                    scope = self.scope("block", place, self.module)
                    scope.names.add(name)
                    local = groups[key] = Local(place=place, start=start, end=end, scope=scope)
                    self.locals.setdefault(name, []).append(local)
                else:
                    local.start = min(local.start, start)
                self._own[node.id], self._role[node.id] = local, role

    def _binder_of(self, node: Node) -> Node | None:
        binders, walls = (
            self.captures.ids("binder", "binder.after", "binder.from"),
            self.captures.ids("wall", "members"),
        )
        around = node.parent
        while around is not None and around.id not in binders:
            if around.id in walls:
                return None
            around = around.parent
        return around

    def _extent(self, binder: Node, name: Node) -> tuple[Node, int, int] | None:
        """The node in which a name that the binder declares is known, and from where to where; None if it is not local."""
        place = self._beside["place"].get(binder.id) or self._scope_around(binder)
        if place is None:
            return None
        after, until = self._beside["after"].get(binder.id), self._beside["until"].get(binder.id)
        start = place.start_byte if after is None else after.end_byte
        if binder.id in self.captures.ids("binder.after"):
            start = binder.end_byte
        elif binder.id in self.captures.ids("binder.from"):
            start = name.end_byte
        return place, start, place.end_byte if until is None else until.end_byte

    def _scope_around(self, node: Node) -> Node | None:
        scopes, around = self.captures.ids("scope") - self.captures.ids("scope.not"), node
        while around.id not in scopes:
            if around.parent is None:
                return None
            around = around.parent
        return around

    def _known(self, name: str, node: Node) -> Local | None:
        """The variable of that name at the node."""
        found = [v for v in self.locals.get(name, ()) if v.knows(node) and not self._behind_wall(v, node)]
        return max(found, key=lambda v: (v.place.start_byte, -v.place.end_byte, v.start), default=None)

    def _behind_wall(self, local: Local, node: Node) -> bool:
        return any(_between(local.place, wall, node) for wall in self.captures.nodes("wall"))

    def _member_reason(self, local: Local, node: Node) -> str:
        inside = any(_between(local.place, body, node) for body in self.captures.nodes("members"))
        return self.captures.setting("members", "reason") if inside else ""

    def _clashing(self) -> Iterator[Local]:
        """The variables whose name is one that is known where they are declared."""
        for found in self.locals.values():
            for one in found:
                around = [v for v in found if v is not one and v.start <= one.place.start_byte < v.end]
                if any(not self._member_reason(v, one.place) for v in around):
                    yield one

    def _read_macros(self) -> None:
        """What macros of the whole file mention is taken from wherever they are used."""
        for node in self.captures.nodes("opaque.everywhere"):
            own = {_text(part) for part in _below(node) if part.type == "identifier"}
            value = node.child_by_field_name("value")
            for word in _WORD.findall((value.text or b"") if value is not None else b""):
                if word.decode() not in own:
                    self.reserved[word.decode()] = self.captures.setting("opaque.everywhere", "reason")

    def _read_tokens(self) -> Iterator[tuple[Node, str]]:
        """Names in what is not parsed: (the name, why its meaning is not known, or "")."""
        clear = set(self.captures.ids("expressions"))
        for node in self.captures.nodes("expressions"):
            found = tokens_that_are_names(node)
            for word in format_words(node):
                self.reserved.setdefault(word, "is named in the text of a format")
            if found is None:
                clear.discard(node.id)
            else:
                yield from ((token, "") for token in found)
        opaque = [(n, r) for n, r in self.captures.with_reasons("opaque") if n.id not in clear]
        opaque += [
            (arguments, "is an argument of a macro")
            for call, arguments in self.captures.pairs("called", "arguments")
            if _text(call) in self._constants
        ]
        for node, reason in opaque:
            yield from ((part, reason) for part in _below(node) if part.type.endswith("identifier"))

    def _read_doubts(self) -> None:
        clear = self.captures.ids("clear")
        for node, reason in self.captures.with_reasons("unclear"):
            if node.id not in clear:
                self.unclear[node.id] = reason
        for capture in ("doubtful", "foreign"):
            for node, reason in self.captures.with_reasons(capture):
                self.unclear |= {
                    part.id: reason for part in _below(node) if part.id in self._own or capture == "doubtful"
                }


def _between(place: Node, node: Node, inner: Node) -> bool:
    """Whether the node stands in the place and is not all of it, and the inner one stands in the node."""
    in_place = place.start_byte <= node.start_byte and node.end_byte <= place.end_byte and node != place
    return in_place and node.start_byte <= inner.start_byte < node.end_byte


def _below(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += reversed(one.children)


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8")
