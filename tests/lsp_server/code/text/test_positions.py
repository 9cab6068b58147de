from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsp_server.code.text import positions
from lsp_server.code.text.positions import Encoding, LineIndex, line_around
from lsp_server.types import Region

ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")
PIECES = [
    "a",
    "xyz ",
    "\n",
    "\r\n",
    "\r",
    "é",
    "漢字",
    "😀",
    "👋🏽",
    "\t",
    "\x0c",
    "\x0b",
    "\u2028",
    "\x85",
    "\x1c",
    "\n\n",
]


def reference_lines(text: str) -> list[str]:
    return re.split(r"\r\n|\n|\r", text)


def columns(text: str, encoding: Encoding) -> int:
    sizes = {"utf-8": len(text.encode()), "utf-16": len(text.encode("utf-16-le")) // 2, "utf-32": len(text)}
    return sizes[encoding]


def test_only_lsp_line_ends_count() -> None:
    index = LineIndex("a\x0cb\u2028c\x85d\r\ne\rf\n".encode())
    assert index.line_count == 4
    assert [index.line_region(line).end - index.line_region(line).start for line in range(4)] == [10, 1, 1, 0]


@pytest.mark.parametrize("seed", range(30))
def test_every_position_agrees_with_a_plain_count(seed: int) -> None:
    choice = random.Random(seed)
    text = "".join(choice.choices(PIECES, k=choice.randrange(0, 200)))
    index = LineIndex(text.encode())
    lines = reference_lines(text)
    assert index.line_count == len(lines)
    offset = 0
    for number, line in enumerate(lines):
        region = index.line_region(number)
        assert (region.start, region.end) == (offset, offset + len(line.encode()))
        for cut in range(len(line) + 1):
            at = offset + len(line[:cut].encode())
            for encoding in ENCODINGS:
                column = columns(line[:cut], encoding)
                assert index.position(at, encoding) == (number, column)
                assert index.offset(number, column, encoding) == at
        offset = index.next_line_start(number)
    assert offset == len(text.encode())


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_large_sources_are_indexed_across_blocks(ending: bytes) -> None:
    # Lines of many lengths: line ends fall before, on and behind the borders of the blocks.
    lines = [b"x" * (n % 97) for n in range(3_000)] + [b"y" * 70_000, b"", b"z"]
    source = ending.join(lines)
    index = LineIndex(source)
    assert index.line_count == len(lines)
    offset = 0
    for number, line in enumerate(lines):
        if number % 7 == 0 or number > 2_990:
            assert index.line_start(number) == offset
            assert index.position(offset + len(line), "utf-16") == (number, len(line))
        offset += len(line) + len(ending)


def test_a_crlf_on_the_border_of_blocks_is_one_line_end() -> None:
    for padding in range(16_380, 16_388):
        index = LineIndex(b"a" * padding + b"\r\nb")
        assert index.line_count == 2
        assert index.position(padding + 2, "utf-8") == (1, 0)
        assert index.position(padding + 1, "utf-8") == (0, padding)


def test_positions_beyond_the_text_are_clamped() -> None:
    index = LineIndex("añ😀\r\nb".encode())
    assert index.offset(0, 99, "utf-16") == 7
    assert index.offset(9, 0, "utf-16") == 10
    assert index.offset(-1, 5, "utf-8") == 0
    assert index.offset(0, -4, "utf-8") == 0
    assert index.position(99, "utf-16") == (1, 1)
    assert index.position(-3, "utf-16") == (0, 0)


def test_columns_inside_a_character_go_to_its_start() -> None:
    index = LineIndex("añ😀b".encode())
    assert index.offset(0, 3, "utf-16") == 3  # between the two halves of the surrogate pair
    assert index.offset(0, 2, "utf-8") == 1  # the second byte of ñ
    assert index.offset(0, 5, "utf-8") == 3


def test_an_empty_file_has_one_empty_line() -> None:
    index = LineIndex(b"")
    assert index.line_count == 1
    assert index.offset(0, 0, "utf-16") == 0
    assert index.position(0, "utf-16") == (0, 0)
    assert index.next_line_start(0) == 0


@pytest.mark.parametrize("text", ["", "a", "a\nb", "a\r\nb\r\n", "\r\r\n\n", "é\r\n\x0c😀\u2028x\rlast"])
def test_the_line_around_an_offset_is_that_of_the_index(text: str) -> None:
    source = text.encode()
    index = LineIndex(source)
    for offset in range(len(source) + 1):
        assert line_around(source, offset) == index.line_region(index.line_at(offset)), offset


@given(
    pieces=st.lists(st.sampled_from(PIECES), max_size=30),
    edits=st.lists(
        st.tuples(st.floats(0, 1), st.floats(0, 1), st.lists(st.sampled_from(PIECES), max_size=6)),
        min_size=1,
        max_size=8,
    ),
    block_bytes=st.integers(2, 9),
)
def test_an_index_after_edits_is_that_of_the_text(
    pieces: list[str], edits: list[tuple[float, float, list[str]]], block_bytes: int
) -> None:
    """Blocks of a few bytes, so that their borders fall into, before and behind line ends and edits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(positions, "_BLOCK_BYTES", block_bytes)
        source = "".join(pieces).encode()
        index = LineIndex(source)
        for start, length, new in edits:
            at = round(start * len(source))
            end = at + round(length * (len(source) - at))
            middle = "".join(new).encode()
            source = source[:at] + middle + source[end:]
            assert index.line_count  # so that there is something to keep
            index = index.after(source, Region(at, end), at + len(middle))
            fresh = LineIndex(source)
            assert index.line_count == fresh.line_count
            assert [index.line_region(n) for n in range(index.line_count)] == [
                fresh.line_region(n) for n in range(fresh.line_count)
            ]
            assert [index.line_at(n) for n in range(len(source) + 1)] == [
                fresh.line_at(n) for n in range(len(source) + 1)
            ]


def test_typing_counts_near_the_keystroke_only_and_makes_no_blocks() -> None:
    source = b"some line\r\n" * 100_000
    index = LineIndex(source)
    blocks, at = len(index._blocks), index.line_start(50_000)  # noqa: SLF001  how many there are is what must not grow
    for n in range(1_000):
        source = source[: at + n] + b"x" + source[at + n :]
        index = index.after(source, Region(at + n, at + n), at + n + 1)
    assert "_lines_before" in vars(index), "nothing is left to be counted"
    assert len(index._blocks) == blocks  # noqa: SLF001  the same
    assert index.position(at + 1_000, "utf-16") == (50_000, 1_000)
