"""Languages inside others: scripts and styles of a page, fenced code in prose. Each is judged as what it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsp_server.code.languages.table import PLAIN, Language, by_name, language_of
from lsp_server.types import Region, Snapshot

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

_TYPE = re.compile(rb"""\b(type|lang)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)
_FENCE_LANGUAGE = re.compile(r"[\w+#.-]+")
_SCRIPTS = {"": "javascript", "module": "javascript", "ts": "typescript", "tsx": "tsx", "jsx": "javascript",
            "text/javascript": "javascript", "application/javascript": "javascript", "text/babel": "javascript",
            "application/json": "json", "application/ld+json": "json", "importmap": "json",
            "speculationrules": "json"}  # fmt: skip
_STYLES = {"": "css", "text/css": "css", "css": "css"}
_ALIASES = {"py": "python", "python3": "python", "js": "javascript", "ts": "typescript", "rb": "ruby", "rs": "rust",
            "sh": "bash", "shell": "bash", "zsh": "bash", "c++": "cpp", "cs": "csharp", "c#": "csharp",
            "golang": "go", "yml": "yaml", "json5": "", "jsonc": "json", "console": ""}  # fmt: skip
_PAGE_GOES_ON = re.compile(rb"^[ \t]*</?(?:script|style|head|body|html)\b", re.IGNORECASE | re.MULTILINE)
"""A line of a script or style that begins so is the page's own: the element was not closed."""
_SESSION = re.compile(rb"\s*(?:>>>|\.\.\.|In \[|\$ |irb\(|> )")
"""How a session begins: prompts and what was answered, which no grammar reads."""
_CODE_IN_ATTRIBUTES = re.compile(rb"(?:on\w+|style|[:@]\S+|v-\S+|x-\S+|hx-on\S*)\Z", re.IGNORECASE)
_MARKUP = frozenset({"html", "vue", "svelte"})


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """A part of a file in another language; PLAIN: in one that nobody knows here."""

    region: Region
    language: Language


def embedded_at(snapshot: Snapshot, region: Region) -> Embedded | None:
    """The part in another language that `region` touches; None if it stands in the file's own."""
    tree = snapshot.tree
    if tree is None or snapshot.language.name not in {*_MARKUP, "markdown", "php"}:
        return None
    return next(
        (part for part in embedded(tree, snapshot.source, snapshot.language)
         if part.region.start <= region.start and region.end <= part.region.end),
        None,
    )  # fmt: skip


def embedded(tree: Tree, source: bytes, language: Language) -> Iterator[Embedded]:
    """All parts in other languages, in the order of the file."""
    waiting = [tree.root_node]
    while waiting:
        node = waiting.pop()
        found = _embedded(node, source, language.name)
        if found is not None:
            yield found
        else:
            waiting += reversed(node.children)


def open_fence(tree: Tree) -> bool:
    """Whether a fence of a Markdown document is never closed: what follows it is no longer prose."""
    waiting = [tree.root_node]
    while waiting:
        node = waiting.pop()
        if node.type == "fenced_code_block":
            if sum(child.type == "fenced_code_block_delimiter" for child in node.children) < 2:
                return True
        elif node.type in ("document", "section", "block_quote", "list", "list_item"):
            waiting += node.children
    return False


def _embedded(node: Node, source: bytes, host: str) -> Embedded | None:
    region = Region(node.start_byte, node.end_byte)
    if host == "php":
        return Embedded(region=region, language=PLAIN) if node.type == "text" else None
    if host == "markdown":
        return _fenced(node, source) if node.type == "fenced_code_block" else None
    if node.type in ("script_element", "style_element"):
        return _element(node, source)
    if node.type == "attribute" and len(node.children) > 1:
        name = source[node.children[0].start_byte : node.children[0].end_byte]
        value = node.children[-1]
        if _CODE_IN_ATTRIBUTES.match(name):
            return Embedded(region=Region(value.start_byte, value.end_byte), language=PLAIN)
    return None


def _element(node: Node, source: bytes) -> Embedded | None:
    """Script or style between its tags, blank ones too."""
    start, end = node.children[0], node.children[-1]
    if len(node.children) < 2 or start.type != "start_tag" or end.type != "end_tag":
        return None
    found = {
        m[1].lower(): (m[2] or m[3] or m[4] or b"").decode().lower()
        for m in _TYPE.finditer(source, start.start_byte, start.end_byte)
    }
    kind = found.get(b"lang") or found.get(b"type", "")
    names = _SCRIPTS if node.type == "script_element" else _STYLES
    region = Region(start.end_byte, end.start_byte)
    unclosed = _PAGE_GOES_ON.search(source, region.start, region.end) is not None
    language = by_name(names[kind]) if kind in names and not unclosed else PLAIN
    return Embedded(region=region, language=language)


def _fenced(node: Node, source: bytes) -> Embedded | None:
    """What stands between the lines of a fence; without its content, where that is empty."""
    info = next((c for c in node.children if c.type == "info_string"), None)
    named = _FENCE_LANGUAGE.search(source[info.start_byte : info.end_byte].decode("utf-8", "replace")) if info else None
    first = source.find(b"\n", node.start_byte, node.end_byte) + 1
    if not first:
        return None
    fences = [c for c in node.children if c.type == "fenced_code_block_delimiter"]
    end = fences[-1].start_byte if len(fences) > 1 else node.end_byte
    end = source.rfind(b"\n", 0, end) + 1 if len(fences) > 1 else end
    region = Region(first, max(first, end))
    if _SESSION.match(source, region.start, region.end):
        return Embedded(region=region, language=PLAIN)
    return Embedded(region=region, language=_named(named.group() if named else ""))


def _named(name: str) -> Language:
    name = _ALIASES.get(name.lower(), name.lower())
    known = by_name(name) if name else PLAIN
    return known if known is not PLAIN or not name else language_of(f"x.{name}")
