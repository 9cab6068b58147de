"""An edit is sent until the document shows it: editors that drop edits, apply them late, and are typed in meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from lsp_server.code.text.edits import edit_of
from lsp_server.configuration.settings import Settings
from lsp_server.documents.store import DocumentChange
from lsp_server.feedback.metrics import Metrics
from lsp_server.handlers.filling import deliver
from lsp_server.handlers.filling.deliver import Courier, Delivered
from lsp_server.session.session import Session
from lsp_server.suggestions.choice import Choice
from lsp_server.suggestions.fills import Fills
from lsp_server.transforms.fill import fill_regions
from lsp_server.types import Region
from model.text import PlainText
from model.types import Candidate
from tests.fakes import FakeFiller
from tests.lsp_server.editor import URI, connected, span_of, until, within

TEXT = "top = 0\nx = _\nfoot = 0\n"
FILLED = "value(1)"


@dataclass
class Client:
    """An editor: it knows the text as it is, the server only what was told.

    `honest`: it says so if it drops an edit, and tells first what was typed.
    `answers`: how it takes the edits that it is asked to apply, one after the other; then it applies them. What is
    "stale" has been edited elsewhere and not told yet, "late" is applied after the answer, and `typing` goes on with each.
    """

    session: Session
    fills: Fills
    answers: list[str]
    honest: bool
    typing: list[str]
    text: str = TEXT
    version: int = 1
    pending: list[DocumentChange] = field(default_factory=list)
    asked: int = 0
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def put(self, span: tuple[tuple[int, int], tuple[int, int]], text: str) -> None:
        """Edit; the change is told when `tell` is called."""
        lines = self.text.split("\n")
        (line, column), (end_line, end_column) = span
        before = "\n".join([*lines[:line], lines[line][:column]])
        after = "\n".join([lines[end_line][end_column:], *lines[end_line + 1 :]])
        self.text, self.version = before + text + after, self.version + 1
        self.pending.append(DocumentChange(span=span, text=text))

    def tell(self) -> None:
        """textDocument/didChange."""
        if self.pending:
            changes, self.pending = self.pending, []
            documents = self.session.documents
            self.fills.changed(documents.change(URI, changes, version=self.version, on_edit=self._edited))

    def _edited(self, region: Region | None, text: str) -> None:
        self.fills.edited(URI, region, text)

    def type(self) -> None:
        """Someone types somewhere: above the gap or below it, or into it."""
        where = self.typing.pop(0) if self.typing else ""
        lines = self.text.split("\n")
        last = len(lines) - 1
        if where == "above":
            self.put(((0, 0), (0, 0)), "# new\n")
        elif where == "below":
            self.put(((last, 0), (last, 0)), "y")
        elif where == "inside":
            line = next(n for n, line in enumerate(lines) if line.startswith("x ="))
            self.put(((line, 4), (line, 4)), "z")

    async def workspace_apply_edit_async(self, params: lsp.ApplyWorkspaceEditParams) -> lsp.ApplyWorkspaceEditResult:
        """What the editor answers."""
        self.asked += 1
        how = self.answers.pop(0) if self.answers else "applied"
        if how == "crossing":  # told before the editor sees the edit
            self.type()
            self.tell()
        elif how == "stale":
            self.type()
        (change,) = params.edit.document_changes or ()
        assert isinstance(change, lsp.TextDocumentEdit)
        if how == "late":
            self.tasks.append(asyncio.ensure_future(self._late(change)))
            return lsp.ApplyWorkspaceEditResult(applied=True)
        if how == "refused":
            return lsp.ApplyWorkspaceEditResult(applied=False, failure_reason="read-only")
        applied = self._apply(change)
        if self.honest and not applied:
            self.tell()
        if how == "quiet":
            self.pending.clear()
        else:
            self.tasks.append(asyncio.ensure_future(self._debounced()))
        return lsp.ApplyWorkspaceEditResult(applied=applied or not self.honest)

    def _apply(self, change: lsp.TextDocumentEdit) -> bool:
        if change.text_document.version != self.version:
            return False
        (edit,) = change.edits
        assert isinstance(edit, lsp.TextEdit)
        start, end = edit.range.start, edit.range.end
        self.put(((start.line, start.character), (end.line, end.character)), edit.new_text)
        return True

    async def _debounced(self) -> None:
        await asyncio.sleep(0)
        self.type()
        self.tell()

    async def _late(self, change: lsp.TextDocumentEdit) -> None:
        await asyncio.sleep(0)
        self.type()
        self.tell()
        await asyncio.sleep(0)
        self._apply(change)
        self.tell()


def delivered(
    answers: list[str], typing: list[str], *, honest: bool = False
) -> tuple[Client, Delivered, Choice, Counter[str]]:
    """The editor after a fill of `_` was sent to it, what is said of it, and what was counted."""

    async def run() -> tuple[Client, Delivered, Choice, Counter[str]]:
        session = Session(lambda name, *, device: FakeFiller([]), options=Settings())
        fills, metrics = Fills(), Metrics()
        snapshot = session.documents.open(URI, TEXT, language_id="python", version=1)
        at = TEXT.index("_")
        (gap,) = fill_regions(snapshot, [Region(at, at + 1)])
        candidate = Candidate(texts=(PlainText(FILLED),), confidences=(0.9,), confidence=0.9)
        choice = Choice(snapshot=snapshot, gaps=(gap,), candidates=(candidate,))
        client = Client(session=session, fills=fills, answers=list(answers), honest=honest, typing=list(typing))
        courier = Courier(server=cast(LanguageServer, client), session=session, fills=fills, metrics=metrics)
        found = await courier.deliver(choice, [edit_of(snapshot, gap, FILLED)], snapshot)
        await asyncio.gather(*client.tasks)
        client.tell()
        return client, found, choice, Counter(metrics.take())

    return asyncio.run(run())


@pytest.fixture(autouse=True, scope="module")
def patience() -> Any:
    """Nobody waits: where nothing more is to come, nothing more comes."""
    before, deliver.PATIENCE_S = deliver.PATIENCE_S, 0.02
    yield
    deliver.PATIENCE_S = before


HOW = st.sampled_from(["applied", "stale", "crossing", "late"])
WHERE = st.sampled_from(["", "above", "below"])


@given(st.lists(HOW, max_size=3), st.lists(WHERE, max_size=8), st.booleans())
def test_every_fill_arrives_once_while_one_types_elsewhere(answers: list[str], typing: list[str], honest: bool) -> None:
    """Three times an edit may be dropped; it arrives, once, and where it belongs, and the result says so."""
    client, found, choice, counts = delivered(answers, typing, honest=honest)
    assert client.text.count(FILLED) == 1
    assert f"x = {FILLED}\n" in client.text
    assert (found.refusal, found.confirmed) == ("", True)
    assert counts["fills applied"] == 1
    assert counts["fills sent again"] == client.asked - 1 <= 3
    (place,) = choice.regions or (Region(0, 0),)  # where its next candidate can be put
    assert client.text.encode()[place.start : place.end].decode() == FILLED


@given(st.lists(HOW, max_size=4), st.lists(st.sampled_from(["", "above", "inside"]), max_size=8), st.booleans())
def test_what_is_said_is_what_the_document_shows(answers: list[str], typing: list[str], honest: bool) -> None:
    client, found, _, counts = delivered(answers, typing, honest=honest)
    there = FILLED in client.text or "z" + FILLED in client.text
    assert client.text.count(FILLED) <= 1
    if not there:
        assert found.refusal
    if found.confirmed:
        assert there or "inside" in typing  # typed into it after it had arrived
    assert counts["fills applied"] == (not found.refusal)


def test_a_fill_whose_place_was_edited_is_given_up_and_says_so() -> None:
    client, found, choice, counts = delivered(["stale"], ["inside"])
    assert FILLED not in client.text
    assert client.asked == 1
    assert found.refusal == "nothing filled: the document changed meanwhile where it was to be filled; ask again"
    assert counts == {"fills not applied": 1}
    assert choice.regions is None


def test_an_editor_that_drops_it_each_time_is_asked_four_times() -> None:
    client, found, _, counts = delivered(["stale"] * 9, ["above", ""] * 9)
    assert (client.asked, FILLED in client.text) == (4, False)
    assert found.refusal == "nothing filled: newer text came each time; ask again when you pause"
    assert counts == {"fills sent again": 3, "fills not applied": 1}


def test_an_editor_that_refuses_is_not_asked_again() -> None:
    client, found, _, _ = delivered(["refused"], [])
    assert (client.asked, found.refusal) == (1, "the editor did not apply the fill: read-only")


def test_an_editor_that_tells_of_no_change_is_taken_at_its_word() -> None:
    client, found, _, counts = delivered(["quiet"], [])
    assert (client.asked, found.refusal, found.confirmed) == (1, "", False)
    assert counts == {"fills applied": 1}


async def test_over_the_wire_a_dropped_edit_is_sent_again() -> None:
    async with connected(texts=["9"], confirm_s=300) as editor:
        editor.open("x = 1\ny = 2\n", version=4)
        answer = editor.fill((1, 4, 1, 5), version=4)
        await until(lambda: len(editor.applied) == 1)  # which this editor says to have applied
        editor.change(((0, 0, 0, 0), "# new\n"))
        await until(lambda: len(editor.applied) == 2)
        (change,) = editor.applied[1].edit.document_changes or ()
        assert isinstance(change, lsp.TextDocumentEdit)
        assert change.text_document.version == 5
        assert list(change.edits) == [lsp.TextEdit(range=span_of(2, 4, 2, 5), new_text="9")]
        editor.change(((2, 4, 2, 5), "9"))
        result = await within(60, answer)
        assert (result["applied"], result["confirmed"]) == (True, True)


async def test_over_the_wire_a_closed_document_is_waited_for_no_longer() -> None:
    async with connected(texts=["9"], confirm_s=300) as editor:
        editor.open("x = 1\n", version=4)
        answer = editor.fill((0, 4, 0, 5), version=4)
        await until(lambda: len(editor.applied) == 1)
        editor.client.text_document_did_close(
            lsp.DidCloseTextDocumentParams(text_document=lsp.TextDocumentIdentifier(uri=URI))
        )
        result = await within(60, answer)
        assert (result["applied"], result["reason"]) == (False, "nothing filled: the document was closed meanwhile")
