"""Text of other files: who is given it, and who never is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lsp_server import pipeline
from lsp_server.cli import fill as fill_module
from lsp_server.cli import main as cli
from lsp_server.code.languages.table import language_of
from lsp_server.transforms.fill import fill_regions
from lsp_server.types import Region, Snapshot
from model.text import PlainText
from model.types import Cancelled, FillOptions
from tests.fakes import FakeFiller
from tests.lsp_server.editor import connected

CANARY = "PASSWORD = 'canary-7f3a'\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "w"
    root.mkdir()
    (root / ".git").mkdir()
    for name, text in {
        "a.py": "x = 1\n",
        "b.py": "b = 1\n",
        ".env": CANARY,
        "made.py": CANARY,
        "own.py": CANARY,
    }.items():
        (root / name).write_text(text)
    (root / "link.py").symlink_to(".env")
    (root / ".gitignore").write_text("made.py\n")
    (root / ".dlmignore").write_text("own.py\n")
    (tmp_path / "outside.py").write_text(CANARY)
    return root


async def test_an_editor_s_fills_are_given_open_and_near_files(root: Path) -> None:
    uri = (root / "a.py").as_uri()
    async with connected(folders=[root], record=root.parent / "fills") as editor:
        for name in (".env", "made.py", "own.py"):
            editor.open(CANARY, uri=(root / name).as_uri())
        editor.open("first = 1\n", uri="untitled:first")
        editor.open("second = 1\n", uri="untitled:second")
        editor.open("x = 1\nimport outside\n", uri=uri)
        await editor.complete(0, 5, uri=uri)
        editor.change((None, "first = 2\n"), uri="untitled:first")
        await editor.fill((0, 4, 0, 5), uri=uri)
        asked = await editor.until_recorded(2)
    assert [fill["other_files"] for fill in asked] == [
        ["second = 1\n", "first = 1\n", "b = 1\n"],
        ["first = 2\n", "second = 1\n", "b = 1\n"],
    ]


@pytest.mark.parametrize(
    "fake", [{"options": {"crossFile": False}}, {"reads_other_files": False}], ids=["switched off", "remote"]
)
async def test_nothing_is_gathered_where_it_is_not_wanted(root: Path, fake: dict[str, Any]) -> None:
    uri = (root / "a.py").as_uri()
    async with connected(folders=[root], record=root.parent / "fills", **fake) as editor:
        editor.open("other = 1\n", uri="untitled:other")
        editor.open("x = 1\n", uri=uri)
        await editor.complete(0, 5, uri=uri)
        (asked,) = await editor.until_recorded(1)
    assert asked["other_files"] == []


def test_the_pipeline_gathers_for_those_alone_who_read_it() -> None:
    asked: list[bool] = []

    def others(cancelled: Cancelled) -> tuple[PlainText, ...]:
        asked.append(cancelled())
        return (PlainText("other = 1\n"),)

    snapshot = Snapshot(uri="file:///a.py", version=1, source=b"x = 1\n", language=language_of("a.py"), tree=None)
    for reads, told in ((False, ()), (True, ("other = 1\n",))):
        filler = FakeFiller(["2"], reads_other_files=reads)
        gaps = fill_regions(snapshot, [Region(4, 5)])
        pipeline.run(snapshot, gaps, filler, FillOptions(), cancelled=lambda: False, other_files=others)
        assert filler.requests[0].other_files == told
    assert asked == [False]


def test_the_command_line_reads_the_repository_around_the_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filler = FakeFiller(["y = 2"])
    monkeypatch.setattr(fill_module, "open_filler", lambda *_, **__: filler)
    (root / "sub").mkdir()
    (root / "sub" / "c.py").write_text("c = 1\n")
    monkeypatch.chdir(root / "sub")
    assert cli.run(["c.py:1"]) == 0
    assert cli.run(["c.py:1", "--no-cross-file"]) == 0
    (root / ".git").rmdir()
    assert cli.run(["c.py:1"]) == 0
    monkeypatch.setattr("sys.stdin", (root / "a.py").open())
    assert cli.run(["-:1"]) == 0
    assert [request.other_files for request in filler.requests] == [("x = 1\n", "b = 1\n"), (), (), ()]
