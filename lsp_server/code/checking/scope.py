"""The part of a file in which a fill is judged: the whole, or what is still sound around it in a file that is not.

An error elsewhere (a bracket left open above, a command of a notebook, syntax that the grammar does not know) is a
file's everyday state, and no fill is to blame for it. Whether an error is elsewhere is tried: the gap's lines are
replaced by what fits almost anywhere, and what is still wrong then has nothing to do with the gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lsp_server.code.languages.brackets import MULTI_LINE, balance, code_before
from lsp_server.code.languages.language import Language
from lsp_server.code.languages.table import PLAIN
from lsp_server.code.syntax import statements
from lsp_server.code.syntax.injections import embedded_at
from lsp_server.code.syntax.parse import covers, parse, verdict
from lsp_server.code.syntax.python_dialect import foreign_cell, without_commands, without_commands_in
from lsp_server.code.syntax.python_syntax import syntax_error
from lsp_server.types import Edit, Region, Snapshot
from model.pairs import CLOSER_OF

_MARKUP_OF_ITS_OWN = frozenset({"svelte"})
"""Their scripts and styles are parsed, their markup is not what the grammar knows."""
_NO_STATEMENTS = frozenset({"json"})
"""No line of theirs says anything by itself."""
_FAR_BYTES = 4_000
_PENDING_LINES = 40
"""A bracket or string that was opened so many lines above at most may be the gap's to close."""


@dataclass(frozen=True, kw_only=True, eq=False)
class JudgedScope:
    """`snapshot`: a text that is judged by itself, the document's `region` behind `lead` bytes of wrapping.

    `torn`: it has errors that no fill of the gap mends. `owes`: and a fill has to open what is closed below; `unpaired`:
    or to close what is open above.
    `embedded`: it is in another language than the document. `commands`: a notebook's commands were taken out.
    """

    snapshot: Snapshot
    region: Region
    lead: int = 0
    torn: bool = False
    owes: bool = False
    unpaired: bool = False
    embedded: bool = False
    commands: bool = False

    def is_like(self, other: JudgedScope) -> bool:
        """Whether both are the same part."""
        mine, theirs = self.snapshot, other.snapshot
        return (self.region, self.lead, mine.language.name, self.torn) == (
            other.region, other.lead, theirs.language.name, other.torn,
        )  # fmt: skip

    def holds(self, edit: Edit) -> bool:
        """Whether the edit lies in this part of the document."""
        return self.region.start <= edit.region.start and edit.region.end <= self.region.end

    def own(self, edits: Sequence[Edit]) -> list[Edit]:
        """The edits that lie in it, at its positions."""
        by = self.lead - self.region.start
        return [
            replace(
                edit,
                region=Region(edit.region.start + by, edit.region.end + by),
                new_text=without_commands_in(edit.new_text) if self.commands else edit.new_text,
            )
            for edit in edits
            if self.holds(edit)
        ]


def scope_of(snapshot: Snapshot, region: Region) -> JudgedScope:
    """Where a fill of `region` is judged."""
    whole = JudgedScope(snapshot=snapshot, region=Region(0, len(snapshot.source)))
    if snapshot.tree is None or not covers(snapshot.tree, region):
        return whole
    part = embedded_at(snapshot, region)
    if part is not None:
        return _embedded(snapshot, part.region, part.language, region)
    if snapshot.language.name in _MARKUP_OF_ITS_OWN:
        return replace(whole, snapshot=replace(snapshot, tree=None))
    if snapshot.language.name == "python" and snapshot.tree.root_node.has_error:
        if foreign_cell(snapshot.source):
            return replace(whole, snapshot=replace(snapshot, language=PLAIN, tree=None))
        source = without_commands(snapshot.source, snapshot.tree)
        if source != snapshot.source:
            snapshot = replace(snapshot, source=source, tree=parse(source, snapshot.language))
            whole = replace(whole, snapshot=snapshot, commands=True)
    return whole if _errors_are_here(snapshot, region) else _sound_around(whole, region)


def probes(snapshot: Snapshot, region: Region) -> Iterator[Edit]:
    """The region's lines replaced by what fits almost anywhere: by a statement, by their outer brackets, by nothing."""
    source, language = snapshot.source, snapshot.language
    start = statements.line_start(source, region.start)
    end = statements.line_end(source, max(region.start, region.end - 1))
    lines = source[start:end]
    ending = b"\n" if lines.endswith(b"\n") else b""
    indent = lines[: statements.indent_of(lines)]
    place = Region(start, end)
    if language.name == "python":
        below = next((line for line in source[end : end + 2000].split(b"\n") if line.strip()), b"")
        statement = b"if 1:" if statements.indent_of(below) > len(indent) else b"pass"
        yield _edit(place, indent + statement + ending)
    text = lines.strip()
    brackets = text[: len(text) - len(text.lstrip(b")]}"))] + text[len(text.rstrip(b"([{")) :]
    if brackets:
        yield _edit(place, indent + brackets + ending)
    yield _edit(place, ending)


def _edit(region: Region, text: bytes) -> Edit:
    return Edit(region=region, new_text=text.decode("utf-8", "replace"), version=None)


def _embedded(snapshot: Snapshot, part: Region, language: Language, region: Region) -> JudgedScope:
    """The part as a text of its own."""
    text = snapshot.source[part.start : part.end]
    lead = b""
    first = next((line for line in text.split(b"\n") if line.strip()), b"")
    if language.name == "python" and statements.indent_of(first):
        lead = b"if 1:\n"
    source = lead + text
    inner = Snapshot(uri=snapshot.uri, version=snapshot.version, source=source, language=language,
                     tree=parse(source, language))  # fmt: skip
    scope = JudgedScope(snapshot=inner, region=part, lead=len(lead), embedded=True)
    (own,) = scope.own([_edit(region, b"")])
    if inner.tree is None or _errors_are_here(inner, own.region):
        return scope
    found = _sound_around(JudgedScope(snapshot=inner, region=Region(0, len(source))), own.region)
    by = part.start - len(lead)
    return replace(found, region=Region(found.region.start + by, found.region.end + by), embedded=True)


def _errors_are_here(snapshot: Snapshot, region: Region) -> bool:
    """Whether the file has no errors, or none that a fill might not mend."""
    tree = snapshot.tree
    assert tree is not None
    if not tree.root_node.has_error:
        return True
    tried = [*probes(snapshot, region), *_stand_ins(snapshot, region)]
    return any(verdict(snapshot, [probe]).sound for probe in tried)


def _stand_ins(snapshot: Snapshot, region: Region) -> Iterator[Edit]:
    """The region replaced by a name, and by what closes the brackets, or the string or comment, that were opened near above it."""
    yield Edit(region=region, new_text="x", version=None)
    above = snapshot.source[max(0, region.start - _FAR_BYTES) : region.start].decode("utf-8", "replace")
    above = "\n".join(above.split("\n")[-_PENDING_LINES:])
    opened = balance(code_before(above, snapshot.language), snapshot.language).opened
    below = snapshot.source[region.end : region.end + _FAR_BYTES].decode("utf-8", "replace")
    left = len(opened) - len(balance(below, snapshot.language).closed)
    if left > 0:
        closers = "".join(CLOSER_OF[b.char] for b in reversed(opened[-left:]))
        yield Edit(region=region, new_text=closers, version=None)
        yield Edit(region=region, new_text=f"x{closers}{'' if snapshot.language.indented else ';'}", version=None)
    block = snapshot.language.block_comment
    ends = {**dict.fromkeys(MULTI_LINE, ""), **({block[0]: block[1]} if block else {})}
    opener = max(ends, key=above.rfind)  # a scan that begins within a string could not tell which quotes open one
    if opener in above:
        yield Edit(region=region, new_text=ends[opener] or opener, version=None)


def _sound_around(whole: JudgedScope, region: Region) -> JudgedScope:
    """The largest statement around the region that is sound but for the region; else the lines around it, `torn`."""
    snapshot = whole.snapshot
    found = list(statements.around(snapshot.source, region))
    owes, unpaired = _unpaired(snapshot, region)
    if found and not owes and snapshot.language.name not in _NO_STATEMENTS:
        earliest = _pending(snapshot, found[0][0].start, region)
        for part, indent in found:
            if part.start > earliest:
                break
            for lead, tail in _wrappings(snapshot.language, indent):
                source = lead + snapshot.source[part.start : part.end] + tail
                inner = replace(snapshot, source=source, tree=parse(source, snapshot.language))
                scope = JudgedScope(snapshot=inner, region=part, lead=len(lead), commands=whole.commands)
                (own,) = scope.own([_edit(region, b"")])
                assert inner.tree is not None
                if not inner.tree.root_node.has_error or any(
                    verdict(inner, [probe]).sound for probe in probes(inner, own.region)
                ):
                    return scope
    told = snapshot.language.name not in _NO_STATEMENTS
    return replace(_torn(whole, region), owes=owes, unpaired=unpaired and told)


def _torn(whole: JudgedScope, region: Region) -> JudgedScope:
    """The lines around the region, a few thousand bytes: to read more of a torn file takes long and tells nothing more."""
    snapshot = whole.snapshot
    first = statements.line_start(snapshot.source, max(0, region.start - _FAR_BYTES))
    last = statements.line_end(snapshot.source, min(len(snapshot.source), region.end + _FAR_BYTES))
    source = snapshot.source[first:last]
    inner = replace(snapshot, source=source, tree=parse(source, snapshot.language))
    return replace(whole, snapshot=inner, region=Region(first, last), torn=True)


def sound_with(snapshot: Snapshot, region: Region) -> bool:
    """Whether a statement around what was put at `region` is sound by itself, whatever else the file holds."""
    found = list(statements.around(snapshot.source, region))
    if not found or _unpaired(snapshot, Region(region.end, region.end))[0]:
        return False
    earliest = _pending(snapshot, found[0][0].start, region)
    for part, indent in (one for one in found if one[0].start <= earliest):
        for lead, tail in _wrappings(snapshot.language, indent):
            source = lead + snapshot.source[part.start : part.end] + tail
            tree = parse(source, snapshot.language)
            if tree is not None and not tree.root_node.has_error:
                return snapshot.language.name != "python" or syntax_error(source) is None
    return False


def _unpaired(snapshot: Snapshot, region: Region) -> tuple[bool, bool]:
    """(whether a bracket is closed near below that was not opened near above: then it is the gap that opens it; whether
    one that was opened near above is not closed near below).
    """
    source, blocks = snapshot.source, "" if snapshot.language.indented else "{}"
    below = source[region.end : region.end + _FAR_BYTES].decode("utf-8", "replace")
    below = "\n".join(below.split("\n")[:_PENDING_LINES])
    above = source[max(0, region.start - _FAR_BYTES) : region.start].decode("utf-8", "replace")
    above = "\n".join(above.split("\n")[-_PENDING_LINES:])
    closed = [b.char for b in balance(below, snapshot.language).closed if b.char not in blocks]
    opened = balance(code_before(above, snapshot.language), snapshot.language).opened
    wanted = [CLOSER_OF[b.char] for b in reversed(opened) if b.char not in blocks]
    left = iter(wanted)  # a bracket that was left open is passed over: it is not the gap's to close
    owes = not all(char in left for char in closed)
    return owes, owes or len(wanted) > len(closed)


def _pending(snapshot: Snapshot, start: int, region: Region) -> int:
    """Where the bracket or the string around the region was opened, if that is near; a statement has to hold it."""
    source = snapshot.source
    text = source[start : region.start].decode("utf-8", "replace")
    known = balance(text, snapshot.language)
    first = len(text.rsplit("\n", _PENDING_LINES)[0]) if text.count("\n") > _PENDING_LINES else 0
    blocks = "" if snapshot.language.indented else "{"
    near = [b.at for b in known.opened if b.char not in blocks and b.at >= first]
    if known.inside_at >= first:
        near.append(known.inside_at)
    return start + len(text[: min(near)].encode()) if near else region.start


def _wrappings(language: Language, indent: int) -> Iterator[tuple[bytes, bytes]]:
    """What to put around a statement that was indented so far, so that it stands alone."""
    if language.name == "python":
        yield (b"if 1:\n", b"") if indent else (b"", b"")
        return
    opening = b"<?php " if language.name == "php" else b""
    yield opening, b""
    if indent:
        for holder in language.holders:
            head, _, tail = holder.partition("…")
            yield opening + head.encode(), tail.encode()
