from __future__ import annotations

from pathlib import Path

import pytest

from lsp_server.cli.targets.targets import After, Columns, LineRange, parse_target
from lsp_server.errors import InputError


@pytest.mark.parametrize(
    ("spelled", "file", "range_"),
    [
        ("a.py:3-5", "a.py", LineRange(3, 5)),
        ("a.py:3", "a.py", LineRange(3, 3)),
        ("a.py:0+", "a.py", After(0)),
        ("a.py:12+", "a.py", After(12)),
        ("a.py:3:4-5:6", "a.py", Columns((3, 4), (5, 6))),
        ("a.py:3:4-3:4", "a.py", Columns((3, 4), (3, 4))),
        ("-:3-5", "-", LineRange(3, 5)),
        (r"C:\src\a.py:3-5", r"C:\src\a.py", LineRange(3, 5)),
        ("odd:name:7-8:3-5", "odd:name:7-8", LineRange(3, 5)),
        ("a b\nc:1:2-3:4", "a b\nc", Columns((1, 2), (3, 4))),
        ("x-1:2", "x-1", LineRange(2, 2)),
        ("über.py:1", "über.py", LineRange(1, 1)),
    ],
)
def test_targets_are_read_from_the_right(spelled: str, file: str, range_: LineRange | After | Columns) -> None:
    target = parse_target(spelled)
    assert (target.file, target.range, target.spelled) == (file, range_, spelled)


@pytest.mark.parametrize(
    ("spelled", "remedy"),
    [
        ("a.py", "a.py:3-5"),
        ("", "FILE:3-5"),
        (":3-5", "FILE:A-B"),
        ("a.py:", "FILE:A-B"),
        ("a.py:x-y", "FILE:A-B"),
        ("a.py:٣", "FILE:A-B"),  # digits of other scripts are no line numbers
        ("a.py:5-3", "write a.py:3-5"),
        ("a.py:5:1-3:2", "write a.py:3:2-5:1"),
        ("a.py:3:9-3:2", "write a.py:3:2-3:9"),
        ("a.py:0-3", "a.py:0+"),
        ("a.py:0", "a.py:0+"),
        ("a.py:1:0-1:3", "counted from 1"),
    ],
)
def test_what_is_no_target_names_the_remedy(spelled: str, remedy: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_target(spelled)
    assert remedy in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_editors_line_and_column_are_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.py").write_text("x\n")
    with pytest.raises(InputError, match=r"a\.py:3:C-3:D"):
        parse_target("a.py:3:5")
    Path("a.py:3").write_text("x\n")
    assert parse_target("a.py:3:5").file == "a.py:3"
