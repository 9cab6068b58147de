from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lsp_server.diagnostics.edited import Edited
from lsp_server.types import Region

edits = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 8), st.text("xyz", max_size=6)), max_size=12)


@given(edits=edits)
def test_every_byte_that_was_put_in_is_in_a_region(
    edits: list[tuple[int, int, str]],
) -> None:
    text, edited = "." * 40, Edited()
    for at, removed, put in edits:
        start = min(at, len(text))
        end = min(start + removed, len(text))
        text = text[:start] + put + text[end:]
        edited.edited(Region(start, end), len(put))
        assert list(edited.regions) == sorted(edited.regions)
        assert all(a.end < b.start for a, b in zip(edited.regions, edited.regions[1:], strict=False))
    inside = {n for region in edited.regions for n in range(region.start, region.end)}
    assert {n for n, character in enumerate(text) if character != "."} <= inside


def test_what_was_looked_at_is_left_out() -> None:
    edited = Edited()
    edited.edited(Region(10, 10), 20)
    edited.edited(Region(50, 55), 5)
    edited.looked_at(Region(15, 52))
    assert edited.regions == (Region(10, 15), Region(52, 55))
    edited.looked_at(Region(0, 60))
    assert not edited.regions


def test_a_deletion_is_looked_at_too() -> None:
    edited = Edited()
    edited.edited(Region(10, 20), 0)
    assert edited.regions == (Region(10, 10),)
    edited.looked_at(Region(0, 30))
    assert not edited.regions
