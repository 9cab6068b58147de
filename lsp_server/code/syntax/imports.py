"""Where the modules that a file imports may lie: Python's, and relative ones of JavaScript and TypeScript."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import PurePosixPath

from tree_sitter import Node

from lsp_server.code.languages.table import Language
from lsp_server.code.syntax.parse import parse

_HEAD_BYTES = 16_000
_MOST_NODES, _MOST_LINES = 400, 100
_IMPORT = re.compile(
    rb"^[ \t]*(?:import\b|from\b|export\s*[{*]|(?:const|let|var)\b[^\n]*\brequire\b)[^\n]*", re.MULTILINE
)
_MOST_IMPORTS = 100
_KEPT = 64
_SCRIPTS = ("javascript", "typescript", "tsx")
_SCRIPT_ENDINGS = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts")
_WRITTEN_FOR = {".js": (".ts", ".tsx"), ".jsx": (".tsx",), ".mjs": (".mts",), ".cjs": (".cts",)}
"""TypeScript names the file that its compiler will make."""


class Imports:
    """What files import; of the heads seen lately it is remembered, for typing below them changes nothing."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, bytes], tuple[tuple[str, ...], ...]] = OrderedDict()

    def of(self, source: bytes, language: Language) -> tuple[tuple[str, ...], ...]:
        """For each module that the file's head imports, in its order, the paths that it may have, likeliest first.

        Paths begin with `./` or `../` where they are relative to the file's folder; others are relative to any folder
        that modules are searched in. Slashes separate.
        """
        if language.name != "python" and language.name not in _SCRIPTS:
            return ()
        key = language.name, _head(source)
        if key not in self._known:
            self._known[key] = _imported(key[1], language)
        self._known.move_to_end(key)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return self._known[key]


def _head(source: bytes) -> bytes:
    """The file up to the end of the last import in its head: typing below that changes nothing."""
    end = 0
    for begins in _IMPORT.finditer(source, 0, _HEAD_BYTES):
        end, line = begins.end(), begins.group()
        for _ in range(_MOST_LINES):
            if line.count(b"(") + line.count(b"{") <= line.count(b")") + line.count(b"}"):
                break
            end = source.find(b"\n", end + 1) if source.find(b"\n", end + 1) >= 0 else len(source)
            line = source[begins.start() : end]
    return source[:end]


def _imported(head: bytes, language: Language) -> tuple[tuple[str, ...], ...]:
    tree = parse(head, language)
    assert tree is not None, "these languages have a grammar"
    found = _python(tree.root_node) if language.name == "python" else _script(tree.root_node, language)
    return tuple(dict.fromkeys(found))[:_MOST_IMPORTS]


def _python(root: Node) -> Iterator[tuple[str, ...]]:
    for node in _outside_definitions(root, ["import_statement", "import_from_statement"], inside="block"):
        names = [_text(name.child_by_field_name("name") or name) for name in node.children_by_field_name("name")]
        module = node.child_by_field_name("module_name")
        if module is None:
            yield from (_python_files(name.split(".")) for name in names)
            continue
        text = _text(module)
        level = len(text) - len(text.lstrip("."))
        parts = [part for part in text[level:].split(".") if part]
        above = "./" if level == 1 else "../" * (level - 1)
        for name in names:  # a module of that name, or else a name in the module
            yield tuple(above + path for path in _python_files([*parts, *name.split(".")]))
        yield tuple(above + path for path in _python_files(parts))


def _python_files(parts: list[str]) -> tuple[str, ...]:
    joined = "/".join(parts)
    return (f"{joined}.py", f"{joined}/__init__.py") if parts else ("__init__.py",)


def _script(root: Node, language: Language) -> Iterator[tuple[str, ...]]:
    kinds = ["import_statement", "export_statement", "lexical_declaration", "variable_declaration"]
    for node in _outside_definitions(root, kinds, inside="statement_block"):
        source = node.child_by_field_name("source")
        modules = [source] if source is not None else list(_required(node, language))
        for module in modules:
            named = _text(module).strip("'\"`")
            if named.startswith(("./", "../")):
                yield _script_files(named)


def _script_files(named: str) -> tuple[str, ...]:
    suffix = PurePosixPath(named).suffix
    if suffix in _WRITTEN_FOR:
        return (named, *(named.removesuffix(suffix) + other for other in _WRITTEN_FOR[suffix]))
    if suffix in _SCRIPT_ENDINGS:
        return (named,)
    return tuple(named + end for end in _SCRIPT_ENDINGS) + tuple(f"{named}/index{end}" for end in _SCRIPT_ENDINGS)


def _required(node: Node, language: Language) -> Iterator[Node]:
    """What stands in `require('…')` in a declaration."""
    for declarator in node.named_children:
        call = declarator.child_by_field_name("value")
        function = call.child_by_field_name("function") if call is not None else None
        arguments = call.child_by_field_name("arguments") if call is not None else None
        if function is not None and arguments is not None and _text(function) in language.import_calls:
            yield from (argument for argument in arguments.named_children[:1] if argument.type == "string")


def _outside_definitions(root: Node, kinds: list[str], *, inside: str) -> Iterator[Node]:
    """Nodes of those kinds in the root and in blocks (kind `inside`) of its `if`, `try` and the like."""
    waiting, seen = [root], 0
    while waiting and seen < _MOST_NODES:
        for node in waiting.pop(0).named_children:
            seen += 1
            if node.type in kinds:
                yield node
            elif node.type in ("if_statement", "try_statement", "else_clause", "except_clause", inside, "ERROR"):
                waiting.append(node)


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", errors="replace")
