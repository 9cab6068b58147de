from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.text import PlainText, usual_line_end
from model.types import FillRequest, Hole, Template

ENDS = st.sampled_from(["\n", "\r\n", "\r"])
# What `str.splitlines` takes for line ends and editors do not: it stays as it is.
LINE = st.text(alphabet="ab \t\x0b\x0c\x1c\x85\u2028\u2029é😀\ufeff", max_size=6)


@given(st.lists(LINE, min_size=1), st.data())
def test_only_line_ends_change_and_all_of_them(lines: list[str], data: st.DataObject) -> None:
    ends = [data.draw(ENDS) for _ in lines[1:]]
    written = lines[0] + "".join(end + line for end, line in zip(ends, lines[1:], strict=True))
    text = PlainText.read(written.encode())
    # A line that ends in "\r" before an empty one that ends in "\n" reads as one line end: nothing can tell them apart.
    if not any((a, line, b) == ("\r", "", "\n") for a, line, b in zip(ends, lines[1:], ends[1:], strict=False)):
        assert text == "\n".join(lines).removeprefix("\ufeff")
    assert "\r" not in text
    assert PlainText(text) is text
    assert text.bom == written.startswith("\ufeff")


@given(st.lists(LINE), ENDS)
def test_the_line_end_is_remembered_and_comes_back(lines: list[str], end: str) -> None:
    written = end.join(["first", *lines, "last"])
    text = PlainText(written)
    assert text.line_end == end
    assert text.with_line_ends(text.line_end) == written


@pytest.mark.parametrize(
    ("text", "end"), [("", "\n"), ("a", "\n"), ("a\r\nb\r\nc\n", "\r\n"), ("a\rb\nc\n", "\n"), ("a\rb", "\r")]
)
def test_most_lines_decide(text: str, end: str) -> None:
    assert PlainText(text).line_end == usual_line_end(text) == end


def test_a_copy_is_the_same_text() -> None:
    text = PlainText("\ufeffa\r\nb")
    for same in (copy.deepcopy(text), pickle.loads(pickle.dumps(text))):
        assert (same, same.line_end, same.bom, type(same)) == ("a\nb", "\r\n", True, PlainText)


def test_what_is_no_utf8_is_refused() -> None:
    with pytest.raises(UnicodeDecodeError):
        PlainText.read(b"\xff")


@given(st.lists(st.text(alphabet="a\r\n", max_size=5), min_size=3, max_size=3))
def test_no_request_can_be_made_with_other_line_ends(texts: list[str]) -> None:
    template = Template(pieces=(texts[0], texts[1]), holes=(Hole(),))
    request = FillRequest(template=template, extra_context=(texts[2],), other_files=(texts[0], texts[1]))
    held = (*request.template.pieces, *request.extra_context, *request.other_files)
    assert held == tuple(map(PlainText, (*texts, texts[0], texts[1])))
    assert not any("\r" in text for text in held)
