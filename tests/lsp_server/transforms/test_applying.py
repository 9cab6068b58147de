"""A change with holes becomes edits of the file: filled, checked, minimal; or nothing, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lsp_server.code.languages.table import by_name
from lsp_server.code.syntax.parse import parse
from lsp_server.code.text.edits import apply
from lsp_server.errors import NothingFilled
from lsp_server.transforms.applying import Refactored, refactored
from lsp_server.transforms.refactoring import Blank, Change, rewritten
from lsp_server.types import Edit, Region, Snapshot
from model.types import FillOptions, Hole
from tests.fakes import FakeFiller

SOURCE = "def f(a):\r\n    return a + 1\r\n"


def snapshot_of(text: str, language: str = "python") -> Snapshot:
    source, known = text.encode(), by_name(language)
    return Snapshot(uri="", version=3, source=source, language=known, tree=parse(source, known))


def done(snapshot: Snapshot, change: Change, filler: FakeFiller | None = None) -> Refactored:
    return refactored(snapshot, change, filler, FillOptions(), cancelled=lambda: False)


def region_of(text: str, part: str) -> Region:
    start = len(text[: text.index(part)].encode())
    return Region(start, start + len(part.encode()))


def extracted(snapshot: Snapshot) -> Change:
    name = Hole(tie="name", must_match=r"[a-z_]+")
    line = region_of(SOURCE, "    return")
    return rewritten(
        snapshot,
        [
            (Region(line.start, line.start), ["    ", Blank(placeholder="total", hole=name), " = a + 1\n"]),
            (region_of(SOURCE, "a + 1"), [Blank(placeholder="total", hole=name)]),
        ],
        summary="extract a + 1",
    )


def test_a_change_without_holes_needs_no_model_and_touches_nothing_else() -> None:
    snapshot = snapshot_of(SOURCE)
    result = done(snapshot, rewritten(snapshot, [(region_of(SOURCE, "1"), ["2"])], summary="two")).results[0]
    assert result.source.decode() == SOURCE.replace("1", "2")
    assert [(e.region, e.new_text, e.version) for e in result.edits] == [(region_of(SOURCE, "1"), "2", 3)]


def test_holes_are_placed_in_the_changed_file_with_its_line_ends() -> None:
    change = extracted(snapshot_of(SOURCE))
    assert change.source.decode() == "def f(a):\r\n    total = a + 1\r\n    return total\r\n"
    assert [change.source[g.region.start : g.region.end] for g in change.gaps] == [b"total", b"total"]
    assert [g.hole.old_text for g in change.gaps] == ["total", "total"]


def test_the_model_fills_the_holes_of_the_changed_file() -> None:
    snapshot, filler = snapshot_of(SOURCE), FakeFiller(["more"])
    result = done(snapshot, extracted(snapshot), filler).results[0]
    assert result.texts == ("more", "more")
    assert result.source.decode() == "def f(a):\r\n    more = a + 1\r\n    return more\r\n"
    assert apply(snapshot.source, result.edits) == result.source
    (request,) = filler.requests
    assert request.template.pieces == ("def f(a):\n    ", " = a + 1\n    return ", "\n")


def test_lines_of_context_are_shown_to_the_model_and_taken_out_again() -> None:
    snapshot, filler = snapshot_of(SOURCE), FakeFiller(["more"])
    change = replace(extracted(snapshot), context="    # a sum\n")
    assert done(snapshot, change, filler).results[0].source.decode() == SOURCE.replace(
        "    return a + 1", "    more = a + 1\r\n    return more"
    )
    assert filler.requests[0].template.pieces[0] == "def f(a):\n    # a sum\n    "


def test_what_is_objected_to_gives_way_to_the_next_candidate() -> None:
    snapshot, filler = snapshot_of(SOURCE), FakeFiller(["a"], others=[["b"], ["c"]])
    change = replace(extracted(snapshot), objection=lambda texts: "taken" if texts[0] == "a" else "")
    assert [r.texts for r in done(snapshot, change, filler).results] == [("b", "b"), ("c", "c")]
    with pytest.raises(NothingFilled, match="no name is free"):
        done(snapshot, replace(change, objection=lambda _: "no name is free"), filler)


def test_what_the_texts_call_for_is_edited_too() -> None:
    snapshot = snapshot_of(SOURCE)

    def imports(texts: tuple[str, ...]) -> tuple[Edit, ...]:
        return (Edit(region=Region(0, 0), new_text=f"import {texts[0]}\r\n", version=None),)

    change = replace(extracted(snapshot), completion=imports)
    assert (
        done(snapshot, change, FakeFiller(["os"])).results[0].source.startswith(b"import os\r\ndef f(a):\r\n    os =")
    )


def test_tied_holes_say_the_same_or_nothing_is_changed() -> None:
    snapshot = snapshot_of(SOURCE)
    with pytest.raises(NothingFilled, match="different texts"):
        done(snapshot, extracted(snapshot), FakeFiller(["one", "other"]))


def test_a_new_syntax_error_changes_nothing_and_says_so() -> None:
    snapshot = snapshot_of(SOURCE)
    with pytest.raises(NothingFilled, match="syntax error"):
        done(snapshot, rewritten(snapshot, [(region_of(SOURCE, "a + 1"), ["a +"])], summary="broken"))
    with pytest.raises(NothingFilled, match="nothing to change"):
        done(snapshot, rewritten(snapshot, [], summary="nothing"))


def test_an_error_elsewhere_is_no_hindrance() -> None:
    text = "def g(:\n    pass\n\n\n" + "x = 1\n" * 5 + SOURCE.replace("\r", "")
    snapshot = snapshot_of(text)
    change = rewritten(snapshot, [(region_of(text, "a + 1"), ["a + 2"])], summary="two")
    assert done(snapshot, change).results[0].source.decode() == text.replace("a + 1", "a + 2")
