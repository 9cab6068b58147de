"""Ranges of earlier versions, found again: as the bytes would be moved."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.code.text.positions import Encoding, LineIndex
from lsp_server.code.text.rebase import Places
from lsp_server.documents.history import History
from lsp_server.documents.store import DocumentChange, Documents
from lsp_server.types import Region

URI = "file:///a.txt"
TEXTS = st.text(st.sampled_from("ab \n\r🎉é"), max_size=8)
PLACES = st.tuples(st.integers(0, 5), st.integers(0, 9))
EDITS = st.lists(st.tuples(PLACES, PLACES, TEXTS), max_size=6)


@settings(max_examples=300)
@given(
    text=TEXTS,
    more=TEXTS,
    edits=EDITS,
    start=PLACES,
    end=PLACES,
    encoding=st.sampled_from(("utf-8", "utf-16", "utf-32")),
)
def test_a_range_is_found_where_its_bytes_went(
    text: str, more: str, edits: list[tuple[tuple[int, int], tuple[int, int], str]],
    start: tuple[int, int], end: tuple[int, int], encoding: Encoding,
) -> None:  # fmt: skip
    documents = Documents(encoding=encoding)
    then = documents.open(URI, text * 3 + more, language_id="plaintext", version=1)
    index = LineIndex(then.source)
    region = Region(*sorted(index.offset(*place, encoding) for place in (start, end)))
    span = index.position(region.start, encoding), index.position(region.end, encoding)
    region = Region(*(index.offset(*place, encoding) for place in span))
    places = Places([region])

    def follow(edit: Region | None, new: str) -> None:
        places.edited(edit, new)

    for version, (a, b, new) in enumerate(edits, start=2):
        documents.change(URI, [DocumentChange(text=new, span=(a, b))], version=version, on_edit=follow)
    found = documents.rebased(URI, [span], since=1)
    if found is not None:
        assert places.now is not None
        now = LineIndex(documents.snapshot(URI).source)
        assert Region(*(now.offset(*place, encoding) for place in found[0])) == places.now[0]
        assert (
            then.source[region.start : region.end]
            == documents.snapshot(URI).source[places.now[0].start : places.now[0].end]
        )
    elif places.now is not None:
        assert any("\r" in part for part in (text, more, *(new for _, _, new in edits))), (
            "only a torn line end is given up"
        )


def test_what_nobody_remembers_is_not_guessed() -> None:
    history = History(3)
    assert history.rebased([((5, 0), (5, 4))], since=2) is None
    assert history.rebased([((5, 0), (5, 4))], since=3) == (((5, 0), (5, 4)),)
    history.edited(4, ((0, 0), (2, 3)), "x", "utf-16")
    assert history.rebased([((5, 0), (5, 4)), ((2, 4), (2, 5))], since=3) == (((3, 0), (3, 4)), ((0, 2), (0, 3)))
    history.replaced(5)
    assert history.rebased([((5, 0), (5, 4))], since=4) is None
    for version in range(6, 1200):
        history.edited(version, ((0, 0), (0, 0)), "\n", "utf-16")
    assert history.rebased([((5, 0), (5, 4))], since=5) is None
    assert history.rebased([((5, 0), (5, 4))], since=1198) == (((6, 0), (6, 4)),)
