from __future__ import annotations

import difflib
import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import click
import pytest

from lsp_server.cli.output import diff as diff_module
from lsp_server.cli.output.diff import coloured, unified_diff
from lsp_server.code.text.edits import apply
from lsp_server.types import Edit, Region

HEADER = "--- a/f\n+++ b/f\n"


def edit(start: int, end: int, text: str) -> Edit:
    return Edit(region=Region(start, end), new_text=text, version=None)


def test_no_change_is_no_diff() -> None:
    assert unified_diff(HEADER, b"x\ny\n", [edit(0, 1, "x")]) == ""


def random_edits(random_: random.Random, source: str) -> list[Edit]:
    """Edits at places between characters, apart from each other."""
    places = sorted(random_.sample(range(len(source) + 1), min(len(source) + 1, 2 * random_.randint(1, 3))))
    offsets = [len(source[:place].encode()) for place in places]
    texts = ["", "new", "a\nb\n", "é\n", "\n", "z\r\nq"]
    pairs = zip(offsets[::2], offsets[1::2], strict=False)
    return [edit(start, end, random_.choice(texts)) for start, end in pairs]


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
@pytest.mark.parametrize("seed", range(60))
def test_git_applies_it(tmp_path: Path, seed: int) -> None:
    random_ = random.Random(seed)
    lines = ["a", "b", "", "  c", "é", "\f", "d\r", "x" * 9]
    source = "\n".join(random_.choice(lines) for _ in range(random_.choice([1, 4, 30, 80]))) + random_.choice(
        ["", "\n"]
    )
    edits = random_edits(random_, source)
    filled = apply(source.encode(), edits)
    diff = unified_diff(HEADER, source.encode(), edits)
    (tmp_path / "f").write_bytes(source.encode())
    if diff:
        subprocess.run(["git", "apply", "-"], input=diff.encode(), cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "f").read_bytes() == filled


@pytest.mark.parametrize("seed", range(60))
def test_it_is_about_as_small_as_a_diff_of_the_whole_files(seed: int) -> None:
    random_ = random.Random(seed)
    source = "".join(f"{random_.choice('abc')}\n" for _ in range(60))
    edits = random_edits(random_, source)
    filled = apply(source.encode(), edits).decode()
    whole = difflib.unified_diff(source.split("\n"), filled.split("\n"), lineterm="")
    ours, theirs = (
        sum(line[:1] in {"+", "-"} for line in d)
        for d in (unified_diff(HEADER, source.encode(), edits).split("\n"), whole)
    )
    assert ours <= theirs + 12


def test_of_a_large_file_only_lines_near_the_edits_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    class Counting(difflib.SequenceMatcher[str]):
        def __init__(self, junk: None, a: Sequence[str], b: Sequence[str], *, autojunk: bool) -> None:
            compared.extend((len(a), len(b)))
            super().__init__(junk, a, b, autojunk=autojunk)

    monkeypatch.setattr(diff_module, "SequenceMatcher", Counting)
    source = "".join(f"    x = {n % 7}\n\n" for n in range(100_000)).encode()
    diff = unified_diff(HEADER, source, [edit(4, 5, "y"), edit(len(source) - 8, len(source) - 7, "z")])
    assert diff.count("@@") == 4
    assert len(compared) == 4
    assert max(compared) < 20


def test_colours_change_no_text_and_control_characters_do_not_act() -> None:
    diff = unified_diff(HEADER, b"a\n--b\n\x1b[31mc\r\n", [edit(0, 1, "x"), edit(2, 5, "y")])
    shown = coloured(diff)
    assert "\x1b[31mc" not in shown
    assert click.unstyle(shown) == diff.replace("\x1b", "\\x1b").replace("\r", "")
    assert click.style("---b", fg="red") in shown
