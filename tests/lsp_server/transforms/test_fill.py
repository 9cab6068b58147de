from __future__ import annotations

import pytest

from lsp_server.code.languages.table import language_of
from lsp_server.errors import InputError
from lsp_server.transforms.complete import complete
from lsp_server.transforms.fill import fill_regions, insert_lines
from lsp_server.types import Gap, Region, Snapshot


def snapshot(text: str) -> Snapshot:
    return Snapshot(uri="file:///a.py", version=1, source=text.encode(), language=language_of("a.py"), tree=None)


def marked(text: str) -> tuple[Snapshot, list[Region]]:
    """`«…»` around regions: the text without the marks, and the regions."""
    source, regions, start = b"", [], 0
    for byte in text.replace("«", "\1").replace("»", "\2").encode():
        if byte == 1:
            start = len(source)
        elif byte == 2:
            regions.append(Region(start, len(source)))
        else:
            source += bytes([byte])
    return snapshot(source.decode()), regions


def put(found: Gap, source: bytes, text: str) -> str:
    whole = found.before + text + found.after
    return (source[: found.region.start] + whole.encode() + source[found.region.end :]).decode()


@pytest.mark.parametrize(
    ("text", "max_lines"),
    [
        ("a\n«b»\nc\n", None),
        ("a\n«    b\n    c»\n", None),
        ("«»\n", None),
        ("x = «1»\n", 1),
        ("«x» = 1\n", 1),
        ("  «x»\n", None),  # alone on its line, apart from indentation
        ("x = «[\n  1\n]»\n", None),
    ],
)
def test_a_hole_within_a_line_stays_on_it(text: str, max_lines: int | None) -> None:
    taken, regions = marked(text)
    (found,) = fill_regions(taken, regions)
    assert found.region == regions[0]
    assert found.hole.max_lines == max_lines
    assert found.hole.old_text == taken.text(regions[0])


def test_regions_come_in_the_order_of_the_file() -> None:
    taken, regions = marked("«a»\nb\n«c»\n")
    assert [found.hole.old_text for found in fill_regions(taken, regions[::-1])] == ["a", "c"]


@pytest.mark.parametrize(
    "regions", [[(0, 3), (2, 5)], [(0, 3), (0, 3)], [(0, 5), (2, 3)], [(2, 2), (2, 2)], [(2, 2), (0, 5)]]
)
def test_overlapping_regions_are_refused(regions: list[tuple[int, int]]) -> None:
    with pytest.raises(InputError, match="overlap"):
        fill_regions(snapshot("abcdefg\n"), [Region(*region) for region in regions])


def test_touching_regions_are_no_overlap() -> None:
    assert len(fill_regions(snapshot("abcdefg\n"), [Region(0, 2), Region(2, 5)])) == 2


@pytest.mark.parametrize(
    ("text", "line", "filled"),
    [
        ("a\nb\n", 0, "NEW\na\nb\n"),
        ("a\nb\n", 1, "a\nNEW\nb\n"),
        ("a\nb\n", 2, "a\nb\nNEW\n"),
        ("a\nb", 2, "a\nb\nNEW"),
        ("a\nb", 1, "a\nNEW\nb"),
        ("", 0, "NEW\n"),
        ("a\r\nb\r\n", 1, "a\r\nNEW\nb\r\n"),
        ("a\rb", 1, "a\rNEW\nb"),
    ],
)
def test_new_lines_fit_between_lines(text: str, line: int, filled: str) -> None:
    found = insert_lines(snapshot(text), line)
    assert found.hole.old_text == ""
    assert put(found, text.encode(), "NEW") == filled


@pytest.mark.parametrize(
    ("text", "one_line"),
    [
        ("x = «»\n", True),
        ("x = «»)\n", True),
        ("    «»\n", False),
        ("«»", False),
        ("    «»)\n", True),
        ("    «»return x\n", True),
        ("é«»\n", True),
    ],
)
def test_a_completion_is_one_line_where_the_line_has_text(text: str, one_line: bool) -> None:
    taken, regions = marked(text)
    found = complete(taken, regions[0].start)
    assert found.region == regions[0]
    assert (found.hole.max_lines == 1) is one_line
