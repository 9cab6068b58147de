"""Whether an edit that was sent stands in the document: every order of edits, and every way to tell of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from lsp_server.code.text.edits import apply
from lsp_server.suggestions.delivery import Delivery, Fate
from lsp_server.types import Edit, Region

LETTERS = "ab\né"
"""Few, so that texts look alike in many places."""
Change = tuple[Region | None, str]


@dataclass
class Typist:
    """A document in which someone types, and edits that belong at the bytes marked by `gaps` as long as nobody touched them."""

    source: bytes
    gaps: list[Region]
    applied: bool = False
    touched: bool = False
    changes: list[Change] = field(default_factory=list)

    def put(self, region: Region, text: str) -> None:
        """Replace a region."""
        new = text.encode()
        self.source = self.source[: region.start] + new + self.source[region.end :]
        self.changes.append((region, text))
        by = len(new) - (region.end - region.start)
        for index, gap in enumerate(self.gaps):
            if region.start <= gap.end and gap.start <= region.end:
                self.touched = True
            elif region.end < gap.start:
                self.gaps[index] = Region(gap.start + by, gap.end + by)

    def fill(self, texts: list[str]) -> None:
        """Make the edits, from the last to the first, as editors do."""
        before = self.touched
        places = list(self.gaps)
        for index in reversed(range(len(places))):
            self.put(places[index], texts[index])
        edits = [Edit(region=r, new_text=t, version=None) for r, t in zip(places, texts, strict=True)]
        by = 0
        for index, edit in enumerate(edits):
            size = len(edit.new_text.encode())
            self.gaps[index] = Region(edit.region.start + by, edit.region.start + by + size)
            by += size - (edit.region.end - edit.region.start)
        self.applied, self.touched = True, before


def spans(source: bytes) -> st.SearchStrategy[Region]:
    """Regions of whole characters."""
    text = source.decode()
    edges = [len(text[:n].encode()) for n in range(len(text) + 1)]
    return st.tuples(st.sampled_from(edges), st.sampled_from(edges)).map(lambda pair: Region(min(pair), max(pair)))


@st.composite
def sent(draw: st.DrawFn) -> tuple[bytes, list[Edit]]:
    """A document, and one or two edits of it that change something."""
    source = draw(st.text(LETTERS, min_size=2, max_size=14)).encode()
    first = draw(spans(source))
    regions = [first]
    if draw(st.booleans()):
        second = draw(spans(source).filter(lambda r: r.start > first.end)) if first.end < len(source) else None
        regions += [second] if second is not None else []
    texts = [draw(st.text("XY\n", min_size=1, max_size=4)) for _ in regions]
    return source, [Edit(region=r, new_text=t, version=1) for r, t in zip(regions, texts, strict=True)]


def told(delivery: Delivery, changes: list[Change], old: bytes, new: bytes, way: str) -> None:
    """One didChange: each edit for itself, the smallest region that differs, or the whole text."""
    if way == "each":
        for region, text in changes:
            delivery.edited(region, text)
    elif way == "whole":
        delivery.edited(None, new.decode())
    else:
        was, now = old.decode(), new.decode()
        head = next((n for n, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(len(was), len(now)))
        most = min(len(was), len(now)) - head
        tail = next((n for n in range(most) if was[len(was) - 1 - n] != now[len(now) - 1 - n]), most)
        region = Region(len(was[:head].encode()), len(was[: len(was) - tail].encode()))
        delivery.edited(region, now[head : len(now) - tail])
    delivery.changed()


@given(st.data(), sent(), st.sampled_from(["each", "smallest", "whole"]), st.booleans())
def test_the_document_tells_what_became_of_an_edit(
    data: st.DataObject, what: tuple[bytes, list[Edit]], way: str, filled: bool
) -> None:
    source, edits = what
    typist = Typist(source, [edit.region for edit in edits])
    delivery = Delivery(edits, source)
    # The fill comes at some moment, or never; typing goes on before and after. Several edits may come as one change.
    moment = data.draw(st.integers(0, 3)) if filled else None
    for step in range(4):
        old, typist.changes = typist.source, []
        for _ in range(data.draw(st.integers(0, 2))):
            region = data.draw(spans(typist.source))
            if region.start <= len(typist.source):
                typist.put(region, data.draw(st.text("ab\n", max_size=3)))
        if step == moment and not typist.touched:
            typist.fill([edit.new_text for edit in edits])
        if typist.changes:
            told(delivery, typist.changes, old, typist.source, way)
    fate = delivery.fate()
    exact = way == "each"
    if typist.applied and (exact or not typist.touched):
        # Who sees the whole alone may not tell what was typed into the fill from what was typed instead of it.
        assert fate is Fate.LANDED or not exact
        assert fate is not Fate.MISSING
    if not typist.applied:
        # The letters of fills are typed by nobody: the document cannot hold them.
        assert fate is not Fate.LANDED or not any(set(edit.new_text) - {"\n"} for edit in edits)
        if not typist.touched and exact:
            assert fate is Fate.MISSING
        if fate is Fate.MISSING and exact:
            assert [edit.region for edit in delivery.again(9)] == typist.gaps
    if not typist.touched and exact and delivery.filled is not None:
        assert list(delivery.filled.now or ()) == typist.gaps


@given(st.data(), sent(), st.sampled_from(["smallest", "whole"]))
def test_an_edit_that_comes_with_typing_elsewhere_is_seen(
    data: st.DataObject, what: tuple[bytes, list[Edit]], way: str
) -> None:
    """One change brings the fill and lines typed above and below it."""
    source, edits = what
    head, tail = data.draw(st.sampled_from(["top\n", ""])), data.draw(st.sampled_from(["\nfoot", ""]))
    lines = [f"line {n}\n".encode() for n in range(6)]
    before, after = b"".join(lines[:3]), b"\n" + b"".join(lines[3:])
    edits = [
        Edit(
            region=Region(e.region.start + len(before), e.region.end + len(before)),
            new_text=f"<{e.new_text}>",
            version=1,
        )
        for e in edits
    ]
    whole = before + source + after
    there = head.encode() + apply(whole, edits) + tail.encode()
    lacking = head.encode() + whole + tail.encode()
    for new, fate in ((there, Fate.LANDED), (lacking, Fate.MISSING)):
        delivery = Delivery(edits, whole)
        told(delivery, [], whole, new, way)
        assert delivery.fate() is fate
        if fate is Fate.MISSING:
            assert apply(lacking, delivery.again(2)) == there
