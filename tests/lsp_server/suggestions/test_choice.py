"""Which candidate stands where, while the editor puts others in its place, refuses them, undoes, and somebody types."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lsp_server.code.languages.table import language_of
from lsp_server.code.text.edits import apply
from lsp_server.suggestions.choice import Choice
from lsp_server.types import Edit, Gap, Region, Snapshot
from model.text import PlainText
from model.types import Candidate, Hole

TEXTS = ("one", "two()", "drei # ü", "three")
HOLE = "«»"


def document(source: bytes, version: int = 1) -> Snapshot:
    return Snapshot(uri="untitled:a", version=version, source=source, language=language_of("a.py"), tree=None)


def candidate(text: str) -> Candidate:
    return Candidate(texts=(PlainText(text),), confidences=(0.5,), confidence=0.5)


class Editor(RuleBasedStateMachine):
    """A document, its undo stack, and a choice that hears of all that happens to it."""

    def __init__(self) -> None:
        super().__init__()
        before = f"a = 1\nx = {HOLE}\nb = 2\n".encode()
        start = before.index(HOLE.encode())
        region = Region(start, start + len(HOLE.encode()))
        self.choice = Choice(
            snapshot=document(before),
            gaps=(Gap(region=region, hole=Hole()),),
            candidates=tuple(map(candidate, TEXTS[:3])),
        )
        self.source, self.stack = before, list[bytes]()
        edits = (Edit(region=region, new_text=TEXTS[0], version=1),)
        self.choice.expect(edits, self.source)
        self.make(edits)

    def make(self, edits: tuple[Edit, ...]) -> None:
        """The editor makes the edits, and tells of each and then that this is all."""
        self.stack.append(self.source)
        for edit in reversed(edits):
            self.source = apply(self.source, [edit])
            self.choice.edited(edit.region, edit.new_text)
        self.choice.recognise(self.source)

    def turned(self, step: int) -> tuple[Edit, ...] | None:
        index = (self.choice.index + step) % len(self.choice.candidates)
        edits = self.choice.edits(index, document(self.source))
        if edits is not None and index != self.choice.index:
            self.choice.turn(index)
            self.choice.expect(edits, self.source)
            return edits
        return None

    @rule(step=st.sampled_from([-1, 1, 2]))
    def another_is_put_there(self, step: int) -> None:
        if edits := self.turned(step):
            wanted = self.choice.index
            self.make(edits)
            assert (self.choice.index, self.choice.regions is not None) == (wanted, True)

    @rule(step=st.sampled_from([-1, 1]), known=st.booleans())
    def another_is_refused(self, step: int, known: bool) -> None:
        before, regions = self.choice.index, self.choice.regions
        if self.turned(step):
            self.choice.turn_back(regions if known else None, self.source)
            assert self.choice.index == before
            assert self.choice.regions == (regions if known else None)

    @precondition(lambda self: self.choice.regions is not None)
    @rule(text=st.sampled_from(["# new\n", "é", ""]), below=st.booleans())
    def somebody_types_elsewhere(self, text: str, below: bool) -> None:
        at = len(self.source) if below else 0
        before = self.choice.regions
        self.make((Edit(region=Region(at, at), new_text=text, version=None),))
        by = 0 if below else len(text.encode())
        assert before is not None
        assert self.choice.regions == tuple(Region(r.start + by, r.end + by) for r in before)

    @precondition(lambda self: self.choice.regions is not None)
    @rule()
    def somebody_types_into_it(self) -> None:
        (region,) = self.choice.regions or ()
        self.make((Edit(region=Region(region.start + 1, region.start + 1), new_text="~", version=None),))
        assert self.choice.regions is None

    @precondition(lambda self: len(self.stack) > 1)
    @rule()
    def undone(self) -> None:
        self.source = self.stack.pop()
        self.choice.edited(None, self.source.decode())
        self.choice.recognise(self.source)

    @precondition(lambda self: len(self.choice.candidates) == 3)
    @rule()
    def the_model_says_more(self) -> None:
        before = self.choice.chosen
        self.choice.grow(map(candidate, [*TEXTS, TEXTS[0]]))
        assert [c.texts[0] for c in self.choice.candidates] == list(TEXTS)
        assert self.choice.chosen == before

    @invariant()
    def what_it_says_stands_there(self) -> None:
        for region in self.choice.regions or ():
            assert self.source[region.start : region.end].decode() == self.choice.chosen.texts[0]

    @invariant()
    def what_stands_there_can_be_replaced(self) -> None:
        edits = self.choice.edits(0, document(self.source, version=7))
        assert (edits is None) == (self.choice.regions is None)
        if edits is not None:
            assert f"x = {TEXTS[0]}\n" in apply(self.source, edits).decode()
            assert {edit.version for edit in edits} == {7}


TestEditor = Editor.TestCase


def test_more_is_asked_for_once_and_only_where_one_alone_stands() -> None:
    source = b"x = _\n"
    gap = Gap(region=Region(4, 5), hole=Hole())
    choice = Choice(snapshot=document(source), gaps=(gap,), candidates=(candidate("one"),))
    wanted = [choice.may_grow]  # it is not there yet
    choice.expect([Edit(region=gap.region, new_text="one", version=1)], source)
    choice.recognise(b"x = one\n")
    wanted.append(choice.may_grow)
    choice.grow([candidate("one")])
    wanted.append(choice.may_grow)
    assert wanted == [False, True, False]
    assert len(choice.candidates) == 1
