"""Syntax trees: parse, parse again after an edit, and judge whether a fill parses.

Only this folder touches tree-sitter. A grammar's wheel is imported on its first parse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice, takewhile

import tree_sitter
from tree_sitter import Node, Range, Tree

from lsp_server.code.languages.grammar import grammar_of
from lsp_server.code.languages.table import Language
from lsp_server.code.syntax.nodes import children_before, children_from, first_child_after
from lsp_server.code.text.lines import rows
from lsp_server.types import Edit, Region, Snapshot

_MANY_CHILDREN = 400
_WINDOW_BYTES = 6_000
_HEAD_BYTES = 4_000
_MOST_ERRORS = 500


def parse(source: bytes, language: Language, *, old_tree: Tree | None = None) -> Tree | None:
    """The syntax tree of `source`; None for a language without a grammar.

    `old_tree` must have been brought to the positions of `source` by `edited`.
    """
    if language.grammar is None:
        return None
    parser, source = _parser(language), rows(source)
    return parser.parse(source) if old_tree is None else parser.parse(source, old_tree)


def edited(tree: Tree, old: bytes, new: bytes, edit: Region, new_end: int) -> Tree:
    """A copy of `tree` moved to the positions of `new`, in which bytes `edit` of `old` became `edit.start` to `new_end`."""
    start = _point_in(tree, old, edit.start)
    copy = tree.copy()
    copy.edit(
        edit.start,
        edit.end,
        new_end,
        start,
        _point_after(start, old[edit.start : edit.end]),
        _point_after(start, new[edit.start : new_end]),
    )
    return copy


@dataclass(frozen=True, kw_only=True)
class Syntax:
    """The tree of a document that is being typed in.

    tree-sitter's incremental parse walks every top-level node again (measured: 35 ms for a Python file
    of 100,000 lines). So in a file with many, a keystroke re-parses only the head and the top-level
    nodes around it: `tree` then covers these (`tree.included_ranges`), at the file's own offsets. `full`
    covers the file, its positions kept up to date; what was typed since is in it only as a changed stretch.
    """

    language: Language
    tree: Tree | None
    full: Tree | None

    @classmethod
    def of(cls, source: bytes, language: Language) -> Syntax:
        """Parse a whole document."""
        tree = parse(source, language)
        return cls(language=language, tree=tree, full=tree)

    def after(self, old: bytes, new: bytes, edit: Region, new_end: int) -> Syntax:
        """The syntax of `new`, in which bytes `edit` of `old` became `edit.start` to `new_end`."""
        if self.tree is None or self.full is None:
            return self
        old, new = rows(old), rows(new)
        if old[max(edit.start - 1, 0) : edit.start] != new[max(edit.start - 1, 0) : edit.start]:
            return self.of(new, self.language)  # a line end before the edit has become, or was, half of a `\r\n`
        full = edited(self.full, old, new, edit, new_end)
        if full.root_node.child_count < _MANY_CHILDREN:
            tree = parse(new, self.language, old_tree=full)
            return replace(self, tree=tree, full=tree)
        touched = Region(edit.start, new_end)
        if self.tree is not self.full:
            moved = edited(self.tree, old, new, edit, new_end)
            if _inside(moved.included_ranges, touched, new):
                return replace(self, full=full, tree=_parser(self.language, moved.included_ranges).parse(new, moved))
        window = _window(full, touched, new)
        return replace(self, full=full, tree=_parser(self.language, window).parse(new, full))

    def covering(self, source: bytes, region: Region) -> Syntax:
        """The same document with a tree that covers `region` of `source`: for a request far from the last keystroke."""
        if self.tree is None or self.full is None or covers(self.tree, region):
            return self
        source = rows(source)
        window = _window(self.full, region, source)
        return replace(self, tree=_parser(self.language, window).parse(source, self.full))


def covers(tree: Tree, region: Region) -> bool:
    """Whether `tree` was parsed from the whole of `region`: not so far from where a large file was typed in."""
    return any(r.start_byte <= region.start and region.end <= r.end_byte for r in tree.included_ranges)


def has_error_in(tree: Tree, region: Region) -> bool:
    """Whether a syntax error, or a token that the parser had to invent, touches `region`."""
    return next(errors(tree.root_node, region), None) is not None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether an edited text is free of new syntax errors; None without a grammar, beyond the tree, or amid too many errors.

    sound: it has no error at all. parses: it has no error at all, or only errors that the snapshot had outside the edited regions.
    cleanly: and these not in the top-level nodes that the edits touch, nor in their neighbours.
    """

    parses: bool | None
    cleanly: bool | None
    sound: bool | None = None


def verdict(before: Snapshot, edits: Sequence[Edit]) -> Verdict:
    """What the grammar says of the snapshot with the edits made."""
    tree = before.tree if before.tree is not None else parse(before.source, before.language)
    if tree is None or not all(covers(tree, edit.region) for edit in edits):
        return Verdict(parses=None, cleanly=None)
    source, moved = rows(before.source), tree
    for edit in sorted(edits, key=lambda e: e.region, reverse=True):
        text = edit.new_text.encode()
        new = rows(source[: edit.region.start] + text + source[edit.region.end :])
        moved = edited(moved, source, new, edit.region, edit.region.start + len(text))
        source = new
    root = _parser(before.language, _around(moved, edits, source)).parse(source, moved).root_node
    stray = _has_stray_closer(before.language, root, source, edits) and not _has_stray_closer(
        before.language, tree.root_node, before.source, edits
    )
    if stray or not root.has_error or not tree.root_node.has_error:
        sound = not stray and not root.has_error
        return Verdict(parses=sound, cleanly=sound, sound=sound)
    known = _no_new_errors(tree.root_node, root, edits)
    clean = known is not False and all(_is_clean_near(root, edit, edits) for edit in edits)
    return Verdict(parses=known, cleanly=known if clean else False, sound=not root.has_error)


def empty_block_at(before: Snapshot, edits: Sequence[Edit]) -> bool:
    """Whether a block beside the edits has no statement, which Python's grammar lets pass and no Python does."""
    source, places = before.source, []
    for edit in sorted(edits, key=lambda e: e.region, reverse=True):
        text = edit.new_text.encode()
        source = source[: edit.region.start] + text + source[edit.region.end :]
    for edit in edits:
        start = _moved(edit.region.start, [e for e in edits if e.region < edit.region])
        places.append((start, start + len(edit.new_text.encode())))
    tree = parse(source, before.language)
    waiting = [tree.root_node] if tree is not None else []
    while waiting:
        node = waiting.pop()
        if node.type in before.language.bodies and not any(c.type != "comment" for c in node.named_children):
            return True
        waiting += [c for c in node.children if any(_near(c, *place, source) for place in places)]
    return False


def _near(node: Node, start: int, end: int, source: bytes) -> bool:
    """Whether the node lies at the place, or just above it: a header whose body the place should hold."""
    above = len(source[:start].rstrip())
    return node.end_byte >= above and node.start_byte <= end


def _has_stray_closer(language: Language, root: Node, source: bytes, edits: Sequence[Edit]) -> bool:
    """Whether a block is closed once more than it was opened, which a lenient grammar takes for a name at the top level."""
    if not language.stray_closers or not edits:
        return False
    below = children_from(root, min(edit.region.start for edit in edits))
    return any(
        node.type == "identifier" and source[node.start_byte : node.end_byte].decode() in language.stray_closers
        for node in below
    )


def _is_clean_near(root: Node, edit: Edit, edits: Sequence[Edit]) -> bool:
    start = _moved(edit.region.start, [e for e in edits if e is not edit])
    end = start + len(edit.new_text.encode())
    above, below = islice(children_before(root, start), 1), islice(children_from(root, end), 2)
    touched = takewhile(lambda node: node.start_byte <= end, children_from(root, max(start - 1, 0)))
    return not root.is_error and not any(n.has_error or n.is_missing for n in chain(above, touched, below))


def _around(moved: Tree, edits: Sequence[Edit], source: bytes) -> list[Range]:
    """What to parse after `edits`: what the tree covered; in a large file only the top-level nodes around them."""
    if moved.root_node.child_count < _MANY_CHILDREN or not edits:
        return moved.included_ranges
    first = min(e.region.start for e in edits)
    last = max(e.region for e in edits)
    return _window(moved, Region(first, _moved(last.end, edits)), source)


def _no_new_errors(old: Node, new: Node, edits: Sequence[Edit]) -> bool | None:
    known: set[tuple[int, int]] = set()
    for count, error in enumerate(errors(old)):
        if count == _MOST_ERRORS:
            return None
        if not any(e.region.start <= error.end_byte and error.start_byte <= e.region.end for e in edits):
            known.add((_moved(error.start_byte, edits), _moved(error.end_byte, edits)))
        elif any(error.start_byte < e.region.start and e.region.end < error.end_byte for e in edits):
            # The error holds the gap and more: it may be one of the surroundings, and is known if it stays.
            known.add((_moved(error.start_byte, edits), _moved(error.end_byte, edits)))
    return all((e.start_byte, e.end_byte) in known for e in errors(new))


def _moved(offset: int, edits: Sequence[Edit]) -> int:
    return offset + sum(
        len(e.new_text.encode()) - (e.region.end - e.region.start) for e in edits if e.region.end <= offset
    )


def errors(node: Node, region: Region | None = None) -> Iterator[Node]:
    """Error nodes and missing tokens in file order; only subtrees that hold an error are entered."""
    open_nodes = [iter((node,))]
    while open_nodes:
        child = next(open_nodes[-1], None)
        if child is None or (region is not None and child.start_byte > region.end):
            open_nodes.pop()
        elif child.is_error or child.is_missing:
            yield child
        elif child.has_error:
            # A missing token is empty, it ends where it starts: so look one byte ahead of the region.
            open_nodes.append(children_from(child, max(region.start - 1, 0) if region else 0))


def _parser(language: Language, ranges: Sequence[Range] = ()) -> tree_sitter.Parser:
    grammar = grammar_of(language)
    return tree_sitter.Parser(grammar, included_ranges=list(ranges)) if ranges else tree_sitter.Parser(grammar)


def _point_in(tree: Tree, source: bytes, offset: int) -> tuple[int, int]:
    r"""Row and byte column as tree-sitter counts them (rows end at `\n` only), counted from the nearest top-level node."""
    column = offset - source.rfind(b"\n", 0, offset) - 1
    node = first_child_after(tree.root_node, offset)
    if node is None:
        return source.count(b"\n", 0, offset), column
    if node.start_byte <= offset:
        return node.start_point.row + source.count(b"\n", node.start_byte, offset), column
    return node.start_point.row - source.count(b"\n", offset, node.start_byte), column


def _point_after(start: tuple[int, int], text: bytes) -> tuple[int, int]:
    rows = text.count(b"\n")
    return start[0] + rows, len(text) - text.rfind(b"\n") - 1 if rows else start[1] + len(text)


def _inside(ranges: Sequence[Range], touched: Region, source: bytes) -> bool:
    """Whether `touched` lies in one range, with a whole line between it and the range's inner borders."""
    for r in ranges:
        starts_well = r.start_byte == 0 or source.find(b"\n", r.start_byte, touched.start) >= 0
        ends_well = r.end_byte >= len(source) or source.find(b"\n", touched.end, r.end_byte - 1) >= 0
        if r.start_byte <= touched.start and touched.end <= r.end_byte and starts_well and ends_well:
            return True
    return False


def _window(full: Tree, touched: Region, source: bytes) -> list[Range]:
    """Whole top-level nodes at the file's head and around `touched`: disjoint ranges, each of whole lines."""
    root = full.root_node
    first = first_child_after(root, max(touched.start - _WINDOW_BYTES, 0))
    start = source.rfind(b"\n", 0, min(first.start_byte, touched.start) if first else touched.start) + 1
    last = first_child_after(root, touched.end + _WINDOW_BYTES)
    end = (source.find(b"\n", max(last.end_byte - 1, touched.end)) + 1 if last else 0) or len(source)
    head_node = first_child_after(root, _HEAD_BYTES)
    head = source.rfind(b"\n", 0, head_node.start_byte) + 1 if head_node else 0
    regions = [Region(0, head), Region(start, end)] if head < start else [Region(0, end)]
    return [
        Range(_point_in(full, source, r.start), _point_in(full, source, r.end), r.start, r.end)
        for r in regions
        if r.start < r.end
    ]
