"""Names in types: which a Python file knows, which can be imported, and the edits that do so."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from tree_sitter import Node

from lsp_server.code.definitions.functions import text_of
from lsp_server.code.text.edits import line_end_at
from lsp_server.types import Edit, Region, Snapshot

_ABC = (
    "AsyncGenerator AsyncIterable AsyncIterator Awaitable Buffer Callable Collection Container Coroutine Generator Hashable"
    " ItemsView Iterable Iterator KeysView Mapping MappingView MutableMapping MutableSequence MutableSet Reversible"
    " Sequence Set Sized ValuesView"
)
_TYPING = (
    "AbstractSet Annotated Any AnyStr BinaryIO ClassVar Concatenate DefaultDict Dict Final FrozenSet IO List Literal"
    " LiteralString NamedTuple Never NoReturn Optional OrderedDict Pattern Protocol Self SupportsFloat SupportsIndex"
    " SupportsInt Text TextIO Tuple Type TypeAlias TypeGuard TypeVar TypedDict Union"
)
IMPORTABLE: Mapping[str, str] = MappingProxyType(
    {**dict.fromkeys(_TYPING.split(), "typing"), **dict.fromkeys(_ABC.split(), "collections.abc")}
)
"""Names that are brought in from these modules."""
_NAME = re.compile(r"(?<![\w.\"'])[A-Za-z_]\w*")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_FUTURE = "from __future__ import annotations"


def names_in(expression: str) -> list[str]:
    """The names that a type expression starts from, keywords and strings apart."""
    return [name for name in _NAME.findall(_QUOTED.sub("", expression)) if name not in ("None", "True", "False")]


def known_names(snapshot: Snapshot) -> dict[str, int]:
    """Every name that the module binds at its top level, with the byte from which on it is bound; and builtins (-1)."""
    known = dict.fromkeys(dir(builtins), -1)
    if snapshot.tree is not None:
        for name, at in _bound(snapshot.tree.root_node):
            known.setdefault(name, at)
    return known


def imports_for(snapshot: Snapshot, names: list[str], *, postponed: bool) -> tuple[Edit, ...]:
    """The edits that import `names`, all of `IMPORTABLE`; `postponed`: types are not to be read before they are defined."""
    line_end = line_end_at(snapshot.source, Region(0, 0))
    edits = []
    at = _place(snapshot)
    lines = []
    for module in sorted({IMPORTABLE[name] for name in names}):
        wanted = sorted({name for name in names if IMPORTABLE[name] == module})
        found = _extendable(snapshot, module)
        if found is None:
            lines.append(f"from {module} import {', '.join(wanted)}")
        else:
            first, *_, last = found
            there = [text_of(node) for node in found]
            text = ", ".join(sorted({*there, *wanted}) if there == sorted(there) else [*there, *wanted])
            edits.append(_edit(snapshot, Region(first.start_byte, last.end_byte), text))
    if postponed and _FUTURE.encode() not in snapshot.source:
        lines.insert(0, _FUTURE)
    if lines:
        edits.append(_edit(snapshot, Region(at, at), _block(snapshot, at, lines, line_end)))
    return tuple(sorted(edits, key=lambda edit: edit.region))


def _edit(snapshot: Snapshot, region: Region, text: str) -> Edit:
    return Edit(region=region, new_text=text, version=snapshot.version)


def _block(snapshot: Snapshot, at: int, lines: list[str], line_end: str) -> str:
    """The import lines, with a blank line between them and what is neither import nor blank."""
    behind = snapshot.source[at:].split(b"\n", 1)[0].strip()
    before = snapshot.source[:at]
    text = "".join(line + line_end for line in lines)
    if before and not before.endswith((b"\n", b"\r")):
        text = line_end + text
    if before.strip() and before.rstrip(b"\r\n").rpartition(b"\n")[2].strip().endswith(
        (b'"""', b"'''", b"annotations")
    ):
        text = line_end + text if not before.endswith((b"\n\n", b"\r\n\r\n")) else text
    return text if behind.startswith((b"import ", b"from ")) or not behind else text + line_end


def _place(snapshot: Snapshot) -> int:
    """The line start behind the docstring and what is imported from `__future__`, before other imports."""
    assert snapshot.tree is not None
    end = 0
    for number, node in enumerate(child for child in snapshot.tree.root_node.named_children if child.type != "comment"):
        is_docstring = number == 0 and node.type == "expression_statement" and node.named_children[0].type == "string"
        if is_docstring or node.type == "future_import_statement":
            end = snapshot.source.find(b"\n", node.end_byte) + 1 or len(snapshot.source)
        elif node.type in ("import_statement", "import_from_statement"):
            return node.start_byte
        else:
            break
    return end or _behind_head(snapshot.source)


def _behind_head(source: bytes) -> int:
    """Behind a `#!` line and comments that stand with it."""
    at = 0
    while source[at : at + 1] == b"#":
        at = source.find(b"\n", at) + 1 or len(source)
    return at


def _extendable(snapshot: Snapshot, module: str) -> list[Node] | None:
    """The names of an import of the module on one line, without aliases and comments; None if there is none."""
    assert snapshot.tree is not None
    for node in snapshot.tree.root_node.named_children:
        source = node.child_by_field_name("module_name")
        if node.type != "import_from_statement" or source is None or text_of(source) != module:
            continue
        names = node.children_by_field_name("name")
        plain = all(name.type == "dotted_name" for name in names) and names
        if plain and node.start_point.row == node.end_point.row and ")" not in text_of(node):
            return names
    return None


def _bound(root: Node) -> Iterator[tuple[str, int]]:
    waiting = list(reversed(root.named_children))
    while waiting:
        node = waiting.pop()
        if node.type in ("class_definition", "function_definition"):
            if (name := node.child_by_field_name("name")) is not None:
                yield text_of(name), node.end_byte
        elif node.type in ("import_statement", "import_from_statement"):
            for name in node.children_by_field_name("name"):
                alias = name.child_by_field_name("alias")
                yield text_of(alias or name).split(".")[0], node.start_byte
        elif node.type in ("assignment", "type_alias_statement"):
            left = node.child_by_field_name("left")
            yield from ((text_of(n), node.start_byte) for n in _targets(left))
        elif node.type in _TOP_LEVEL:
            waiting += reversed(node.named_children)


_TOP_LEVEL = frozenset(
    {"decorated_definition", "if_statement", "try_statement", "else_clause", "except_clause", "block", "with_statement",
     "expression_statement", "elif_clause", "finally_clause"}
)  # fmt: skip


def _targets(node: Node | None) -> Iterator[Node]:
    if node is None:
        return
    if node.type == "identifier":
        yield node
    for child in node.named_children if node.type in ("pattern_list", "tuple_pattern", "type", "generic_type") else ():
        yield from _targets(child)
