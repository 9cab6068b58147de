from __future__ import annotations

import pytest

from lsp_server.code.text.edits import apply, edit_of, line_end_at
from lsp_server.types import Edit, Region
from tests.lsp_server.marked import marked


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_ends_of_the_file_are_kept(ending: str) -> None:
    snapshot, gap = marked(f"a{ending}‸{ending}b")
    assert edit_of(snapshot, gap, "x\ny\r\nz\rw").new_text == f"x{ending}y{ending}z{ending}w"


def test_a_file_without_line_ends_gets_newlines() -> None:
    assert line_end_at(b"a", Region(1, 1)) == "\n"
    assert line_end_at(b"", Region(0, 0)) == "\n"


@pytest.mark.parametrize(
    ("source", "line_end"),
    [
        ("a\r\n‸\r\nc\nd\ne\nf\n", "\r\n"),  # the neighbours agree, though most lines differ
        ("a\n‸\nc\r\nd\r\ne\r\n", "\n"),
        ("a\r\n‸b\nc\nd\n", "\n"),  # they do not: most lines decide
        ("a\r\nb\r\nx‸\n", "\r\n"),
        ("a\rb\rx‸", "\r"),
        ("‸a\r\nb\nc\n", "\r\n"),  # there is but one neighbour
    ],
)
def test_the_line_end_is_that_of_the_neighbours_else_of_most_lines(source: str, line_end: str) -> None:
    snapshot, gap = marked(source)
    assert line_end_at(snapshot.source, gap.region) == line_end


def test_edits_apply_in_any_order_and_round_trip() -> None:
    source = "é = 1\r\nf(😀)\r\n\tlast".encode()
    places = [source.index(b"1"), source.index("😀".encode()), source.index(b"last")]
    edits = [
        Edit(region=Region(places[2], places[2] + 4), new_text="ende", version=None),
        Edit(region=Region(places[0], places[0] + 1), new_text="22", version=None),
        Edit(region=Region(places[1], places[1]), new_text="👋🏽", version=None),
    ]
    edited = apply(source, edits)
    assert edited.decode() == "é = 22\r\nf(👋🏽😀)\r\n\tende"
    back = edited.replace(b"22", b"1").replace("👋🏽".encode(), b"").replace(b"ende", b"last")
    assert back == source


def test_overlapping_edits_are_refused() -> None:
    edits = [Edit(region=Region(a, b), new_text="", version=None) for a, b in ((0, 3), (2, 4))]
    with pytest.raises(AssertionError, match="overlap"):
        apply(b"abcdef", edits)


def test_an_edit_carries_the_version_and_the_text_around() -> None:
    snapshot, gap = marked("a\r\n‸b\r\n", after="\n")
    assert edit_of(snapshot, gap, "x\ny") == Edit(region=gap.region, new_text="x\r\ny\r\n", version=7)
