"""Edits between two versions of a file: they make the one of the other, touch nothing else, and cut no character."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lsp_server.code.text.differences import edits_between
from lsp_server.code.text.edits import apply
from lsp_server.types import Region

_TEXTS = st.lists(
    st.sampled_from(["a", "name", " ", "\n", "\r\n", "é", "🎉", "\t", "x = name + 1\n"]), max_size=30
).map("".join)


@given(_TEXTS, _TEXTS)
def test_the_edits_make_the_new_of_the_old(old: str, new: str) -> None:
    before, after = old.encode(), new.encode()
    edits = edits_between(before, after, version=4)
    assert apply(before, edits) == after
    assert all(a.region.end <= b.region.start for a, b in pairwise(edits))
    assert {edit.version for edit in edits} <= {4}
    assert all(before[edit.region.start : edit.region.end].decode() != edit.new_text for edit in edits)


def test_a_name_alone_is_replaced_where_a_name_has_changed() -> None:
    old = b"def f(old):\n    return old + older\n"
    new = b"def f(new):\n    return new + older\n"
    assert [(e.region, e.new_text) for e in edits_between(old, new)] == [
        (Region(6, 9), "new"),
        (Region(23, 26), "new"),
    ]


def test_a_large_file_with_many_changes_takes_no_search() -> None:
    old = b"".join(b"\n" if n % 3 else b"value = %d\n" % n for n in range(60_000))
    new = old.replace(b"value", b"count")
    assert len(edits_between(old, new)) == 20_000
