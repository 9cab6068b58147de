"""What is opened to mend an error."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lsp_server.code.syntax.faults import openings
from lsp_server.types import Region

LINES = st.lists(st.sampled_from(["x", "é", "😀", "𝔘", "'", "(", " ", "=", "\n", "    "]), max_size=30).map("".join)


@given(LINES, st.data())
def test_no_character_is_cut_in_two(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    start, end = len(text[:at].encode()), len(text[: data.draw(st.integers(at, len(text)))].encode())
    for opened in openings(text.encode(), Region(start, end)):
        text.encode()[opened.start : opened.end].decode("utf-8")


def test_the_token_comes_first_and_then_those_beside_it() -> None:
    source = "total = prijs€ x\n".encode()
    start = source.index(b"prijs")
    opened = [source[o.start : o.end].decode() for o in openings(source, Region(start, start))]
    assert opened[:3] == ["prijs€", "= prijs€ x", "total = prijs€ x"]
