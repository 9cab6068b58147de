"""What matters of a file besides the lines near a gap: headers that enclose it, imports, signatures of siblings.

Each is given as whole lines, most important first. Only ancestors of the gap, their children near it,
and the top of the file are visited: never the whole tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, zip_longest

from tree_sitter import Node

from lsp_server.code.syntax.nodes import children_before, children_from
from lsp_server.code.syntax.parse import covers
from lsp_server.code.text.lines import Lines
from lsp_server.types import Region, Snapshot

_MOST_SIBLINGS = 40
_MOST_IMPORT_NODES = 250
_MOST_INDENT_LINES = 2_000
_LONG_IMPORT_LINES = 12
_HEADER_LINES = 12
_SMALL_LINES = 2
_WORD_CHAR = re.compile(rb"\w")
WORD = re.compile(rb"[A-Za-z_]\w+")
_CLOSER_LINE = re.compile(rb"\s*(?:[\]})]+[;,)]*|end|fi|done|esac|</[\w:.-]+>)\s*")


class Outline:
    """The outline around `gap` of a snapshot; empty but for indentation where there is no tree."""

    def __init__(self, snapshot: Snapshot, lines: Lines, gap: Region) -> None:
        self._language = snapshot.language
        self._lines = lines
        self._gap = gap
        self._root = snapshot.tree.root_node if snapshot.tree is not None else None
        self._covered = snapshot.tree is not None and covers(snapshot.tree, gap)
        self._scopes = self._ancestors()

    def headers(self) -> list[list[Region]]:
        """The headers that enclose the gap, the lines of each: definitions innermost first, then other constructs."""
        definitions: list[list[Region]] = []
        others: list[list[Region]] = []
        for node in self._scopes:
            if node.start_byte >= self._gap.start or node.parent is None or node.is_error:
                continue
            if self._definition(node) is not None:
                definitions.append(self._header(node))
            elif node.type not in self._language.bodies and not self._guards_file(node):
                others.append(self._header(node))
        if self._root is None or not self._covered or self._language.indented or self._root.has_error:
            others += [[line] for line in self._indent_headers()]
        # What is but a bracket on its line comes with the header that it belongs to.
        return definitions + [lines for lines in others if _WORD_CHAR.search(self._lines.bytes(lines[0]))]

    def imports(self, words: set[bytes]) -> list[list[Region]]:
        """The imports at the top of the file, the lines of each: those that bring in one of `words` first.

        Of a long one, only its first and last line stay, and the lines with one of `words`.
        """
        used: list[list[Region]] = []
        unused: list[list[Region]] = []
        for node in self._import_nodes():
            found = list(self._lines.covering(node.start_byte, node.end_byte))
            wanted = [line for line in found if words.intersection(WORD.findall(self._lines.bytes(line)))]
            if len(found) > _LONG_IMPORT_LINES:
                found = [found[0], *(line for line in found[1:-1] if line in wanted), found[-1]]
            (used if wanted else unused).append(found)
        return used + unused

    def siblings(self) -> Iterator[list[Region]]:
        """Signatures of the definitions beside the gap, innermost scope first, nearest first: the lines of each.

        A signature whose body is closed by a line of its own comes with that line, so that brackets stay balanced.
        """
        for scope in self._scopes:
            for node in self._children_near(scope):
                if self._definition(node) is not None and not self._holds_gap(node):
                    yield self._signature(node)

    def _ancestors(self) -> list[Node]:
        """Nodes around the gap, innermost first; the root last."""
        if self._root is None or not self._covered:
            return []
        anchors = [self._gap.start]
        if self._language.indented:
            # After the last line of an indented block the block's node has ended, and yet the gap may belong to it.
            start = self._lines.start_of(self._gap.start)
            above = (line for line in self._lines.before(start) if self._lines.indent(line) is not None)
            anchors += [line.start + len(self._lines.bytes(line).rstrip()) - 1 for line in islice(above, 1)]
        found: dict[int, Node] = {}
        for anchor in anchors:
            node = self._root.descendant_for_byte_range(anchor, anchor)
            while node is not None:
                found.setdefault(node.id, node)
                node = node.parent
        depth = self._gap_indent() if len(anchors) > 1 else None
        scopes = [
            node
            for node in found.values()
            if depth is None or node.parent is None or node.end_byte > self._gap.start or self._indent(node) < depth
        ]
        return sorted(scopes, key=lambda n: (-n.start_byte, n.end_byte))

    def _gap_indent(self) -> int | None:
        """Indentation at which the gap's text stands or stood; None if nothing tells."""
        start = self._lines.start_of(self._gap.start)
        line = Region(start, self._lines.end_of(start))
        indent = self._lines.indent(line)
        if indent is not None:
            return indent
        blanks = self._lines.source[start : self._gap.start]
        return len(blanks.expandtabs(8)) if blanks.strip(b" \t") == b"" and blanks else None

    def _indent(self, node: Node) -> int:
        return self._lines.indent(self._first_line(node)) or 0

    def _first_line(self, node: Node) -> Region:
        return next(self._lines.covering(node.start_byte, node.start_byte))

    def _indent_headers(self) -> list[Region]:
        """Lines above that are indented less than all lines between them and the gap: headers in most languages."""
        depth = self._gap_indent()
        found = []
        start = self._lines.start_of(self._gap.start)
        for count, line in enumerate(self._lines.before(start)):
            indent = self._lines.indent(line)
            if count == _MOST_INDENT_LINES or depth == 0:
                break
            if indent is None:
                continue
            if depth is None:
                depth = indent + 1
            if indent < depth:
                depth = indent
                if not _CLOSER_LINE.fullmatch(self._lines.bytes(line)):
                    found.append(line)
        return found

    def _import_nodes(self) -> Iterator[Node]:
        if self._root is None:
            return
        calls = self._language.import_calls
        names = b"|".join(re.escape(call.encode()) for call in calls)
        pattern = re.compile(rb"(?:^|[\s=(])(?:" + names + rb")(?=[\s('\"])") if calls else None
        pending = [self._root]
        while pending:
            for node in islice(children_from(pending.pop(), 0), _MOST_IMPORT_NODES):
                if node.end_byte > self._gap.start and node.start_byte < self._gap.end:
                    continue
                if node.type in self._language.imports:
                    yield node
                elif node.type in self._language.import_holders or node.is_error:
                    pending.append(node)
                elif pattern and node.start_point.row == node.end_point.row and pattern.search(node.text or b""):
                    yield node

    def _children_near(self, scope: Node) -> Iterator[Node]:
        """Children of `scope` beside the gap, previous and next in turn, nearest first."""
        previous = islice(children_before(scope, self._gap.start), _MOST_SIBLINGS)
        following = (n for n in children_from(scope, self._gap.end) if n.start_byte >= self._gap.end)
        for pair in zip_longest(previous, islice(following, _MOST_SIBLINGS)):
            yield from (node for node in pair if node is not None)

    def _holds_gap(self, node: Node) -> bool:
        return any(node.id == scope.id for scope in self._scopes)

    def _guards_file(self, node: Node) -> bool:
        """Whether the node is a header file's include guard, or the like, which says nothing of the gap."""
        holds = node.end_byte - node.start_byte
        return node.type in self._language.import_holders and holds > len(self._lines.source) * 3 // 4

    def _definition(self, node: Node) -> Node | None:
        """The function or class that `node` is or wraps."""
        language = self._language
        for _ in range(5):
            if node.type in language.definitions:
                return node
            if node.type not in language.wrappers or node.named_child_count == 0:
                return None
            inner = node.child_by_field_name("definition") or node.child_by_field_name("declaration")
            node = inner or node.named_child(node.named_child_count - 1)
        return None

    def _header(self, node: Node) -> list[Region]:
        """Lines from the start of a node to where its body opens; its first line, if it has none."""
        body = _body(self._definition(node) or node)
        if body is not None:
            first = self._first_line(body)
            alone = not self._lines.source[first.start : body.start_byte].strip()
            opens = self._lines.source[body.start_byte] in b"{[(" and body.type not in self._language.bodies
            end = body.start_byte + 1 if opens or not alone else first.start
        elif node.end_point.row - node.start_point.row > _SMALL_LINES:
            end = node.start_byte
        else:
            end = node.end_byte
        return list(self._lines.covering(node.start_byte, end))[:_HEADER_LINES]

    def _signature(self, node: Node) -> list[Region]:
        header = self._header(node)
        last = next(self._lines.covering(max(node.end_byte - 1, 0), node.end_byte))
        if last > header[-1] and _CLOSER_LINE.fullmatch(self._lines.bytes(last)):
            return [*header, last]
        return header


def _body(definition: Node) -> Node | None:
    for name in ("body", "consequence", "value"):
        if (body := definition.child_by_field_name(name)) is not None:
            return body
    after_start_tag = False
    for child in islice(children_from(definition, 0), 8):
        if child.type.endswith(("block", "body")) or after_start_tag:
            return child
        after_start_tag = child.type == "start_tag"
    return None
