"""Which methods a class owes to a base class or an interface of the same file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from tree_sitter import Node

from lsp_server.code.definitions.bodies import deeper
from lsp_server.code.definitions.forms import FORMS
from lsp_server.code.definitions.functions import indent_at, text_of
from lsp_server.types import Region, Snapshot

_HERITAGE = frozenset({"argument_list", "class_heritage", "superclass", "super_interfaces", "extends_type_clause"})
_NAMES = frozenset({"identifier", "type_identifier"})
_CLASSES = frozenset(
    {"class_definition", "class_declaration", "abstract_class_declaration", "interface_declaration", "class"}
)
_SIGNATURES = frozenset({"abstract_method_signature", "method_signature", "method_declaration"})
_METHODS = frozenset({"function_definition", "method_definition"})
_ABSTRACT = re.compile(r"@(?:abc\.)?abstract(?:method|property)\b")
_UNDONE = re.compile(r"\braise\s+NotImplementedError\b")
_MODIFIERS = re.compile(r"\babstract\s+|;\s*\Z")
_MOST_BASES = 20


@dataclass(frozen=True, kw_only=True)
class Owed:
    """A method to be written: its header as it will stand in the class, and the indentation of its body."""

    name: str
    header: str


@dataclass(frozen=True, kw_only=True)
class Debt:
    """What a class owes, in order, and where it goes: `place` is replaced, `indent` is that of the class's members."""

    methods: tuple[Owed, ...]
    place: Region
    indent: str
    empty: bool


def debt_of(snapshot: Snapshot, holder: Node) -> Debt | None:
    """The abstract methods of bases in this file that the class does not define; None if there are none."""
    assert snapshot.tree is not None
    body = holder.child_by_field_name("body")
    if snapshot.language.name not in FORMS or body is None:
        return None
    known = {_name(node): node for node in _classes(snapshot.tree.root_node)}
    defined = {_name(member) for member in _members(holder)}
    owed: dict[str, str] = {}
    for base in islice(_bases(holder, known), _MOST_BASES):
        for member in _members(base):
            name = _name(member)
            if not name or name in defined or name in owed:
                continue
            header = _owed_header(member, snapshot)
            if header:
                owed[name] = header
            else:
                defined.add(name)
    if not owed:
        return None
    indent, place, empty = _place(snapshot, holder, body)
    methods = tuple(Owed(name=name, header=_indented(header, indent)) for name, header in owed.items())
    return Debt(methods=methods, place=place, indent=indent, empty=empty)


def _place(snapshot: Snapshot, holder: Node, body: Node) -> tuple[str, Region, bool]:
    """(indentation of members, what to replace, whether the class has no members yet)."""
    own = indent_at(snapshot.source, holder.start_byte)
    members = [child for child in body.named_children if child.type != "comment"]
    indent = indent_at(snapshot.source, members[0].start_byte) if members else deeper(own, snapshot.source)
    if len(indent) <= len(own):
        indent = deeper(own, snapshot.source)
    braces = snapshot.source[body.start_byte : body.start_byte + 1] == b"{"
    if not members:
        return indent, Region(body.start_byte + 1, body.end_byte - 1), True
    last = members[-1]
    if len(members) == 1 and text_of(last) in ("pass", "..."):
        return indent, Region(_blank_start(snapshot.source, last.start_byte), last.end_byte), True
    end = last.end_byte
    while braces and snapshot.source[end : end + 1] == b";":
        end += 1
    return indent, Region(end, end), False


def _blank_start(source: bytes, at: int) -> int:
    """Where the white space before byte `at` begins."""
    return len(source[:at].rstrip())


def _bases(holder: Node, known: dict[str, Node]) -> Iterator[Node]:
    """The bases that stand in the file, nearest first."""
    waiting, seen = [holder], {holder.id}
    while waiting:
        node = waiting.pop(0)
        for name in _heritage(node):
            base = known.get(name)
            if base is not None and base.id not in seen:
                seen.add(base.id)
                waiting.append(base)
                yield base


def _heritage(node: Node) -> Iterator[str]:
    for child in node.children:
        if child.type in _HERITAGE:
            waiting = [child]
            while waiting:
                inner = waiting.pop(0)
                if inner.type in _NAMES:
                    yield text_of(inner)
                waiting += inner.named_children


def _classes(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type in _CLASSES:
            yield node
        waiting += reversed(node.named_children)


def _members(holder: Node) -> Iterator[Node]:
    body = holder.child_by_field_name("body")
    for child in body.named_children if body is not None else ():
        inner = child.child_by_field_name("definition") if child.type == "decorated_definition" else child
        if inner is not None and inner.type in _METHODS | _SIGNATURES:
            yield inner


def _name(node: Node) -> str:
    named = node.child_by_field_name("name")
    return text_of(named) if named is not None else ""


def _owed_header(member: Node, snapshot: Snapshot) -> str:
    """The header that an implementation has; "" where the member is no abstract one."""
    body = member.child_by_field_name("body")
    outer = member.parent
    start = outer.start_byte if outer is not None and outer.type == "decorated_definition" else member.start_byte
    head = snapshot.source[start : body.start_byte if body is not None else member.end_byte].decode("utf-8", "replace")
    if snapshot.language.name == "python":
        if body is None or not (_ABSTRACT.search(head) or _UNDONE.search(text_of(body))):
            return ""
        kept = [line for line in head.rstrip().split("\n") if not _ABSTRACT.search(line)]
        return _at_margin("\n".join(kept), indent_at(snapshot.source, start))
    if body is not None:
        return ""
    return _at_margin(_MODIFIERS.sub("", head.strip()).strip() + " {", indent_at(snapshot.source, start))


def _at_margin(header: str, indent: str) -> str:
    return "\n".join(line.removeprefix(indent) for line in header.strip().split("\n"))


def _indented(header: str, indent: str) -> str:
    return "\n".join(indent + line if line.strip() else line for line in header.split("\n"))
