from __future__ import annotations

import pytest

from lsp_server.source.edits import apply, edit_of, keep_line_ends
from lsp_server.types import Edit, Region
from tests.lsp_server.marked import marked


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_ends_of_the_file_are_kept(ending: str) -> None:
    source = f"a{ending}b{ending}".encode()
    assert keep_line_ends(source, "x\ny\r\nz") == f"x{ending}y{ending}z"


def test_a_file_without_line_ends_gets_newlines() -> None:
    assert keep_line_ends(b"a", "x\ny") == "x\ny"


def test_most_lines_decide_in_a_mixed_file() -> None:
    assert keep_line_ends(b"a\r\nb\r\nc\n", "x\n") == "x\r\n"
    assert keep_line_ends(b"a\r\nb\nc\n", "x\n") == "x\n"


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
