from __future__ import annotations

import random
import re

import pytest

from lsp_server.source.positions import Encoding, LineIndex, line_around

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
